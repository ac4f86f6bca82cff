"""What a lab knows: trials, events, results, logs, devices."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice

from pawn_lab.alarms import idling, watching, webhook
from pawn_lab.executors.executor import Device, DeviceLoad
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import (
    DeviceStatus,
    Event,
    EventPage,
    Glance,
    LogExcerpt,
    Progress,
    Pulse,
    Trial,
    TrialResult,
)
from pawn_lab.reporting import cost
from pawn_lab.reporting import digest as digests
from pawn_lab.reporting import log as logs
from pawn_lab.reporting import results as outcomes
from pawn_lab.scheduling.waiting import waits
from pawn_lab.shim import identity
from pawn_lab.states import ACTIVE, HOLDING, State
from pawn_lab.store import Transaction, leases
from pawn_lab.store import events as stored_events
from pawn_lab.store import trials as stored_trials
from pawn_lab.store.rows import LeaseRow, TrialRow
from pawn_lab.trials import requests, selection

MOST_TROUBLE = 3
"""Trials in trouble that a glance names; the others are counted."""


def trial(lab: Lab, trial_id: int) -> Trial:
    """Return a trial.

    Raises:
        UnknownTrialError: no such trial.
    """
    lab.refresh()
    with lab.database.read() as tx:
        return trial_record(tx, stored_trials.get(tx, trial_id), lab.devices)


def trials(lab: Lab, states: Iterable[State | str] | None = None) -> list[Trial]:
    """Return trials by number: all, or those in some states.

    Raises:
        InvalidRequestError: an unknown state.
    """
    checked = requests.checked_states(states)
    lab.refresh()
    with lab.database.read() as tx:
        return trial_records(tx, stored_trials.select(tx, checked), lab.devices)


def of_run_type(lab: Lab, run_type: str) -> list[Trial]:
    """Return the trials of a run type by number."""
    lab.refresh()
    with lab.database.read() as tx:
        return trial_records(tx, stored_trials.of_run_type(tx, run_type), lab.devices)


def selected(
    lab: Lab, trial_ids: Iterable[int] | None = None, tag: str | None = None
) -> list[Trial]:
    """Return the trials of these numbers, of this tag, or of both; all where neither is given.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: they are none.
    """
    lab.refresh()
    with lab.database.read() as tx:
        rows = selection.selected(tx, trial_ids, tag)
        return trial_records(tx, rows, lab.devices)


def glance(lab: Lab, tag: str | None = None, latest: int = 5) -> Glance:
    """Return the trials at a glance, of a tag or all; trouble and unresumed are of all tags.

    Raises:
        InvalidRequestError: no trial has the tag.
    """
    lab.refresh()
    with lab.database.read() as tx:
        if tag is not None:
            selection.check_tag(tx, tag)
        active = [row for row in stored_trials.select(tx, ACTIVE) if tag in (None, *row.tags)]
        ended, trouble = stored_trials.latest_ended(tx, latest, tag), stored_trials.in_trouble(tx)
        rows = [*active, *ended, *trouble[:MOST_TROUBLE]]
        records = iter(trial_records(tx, rows, lab.devices))
        return Glance(
            counts=stored_trials.counts(tx, tag),
            active=list(islice(records, len(active))),
            ended=list(islice(records, len(ended))),
            trouble=list(records),
            troubled=len(trouble),
            unresumed=stored_trials.unresumed(tx),
            idle=idling.told(tx, lab.paths, lab.executor, lab.devices),
            idle_costs=lab.executor.idle_costs,
            faults=[*watching.faults(lab.paths, tx.now), *webhook.faults(lab.paths)],
        )


def pulse(lab: Lab) -> Pulse:
    """Return what decides when to look again; takes less than a glance."""
    lab.refresh()
    with lab.database.read() as tx:
        holding, held = stored_trials.select(tx, HOLDING), leases.held(tx)
        queued, released = stored_trials.count_queued(tx), leases.last_release(tx)
    now, idle = tx.now, sum(device.id not in held for device in lab.devices)
    ends = {row.id: _ends_in_s(lab, row, now) for row in holding}
    return Pulse(
        devices=len(lab.devices),
        idle=idle,
        idle_s=None if held or released is None else max(0.0, now - released),
        queued=queued,
        stopping=sum(row.kill_reason is not None for row in holding),
        ends_in_s=[end for end in ends.values() if end is not None],
        starting_s=[_age_s(row, now) for row in holding if ends[row.id] is None],
    )


def _ends_in_s(lab: Lab, row: TrialRow, now: float) -> float | None:
    """Return when a trial ends at its speed or by its limit; None while that is not known."""
    eta = outcomes.progress(row, lab.paths.trial(row.id)).eta_s
    limit = row.limits.get("wall_clock_s")
    return eta if eta is None or limit is None else min(eta, limit - _age_s(row, now))


def events(lab: Lab, since: int = 0, limit: int = 100) -> EventPage:
    """Return events after a cursor, oldest first; the answer carries the next cursor.

    Raises:
        InvalidRequestError: `limit` is out of range, or nothing has reached the cursor yet.
    """
    requests.check_page(since, limit)
    lab.refresh()
    with lab.database.read() as tx:
        requests.check_reached(since, stored_events.last(tx), "event")
        return stored_events.page(tx, since, limit)


def events_of(lab: Lab, trial_id: int, most: int = 200) -> list[Event]:
    """Return the newest events of a trial, oldest first."""
    lab.refresh()
    with lab.database.read() as tx:
        return stored_events.of_trial(tx, trial_id, most)


def event_pages(lab: Lab, since: int = 0) -> Iterator[EventPage]:
    """Yield all events after a cursor, a page after the other; one at least, perhaps empty."""
    more = True
    while more:
        page = events(lab, since, requests.MOST_EVENTS)
        since, more = page.cursor, page.more
        yield page


def latest_event(lab: Lab) -> int:
    """Return the number of the newest event: the cursor of now."""
    lab.refresh()
    with lab.database.read() as tx:
        return stored_events.last(tx)


def asked_by(lab: Lab, trial_id: int) -> str | None:
    """Return who asked for a trial: the name of an agent's client, or "cli"; None: unknown."""
    with lab.database.read() as tx:
        return stored_events.asked_by(tx, trial_id)


