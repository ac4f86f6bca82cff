"""lab_wait: one call instead of many looks; it ends when something happens, or in a minute."""

import operator
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NoReturn

from pydantic import Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Event, Trial
from pawn_lab.reporting import metrics
from pawn_lab.states import ACTIVE, ENDED
from pawn_lab.store.events import KINDS
from pawn_lab.tools.events import EventRow, first_rows
from pawn_lab.tools.questions import MaxTokens, Reading, Since, position
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Number, RunRow, Table, TrialId
from pawn_lab.trials import streams
from pawn_lab.trials.requests import check_reached

SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
GROUPS = {"ended": frozenset(map(str, ENDED)), "any": frozenset(map(str, KINDS))}
"""Several kinds under one name."""

STEP = "step"
_BOUND = re.compile(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*")


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


def parsed_until(lab: Lab, trials: Sequence[Trial], until: str) -> frozenset[str] | Bound:
    """Return the kinds of events, or the bound of a metric of trials, that a caller waits for.

    Raises:
        InvalidRequestError: neither; says what there is.
    """
    if until in KINDS:
        return frozenset({until})
    if until in GROUPS:
        return GROUPS[until]
    match = _BOUND.fullmatch(until)
    if match is None:
        _refuse(until, [*GROUPS, *KINDS])
    metric, sign, limit = match.groups()
    field = _measured(lab, trials, metric)
    try:
        return Bound(field, sign, float(limit))
    except ValueError:
        raise InvalidRequestError(f"until: {limit[:50]} is not a number") from None


def _measured(lab: Lab, trials: Sequence[Trial], name: str) -> str:
    """Return the field of records that a caller calls by this name."""
    kinds = metrics.kinds_of(trials)
    units = [STEP, *(kind.progress.unit for kind in kinds)]
    if name in units:
        return STEP
    if any(kind.metric(name) for kind in kinds):
        return name
    allowed = metrics.names(lab.paths, trials)
    return name if name in allowed else _refuse(name, list(dict.fromkeys([*units, *allowed])))


def _refuse(name: str, allowed: list[str]) -> NoReturn:
    hint = did_you_mean(name, allowed)
    raise InvalidRequestError(
        f"until {name[:100]!r} is not allowed{hint}; one of: {', '.join(allowed)}; or a metric's "
        "bound, as val_loss<3"
    )


def news(
    lab: Lab, cursor: int, kinds: frozenset[str], watched: set[int] | None
) -> tuple[list[Event], int]:
    """Return the first page's events that are waited for, and the cursor after that page."""
    for page in queries.event_pages(lab, cursor):
        cursor = page.cursor
        awaited = [
            e for e in page.events if e.kind in kinds and (watched is None or e.trial_id in watched)
        ]
        if awaited:
            return awaited, cursor
    return [], cursor


LONGEST_S = 60.0
DEFAULT_S = 30.0
POLL_S = 0.25

SHARE = 0.95
"""Of the time that a caller gives, what is waited: the answer takes some too, and hosts give up
at the very second they named."""


@dataclass(frozen=True)
class Waiter:
    """Who waits for an answer: since when (monotonic seconds), and whether they have gone."""

    since: float = field(default_factory=time.monotonic)
    gone: threading.Event = field(default_factory=threading.Event)


waiter: ContextVar[Waiter] = ContextVar("waiter")
"""Set by a server, whose clients ask before a thread is free for them, and may go meanwhile."""


class CrossingRow(RunRow):
    """The first record of a trial beyond the bound."""

    named: ClassVar = {"step": "{unit}"}

    trial_id: int
    variant: str | None = None
    step: int
    value: Number = None


class WaitAnswer(Reading):
    """Why the wait is over, what was waited for, and the `cursor` for the next wait.

    over idle: nothing is queued or running that could end or move a metric.
    """

    over: Literal["event", "metric", "timeout", "idle"]
    events: Table[EventRow] | None = None
    crossed: list[CrossingRow] | None = None


@dataclass
class Wait:
    """A wait under way: what for, in which trials (None: all), and how far the events were read."""

    lab: Lab
    until: frozenset[str] | Bound
    watched: set[int] | None
    cursor: int
    streams: Streams
    max_tokens: int
    seen: set[int] = field(default_factory=set)
    """Trials that were active at any look: the last records of one that ends count too."""

    def look(self) -> WaitAnswer | None:
        """Return the answer where the wait is over."""
        active = {
            trial.id for trial in queries.trials(self.lab, states=ACTIVE)
        }  # before the events
        self.seen |= active
        trial_ids = self.seen if self.watched is None else self.watched
        if isinstance(self.until, Bound):
            answer = self._crossed(self.until, trial_ids)
            ends = True
        else:
            answer = self._events(self.until)
            ends = self.until == GROUPS["ended"]
        idle = ends and not active & trial_ids
        return answer or (self.over("idle") if idle else None)

    def over(
        self, why: Literal["timeout", "idle", "event", "metric"], events: list[Event] | None = None
    ) -> WaitAnswer:
        """Return the answer with the first events that the budget holds."""
        rows = [EventRow.of(event) for event in events or []]
        kept = first_rows(rows, self.max_tokens)
        after = self.cursor if len(kept) == len(rows) else kept[-1].seq
        answer = WaitAnswer(over=why, events=kept or None, cursor=after)
        return answer.with_check_in(self.lab)

    def _events(self, kinds: frozenset[str]) -> WaitAnswer | None:
        found, self.cursor = news(self.lab, self.cursor, kinds, self.watched)
        return self.over("event", found) if found else None

    def _crossed(self, bound: Bound, trial_ids: set[int]) -> WaitAnswer | None:
        rows = [
            CrossingRow.for_kind(
                queries.trial(self.lab, trial_id).config.kind,
                trial_id=trial_id,
                variant=record.get("variant"),
                step=record["step"],
                value=record[bound.metric],
            )
            for trial_id, record in self.streams.beyond(bound, sorted(trial_ids))
        ]
        return self.over("metric").model_copy(update={"crossed": rows}) if rows else None


def lab_wait(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        Field(description="Only these."),
    ] = None,
    until: Annotated[
        str,
        Field(description="ended, any, a kind, or a bound: val_loss<3, step>=5000."),
    ] = "ended",
    since: Since = None,
    timeout_s: Annotated[
        float | None,
        Field(ge=0, le=LONGEST_S, description="Default 30."),
    ] = None,
    max_tokens: MaxTokens = 1000,
) -> WaitAnswer:
    """Wait until a trial ends, an event of a kind arrives or a metric is beyond a bound.

    Up to 60 s; then again with `cursor` as `since`.

    Cheaper than polling; where the client knows MCP tasks, an answer at once with a task that
    goes on until it is over. Nothing that happens between two waits is missed. A bound that a
    running or named trial has crossed already is over at once. The answer comes within the time
    given, less a twentieth that it may take itself. Neither waiting nor breaking off a wait
    touches a trial. A bound is on a metric that the trials report, or on how far they are: step, or
    whatever else their run type counts.
    """
    asked = waiter.get(None) or Waiter()
    wait = _begun(lab, trial_ids, until, since, max_tokens)
    deadline = asked.since + SHARE * (DEFAULT_S if timeout_s is None else timeout_s)
    while (answer := wait.look()) is None:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or asked.gone.wait(min(POLL_S, left_s)):
            return wait.over("timeout")
    return answer


def _begun(
    lab: Lab,
    trial_ids: list[int] | None,
    until: str,
    since: int | str | None,
    max_tokens: int,
) -> Wait:
    """Start at the cursor, else at the beginning for named trials, else now."""
    trials = queries.trials(lab) if trial_ids is None else queries.selected(lab, trial_ids)
    condition = parsed_until(lab, trials, until)
    watched = None if trial_ids is None else {trial.id for trial in trials}
    cursor = newest = queries.latest_event(lab)
    if since is not None:
        cursor = position(since)
    elif watched is not None:
        cursor = 0
    check_reached(cursor, newest, "event")
    return Wait(lab, condition, watched, cursor, Streams(lab), max_tokens)


TOOL = LabTool(lab_wait, title="Wait for an event", read_only=True, idempotent=True, waits=True)
