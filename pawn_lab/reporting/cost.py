"""Money: the integral of the rate over the device-time that trials held.

The rate is that of the whole machine, so one device costs `cost_per_hour / devices`. Rates are
history: a change counts from when it was made, and device-time before the first rate is
reported as unpriced, never guessed. Beside it runs the machine's own clock, which nobody stops
while no trial runs: the rate over the time since it was first set.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pawn_lab import clock
from pawn_lab.clock import Moment
from pawn_lab.errors import InvalidRequestError
from pawn_lab.records import CostReport, MachineReport
from pawn_lab.records.money import Course
from pawn_lab.store import Transaction, events, leases, prices, trials
from pawn_lab.store.rows import LeaseRow, RateRow

MOST_PER_HOUR = 100_000.0
_HOUR_S = 3600.0


def set_rate(
    tx: Transaction, cost_per_hour: float, device_count: int, caller: str | None = None
) -> None:
    """Record what the machine costs from now on; the event says who set it.

    Raises:
        InvalidRequestError: not a number from 0 to `MOST_PER_HOUR`.
    """
    if not (math.isfinite(cost_per_hour) and 0 <= cost_per_hour <= MOST_PER_HOUR):
        raise InvalidRequestError(
            f"cost_per_hour {cost_per_hour} is not allowed: 0 to {MOST_PER_HOUR:g} a machine-hour"
        )
    device_count = max(1, device_count)  # of a machine whose GPUs are lost, as if one were left
    history = prices.rates(tx)
    if history and (history[-1].cost_per_hour, history[-1].devices) == (
        cost_per_hour,
        device_count,
    ):
        return
    prices.add_rate(tx, cost_per_hour, device_count)
    message = f"the machine costs {cost_per_hour:g} an hour, for {device_count} devices"
    data = {"cost_per_hour": cost_per_hour, "devices": device_count}
    events.append_asked(tx, "cost", message, None, caller, **data)


def follow_boot(tx: Transaction) -> None:
    """Note the latest rate anew once the machine was booted: uptimes count within a boot only."""
    latest = prices.rates(tx)[-1:]
    if latest and latest[0].boot != clock.boot_id():
        prices.add_rate(tx, latest[0].cost_per_hour, latest[0].devices)


def _rates_now(tx: Transaction) -> list[RateRow]:
    """Return the rates with the times at which they were set by the clock as it is set now."""
    history = prices.rates(tx)
    return [replace(rate, since=rate.set_at.seen_from(tx.moment)) for rate in history]


def device_course(tx: Transaction) -> Course:
    """Return what device-time had come to whenever its pace changed; empty without a price."""
    history, spans = _rates_now(tx), lease_spans(tx, leases.history(tx))
    if not history:
        return []
    held, turns = 0, Counter[float]()
    for start, stop in spans:
        turns[start] += 1
        turns[max(start, stop)] -= 1
    moments = sorted({history[0].since, *turns, *(rate.since for rate in history), tx.now})
    course, total, before = [], 0.0, moments[0]
    for moment in moments:
        total += held * _integral(history, before, moment)
        course.append((moment, total))
        held, before = held + turns[moment], moment
    return course


def machine_course(tx: Transaction) -> Course:
    """Return what the machine's own clock had come to at each price, and now."""
    history = prices.rates(tx)
    if not history:
        return []
    moments = [*(rate.set_at for rate in history), Moment.at(tx.now)]
    hours = [a.until(b) / _HOUR_S for a, b in itertools.pairwise(moments)]
    costs = [h * rate.cost_per_hour for h, rate in zip(hours, history, strict=True)]
    whens = [*(rate.since for rate in _rates_now(tx)), tx.now]
    return list(zip(whens, itertools.accumulate(costs, initial=0.0), strict=True))


def machine(tx: Transaction) -> MachineReport | None:
    """Return what the machine's own clock has come to; None before a price was set."""
    history = prices.rates(tx)
    if not history:
        return None
    moments = [rate.set_at for rate in history]
    spans = [a.until(b) / _HOUR_S for a, b in itertools.pairwise([*moments, Moment.at(tx.now)])]
    there = math.fsum(h * rate.devices for h, rate in zip(spans, history, strict=True))
    held = _hours(
        (max(start, moments[0].wall), stop) for start, stop in lease_spans(tx, leases.history(tx))
    )
    return MachineReport(
        hours=math.fsum(spans),
        total=math.fsum(h * rate.cost_per_hour for h, rate in zip(spans, history, strict=True)),
        idle_share=max(0.0, 1.0 - held / there) if there else None,
    )


def device_rate(tx: Transaction) -> float | None:
    """Return what an hour of one device costs now; None where no cost was set."""
    history = prices.rates(tx)
    return history[-1].cost_per_hour / history[-1].devices if history else None