def holding(lab: Lab) -> list[int]:
    """Return the trials that hold a device."""
    lab.refresh()
    with lab.database.read() as tx:
        return [row.id for row in stored_trials.select(tx, HOLDING)]


def touched(lab: Lab, since: int) -> set[int]:
    """Return the trials to which anything happened after an event."""
    lab.refresh()
    with lab.database.read() as tx:
        return stored_events.trials_since(tx, since)


def changed(lab: Lab, since: int) -> set[int]:
    """Return the trials that run now, or to which anything happened after an event."""
    return {*holding(lab), *touched(lab, since)}


def results(
    lab: Lab, trial_ids: Iterable[int] | None = None, tag: str | None = None
) -> list[TrialResult]:
    """Return the last and best evaluation of each model of each trial, by trial.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: numbers and tag leave no trial.
    """
    lab.refresh()
    with lab.database.read() as tx:
        rows = selection.selected(tx, trial_ids, tag)
        costs = cost.by_trial(tx, leases.history(tx))
    return [
        result
        for row in rows
        for result in outcomes.results(row, lab.paths.trial(row.id), costs.get(row.id, 0.0))
    ]


def progress(lab: Lab, trial_id: int) -> Progress:
    """Return a trial's step, latest records, rate and time to its next stop."""
    lab.refresh()
    with lab.database.read() as tx:
        row = stored_trials.get(tx, trial_id)
    return outcomes.progress(row, lab.paths.trial(trial_id))


def running(lab: Lab) -> list[Progress]:
    """Return how far each trial is that holds a device."""
    lab.refresh()
    with lab.database.read() as tx:
        held = stored_trials.select(tx, HOLDING)
    return [outcomes.progress(row, lab.paths.trial(row.id)) for row in held]


def log(
    lab: Lab,
    trial_id: int,
    lines: int = 50,
    grep: str | None = None,
    *,
    around: int = 0,
    since: int = 0,
) -> LogExcerpt:
    """Return the last lines of a trial's log, or the last around those that contain `grep`.

    `since` leaves out the lines that ended within so many bytes.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: a number is out of range, or the log has not as many bytes.
    """
    with lab.database.read() as tx:
        stored_trials.get(tx, trial_id)
    search = logs.Wanted(lines, grep or "", around, since)
    excerpt = logs.excerpt(trial_id, lab.paths.trial(trial_id).log, search)
    requests.check_reached(since, excerpt.size_bytes, "byte of the log")
    return excerpt


