"""What `lab_wait` can wait for: kinds of events, or a metric that crosses a bound."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.records import Event
from pawn_lab.reporting.metrics import METRICS
from pawn_lab.states import ENDED
from pawn_lab.store.events import KINDS
from pawn_lab.trials import streams
from pawn_lab.trials.requests import MOST_EVENTS

SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
GROUPS = {"ended": frozenset(map(str, ENDED)), "any": frozenset(map(str, KINDS))}
"""Several kinds under one name."""

STEP = "step"
_BOUND = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*")


@dataclass(frozen=True)
class Bound:
    """A metric, or the step, on one side of a number."""

    metric: str
    sign: str
    limit: float

    def holds(self, record: dict[str, Any]) -> bool:
        """Say whether a record of a metrics stream is beyond the bound."""
        value = record.get(self.metric)
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and isinstance(record.get(STEP), int)
            and SIGNS[self.sign](value, self.limit)
        )


@dataclass
class Streams:
    """The metrics streams of trials, read on from where the last look ended."""

    lab: Lab
    _offsets: dict[int, int] = field(default_factory=dict)

    def beyond(self, bound: Bound, trial_ids: Iterable[int]) -> Iterator[tuple[int, dict]]:
        """Yield each trial with its first record beyond the bound, of those not looked at yet."""
        for trial_id in trial_ids:
            paths, offset = self.lab.paths.trial(trial_id), self._offsets.get(trial_id, 0)
            records, self._offsets[trial_id] = streams.records_from(paths, offset)
            if found := next(filter(bound.holds, records), None):
                yield trial_id, found


def parsed_until(until: str) -> frozenset[str] | Bound:
    """Return the kinds of events, or the bound, that a caller waits for.

    Raises:
        InvalidRequestError: neither; says what there is.
    """
    if until in KINDS:
        return frozenset({until})
    if until in GROUPS:
        return GROUPS[until]
    match = _BOUND.fullmatch(until)
    return _bound(*match.groups()) if match else _refuse(until, [*GROUPS, *KINDS])


def _bound(metric: str, sign: str, limit: str) -> Bound:
    known = [STEP, *(m.name for m in METRICS)]
    try:
        return Bound(metric, sign, float(limit)) if metric in known else _refuse(metric, known)
    except ValueError:
        raise InvalidRequestError(f"until: {limit[:50]} is not a number") from None


def _refuse(name: str, known: list[str]) -> Any:
    hint = did_you_mean(name, known)
    raise InvalidRequestError(
        f"until {name[:100]!r} is not allowed{hint}; one of: {', '.join(known)}; or a metric's "
        "bound, as val_loss<3"
    )


def news(
    lab: Lab, cursor: int, kinds: frozenset[str], watched: set[int] | None
) -> tuple[list[Event], int]:
    """Return the first page's events that are waited for, and the cursor after that page."""
    for events, after in _pages(lab, cursor):
        cursor = after
        found = [
            e for e in events if e.kind in kinds and (watched is None or e.trial_id in watched)
        ]
        if found:
            return found, cursor
    return [], cursor


def _pages(lab: Lab, cursor: int) -> Iterator[tuple[list[Event], int]]:
    more = True
    while more:
        page = lab.events(since=cursor, limit=MOST_EVENTS)
        cursor, more = page.cursor, page.more
        yield page.events, cursor