def metered_since(tx: Transaction) -> float | None:
    """Return since when the machine has cost something all the time; None while it does not."""
    costly = itertools.takewhile(lambda rate: rate.cost_per_hour > 0, reversed(_rates_now(tx)))
    return min((rate.since for rate in costly), default=None)


def by_trial(tx: Transaction, held: Iterable[LeaseRow]) -> dict[int, float]:
    """Return what the trials of these leases have cost so far."""
    history, costs = _rates_now(tx), defaultdict[int, float](float)
    for lease in held:
        costs[lease.trial_id] += _integral(history, lease.start, _stop(tx, lease))
    return dict(costs)


def report(tx: Transaction, device_count: int) -> CostReport:
    """Return the money spent so far, in total and by trial."""
    history, held = _rates_now(tx), leases.history(tx)
    first = history[0].since if history else math.inf
    costs = by_trial(tx, held)
    return CostReport(
        cost_per_hour=history[-1].cost_per_hour if history else None,
        devices=device_count,
        device_hours=_hours(lease_spans(tx, held)),
        unpriced_device_hours=_hours((a, min(b, first)) for a, b in lease_spans(tx, held)),
        total=math.fsum(costs.values()),
        by_trial=costs,
        by_tag=_by_tag(tx, costs),
        machine=machine(tx),
    )


def _by_tag(tx: Transaction, costs: dict[int, float]) -> dict[str, float]:
    """Add the costs of trials by tag; a trial of several tags counts for each."""
    tags: defaultdict[str, float] = defaultdict(float)
    for tag, trial_id in trials.by_tag(tx):
        tags[tag] += costs.get(trial_id, 0.0)
    return dict(tags)


class Meter(NamedTuple):
    """What device-time comes to: when it was held, and what it costs an hour since when."""

    spans: list[tuple[float, float]]
    rates: list[tuple[float, float, float]]
    """From when until when an hour of one device costs so much."""

    def hours(self, moments: np.ndarray) -> np.ndarray:
        """Return the device-hours up to each moment."""
        return _held(self.spans, moments) / _HOUR_S

    def cost(self, moments: np.ndarray) -> np.ndarray:
        """Return the money spent up to each moment."""
        total = np.zeros(len(moments))
        for since, until, hourly in self.rates:
            priced = [(max(start, since), min(stop, until)) for start, stop in self.spans]
            total += _held(priced, moments) * (hourly / _HOUR_S)
        return total


def _held(spans: list[tuple[float, float]], moments: np.ndarray) -> np.ndarray:
    """Return for how many seconds up to each moment there was a span."""
    total = np.zeros(len(moments))
    for start, stop in spans:
        total += np.maximum(0.0, np.minimum(stop, moments) - start)
    return total


def meters(tx: Transaction, trial_ids: Iterable[int]) -> dict[int, Meter]:
    """Return what the device-time of each trial comes to."""
    numbers = list(trial_ids)
    held: dict[int, list[LeaseRow]] = {number: [] for number in numbers}
    for lease in leases.history(tx, numbers[0] if len(numbers) == 1 else None):
        held.get(lease.trial_id, []).append(lease)
    rates = _hourly_rates(tx)
    return {number: Meter(lease_spans(tx, own), rates) for number, own in held.items()}


def _hourly_rates(tx: Transaction) -> list[tuple[float, float, float]]:
    history = _rates_now(tx)
    untils = [*(rate.since for rate in history[1:]), math.inf]
    return [
        (r.since, u, r.cost_per_hour / r.devices) for r, u in zip(history, untils, strict=False)
    ]


def lease_spans(tx: Transaction, held: Iterable[LeaseRow]) -> list[tuple[float, float]]:
    """Return when each lease started and stopped; now, while it is held."""
    return [(lease.start, _stop(tx, lease)) for lease in held]


def _stop(tx: Transaction, lease: LeaseRow) -> float:
    return lease.stop if lease.stop is not None else tx.now


def _integral(history: list[RateRow], start: float, stop: float) -> float:
    """Integrate the rate of one device from start to stop."""
    untils = itertools.chain((rate.since for rate in history[1:]), [math.inf])
    return math.fsum(
        _overlap(start, stop, rate.since, until) * (rate.cost_per_hour / rate.devices / _HOUR_S)
        for rate, until in zip(history, untils, strict=False)
    )


def _overlap(start: float, stop: float, since: float, until: float) -> float:
    return max(0.0, min(stop, until) - max(start, since))


def _hours(spans: Iterable[tuple[float, float]]) -> float:
    return math.fsum([max(0.0, stop - start) for start, stop in spans]) / _HOUR_S