def digest(lab: Lab) -> str:
    """Return the lab's state in under 1,500 characters."""
    lab.refresh()
    with lab.database.read() as tx:
        held, counts = stored_trials.select(tx, HOLDING), stored_trials.counts(tx)
        queued = [row.id for row in stored_trials.queue(tx)]
        latest, spent = stored_events.latest(tx, 5), cost.report(tx, len(lab.devices))
    running = [outcomes.progress(row, lab.paths.trial(row.id)) for row in held]
    return digests.digest(counts, running, queued, latest, spent)


def shared_processor(lab: Lab, trial_ids: Iterable[int]) -> list[int]:
    """Return which of these trials ran on the CPU while another did."""
    with lab.database.read() as tx:
        return sorted(leases.overlapping(tx, list(trial_ids), "cpu:"))


def devices(lab: Lab) -> list[DeviceStatus]:
    """Return the devices with their load and who holds them.

    One that was lost is left out, unless a trial still holds it.
    """
    lab.refresh()
    with lab.database.read() as tx:
        held = {device: stored_trials.get(tx, of) for device, of in leases.held(tx).items()}
    loads = lab.executor.load(lab.devices)
    return [
        _device_status(device, held.get(device.id), loads.get(device.id, DeviceLoad()))
        for device in lab.devices
        if device.id in loads or device.id in held
    ]


def _device_status(device: Device, trial: TrialRow | None, load: DeviceLoad) -> DeviceStatus:
    """Return a device with who holds it, and how many others compute on it."""
    seen = load._asdict()
    strangers = _strangers(seen.pop("processes"), trial)
    trial_id = trial.id if trial else None
    return DeviceStatus(**asdict(device), trial_id=trial_id, **seen, strangers=strangers)


def _strangers(processes: Sequence[int], trial: TrialRow | None) -> int:
    """Count the processes that are not of the trial that holds a device.

    Where none of them is its own nothing can be told: in a container they may have other PIDs.
    """
    if trial is None or trial.token is None:
        return len(processes)
    token = trial.token
    own = [p for p in processes if identity.token_of(p) == token or identity.is_marked(p, token)]
    return len(processes) - len(own) if own else 0


def device_faults(lab: Lab) -> list[str]:
    """Return the devices that no trial can run on, each with the reason."""
    return lab.executor.faults()


def _age_s(row: TrialRow, now: float) -> float:
    """Return for how long a trial that holds devices has been at it."""
    return max(0.0, now - (row.started_at or row.created_at))


def trial_record(tx: Transaction, row: TrialRow, devices: list[Device]) -> Trial:
    """Return one trial."""
    return _records(tx, [row], leases.history(tx, row.id), devices)[0]


def trial_records(tx: Transaction, rows: list[TrialRow], devices: list[Device]) -> list[Trial]:
    """Return trials with their device, cost and, while queued, what they wait for."""
    return _records(tx, rows, leases.history(tx), devices)


def _records(
    tx: Transaction, rows: list[TrialRow], held: list[LeaseRow], devices: list[Device]
) -> list[Trial]:
    costs = cost.by_trial(tx, held)
    last_devices: dict[int, list[LeaseRow]] = {}
    for lease in held:
        latest = last_devices.setdefault(lease.trial_id, [])
        if latest and latest[0].start != lease.start:
            latest.clear()  # an earlier attempt to launch
        latest.append(lease)
    queued = any(row.state == State.QUEUED for row in rows)
    waiting = waits(tx, devices) if queued else {}
    return [
        Trial(
            id=row.id,
            state=row.state,
            config=row.config,
            tags=row.tags,
            hypothesis=row.hypothesis,
            priority=row.priority,
            parent=row.parent,
            from_step=row.from_step,
            device=",".join(lease.device for lease in last_devices.get(row.id, [])) or None,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            waits_for=waiting[row.id].why if row.id in waiting else None,
            queued_before=waiting[row.id].ahead if row.id in waiting else None,
            sweep=row.sweep,
            archived=row.archived_at is not None,
            on_hold=row.on_hold and row.state == State.QUEUED,
            exit=row.exit,
            games=row.games,
            cost=costs.get(row.id, 0.0),
        )
        for row in rows
    ]
