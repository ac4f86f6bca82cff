"""What reading tools have in common: a cursor to read on from, a budget, and nothing said twice.

A cursor is `POSITION`, or `POSITION.DIGEST`. The position is how far an append-only source had
come: the lab's events, the bytes of a log, the sections of the notes. The digest is that of the
question and of the whole answer to it. Both follow from the workspace alone, so a cursor is good
in every server and for ever; a cursor of another question counts as none.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field
from pydantic_core import to_json

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.store.database import LARGEST_ID
from pawn_lab.tools import tokens
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.values import Answer
from pawn_lab.trials.requests import check_reached

MOST_TOKENS = 20_000
LEAST_TOKENS = 50

Since = Annotated[
    int | str | None,
    Field(description="Cursor."),
]
MaxTokens = Annotated[
    int,
    Field(
        ge=LEAST_TOKENS,
        le=MOST_TOKENS,
        description="Budget.",
    ),
]

MOVING = frozenset(
    {"next_check_s", "idle", "eta_s", "steps_per_s", "data_wait"}
    | {"memory_used_gib", "temperature_c", "utilization"}
    | {"cost", "cost_total", "machine_hours", "machine_total", "idle_share"}
    | {"png", "spec"}
)
"""Fields that move by themselves while nothing happens, or follow from others: no news."""

_CURSOR = re.compile(r"([0-9]{1,19})(?:\.([0-9a-f]{3})([0-9a-f]{6}))?")


@dataclass(frozen=True)
class Cursor:
    """A place to read on from; without digests a bare position, as an event's number."""

    position: int
    question: str = ""
    content: str = ""

    @classmethod
    def parse(cls, since: int | str) -> Self:
        """Read what a caller passed as `since`.

        Raises:
            InvalidRequestError: it is no cursor.
        """
        match = _CURSOR.fullmatch(str(since))
        if match is None or int(match[1]) > LARGEST_ID:
            raise InvalidRequestError(
                f"since {str(since)[:60]} is not allowed: the cursor of an earlier answer, as 41 "
                "or 41.0a1b2c3d4"
            )
        return cls(int(match[1]), match[2] or "", match[3] or "")

    def __str__(self) -> str:
        return f"{self.position}.{self.question}{self.content}"


class Reading(Answer):
    """What a reading tool answers; of an unchanged one only when to look again comes with it.

    idle: devices without a trial while nothing is queued for them.
    """

    per_trial: ClassVar[tuple[str, ...]] = ()
    """Lists of rows of one trial each; those of trials to which nothing happened are left out."""
    cuttable: ClassVar[tuple[str, ...]] = ()
    """Lists that lose rows from their ends to meet a budget, in this order."""
    narrower: ClassVar[str] = "name trial_ids or a tag to see them"
    """How to see rows that no budget would hold."""

    cursor: int | str | None = None
    left_out: str | None = None
    next_check_s: int | None = None
    idle: str | None = None
    unchanged: Literal[True] | None = None

    def wire(self) -> dict[str, Any]:
        """Return the object that is sent."""
        whole = super().wire()
        return {name: whole[name] for name in self.shown() if name in whole}

    def shown(self) -> list[str]:
        """Return the tool's own fields first; of an unchanged answer none of them."""
        if self.unchanged:
            return ["unchanged", "next_check_s", "idle"]
        common = Reading.model_fields
        return [name for name in type(self).model_fields if name not in common] + list(common)

    def with_check_in(self, lab: Lab) -> Self:
        """Say when to look again."""
        self.next_check_s, self.idle = check_in(lab)
        return self


def position(since: int | str | None) -> int:
    """Return the position to read on from: the beginning, without a cursor."""
    return 0 if since is None else Cursor.parse(since).position


ReadingT = TypeVar("ReadingT", bound=Reading)


@dataclass(frozen=True)
class Question:
    """What was asked, since when, and how long the answer may be; asked before anything is read."""

    lab: Lab
    digest: str
    since: Cursor | None
    max_tokens: int
    now: int

    @classmethod
    def of(cls, lab: Lab, asked: Iterable[Any], since: int | str | None, max_tokens: int) -> Self:
        """Take note of a question about the lab's state.

        Raises:
            InvalidRequestError: `since` is no cursor, or ahead of the newest event.
        """
        digest = _digest([str(part) for part in asked], 3)
        cursor, newest = (
            Cursor.parse(since) if since is not None else None,
            queries.latest_event(lab),
        )
        check_reached(cursor.position if cursor else 0, newest, "event")
        if cursor and cursor.question not in ("", digest):
            cursor = None
        return cls(lab, digest, cursor, max_tokens, newest)

    def answered(self, answer: ReadingT) -> ReadingT:
        """Reduce a whole answer to what is new, within the budget; add the cursor to go on from.

        What the tool has left out already stays named.
        """
        answer.with_check_in(self.lab)
        if self.known(answer):
            answer.unchanged = True
            return answer
        answer.cursor = str(Cursor(self.now, self.digest, _digest(settled(answer.wire()), 6)))
        before = [answer.left_out] if answer.left_out else []
        notes = [*before, *self._only_changed(answer), *cut(answer, self.max_tokens)]
        answer.left_out = "; ".join(notes) or None
        return answer

    def known(self, answer: Reading) -> bool:
        """Say whether the caller has this very answer."""
        content = self.since.content if self.since else ""
        return content != "" and content == _digest(settled(answer.wire()), 6)

    def _only_changed(self, answer: Reading) -> Iterable[str]:
        """Drop the rows of trials to which nothing happened since; name how many."""
        if self.since is None or not answer.per_trial:
            return
        kept = queries.changed(self.lab, self.since.position) | {None}
        before = _rows(answer, answer.per_trial)
        for name in answer.per_trial:
            rows = [row for row in getattr(answer, name) if row.trial_id in kept]
            setattr(answer, name, rows)
        if dropped := before - _rows(answer, answer.per_trial):
            yield f"rows without news: {dropped}; without since: all"


def cut(answer: Reading, max_tokens: int) -> Iterable[str]:
    """Drop rows from the ends of lists until the answer fits; name what is missing."""
    whole = tokens.count(answer.wire())
    excess, missing = whole - max_tokens, []
    for name in answer.cuttable if excess > 0 else ():
        rows, count = getattr(answer, name), len(getattr(answer, name))
        while rows and excess > 0:
            share = max(1, tokens.count([list(row.wire().values()) for row in rows]) // len(rows))
            del rows[max(0, len(rows) - max(1, excess // share // 2)) :]
            excess = tokens.count(answer.wire()) - max_tokens
        if len(rows) < count:
            missing.append(f"{count - len(rows)} of {count} {name}")
    if missing:
        yield f"{', '.join(missing)}; {enough(whole) or answer.narrower}"


def enough(whole: int) -> str:
    """Say which budget would hold an answer of so many tokens; empty where none would."""
    needed = whole + whole // 10 + LEAST_TOKENS
    return f"max_tokens={needed}: all" if needed <= MOST_TOKENS else ""


def _rows(answer: Reading, names: Iterable[str]) -> int:
    return sum(len(getattr(answer, name)) for name in names)


def settled(value: Any) -> Any:
    """Return a wire value without the fields that move by themselves."""
    if isinstance(value, dict):
        return {name: settled(item) for name, item in value.items() if name not in MOVING}
    return [settled(item) for item in value] if isinstance(value, list) else value


def _digest(value: Any, characters: int) -> str:
    return hashlib.sha256(to_json(value)).hexdigest()[:characters]
