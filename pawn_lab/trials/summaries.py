"""What a metrics stream has shown: evaluations, train records, and how far its models are."""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, GetPydanticSchema, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from pawn_core.config.facts import Merit
from pawn_core.metrics import (
    EVAL,
    LARGEST_NUMBER,
    LARGEST_STEP,
    LATEST_TIME,
    MOST_FIELDS,
    MOST_NAME_CHARACTERS,
    TRAIN,
    Record,
    number,
)

MOST_KEPT = 2048
"""Train records, and evaluations, that are kept of a model; of more, so many evenly apart."""
MOST_MODELS = 100
TOKENS = "tokens_seen"
"""Field of kept records: tokens trained on since step 0, at the speeds of this stream."""

_OWN_FIELDS = 6
"""Of a kept record, beside those that are measured: its envelope, its number and `TOKENS`."""

Count = Annotated[int, Field(ge=0, le=LARGEST_STEP)]


def _numbers(least: float, most: float) -> CoreSchema:
    """Return the schema of numbers within bounds, or null; whole ones stay whole."""
    ints = core_schema.int_schema(strict=True, ge=int(least), le=int(most))
    floats = core_schema.float_schema(strict=True, ge=least, le=most, allow_inf_nan=False)
    return core_schema.nullable_schema(core_schema.union_schema([floats, ints]))


def _kept_record() -> CoreSchema:
    """Return the schema of what `metrics.measurement` returns of a train or eval record.

    A trial can replace what was kept of its stream; a compiled check takes a third of the time.
    """
    name = core_schema.str_schema(min_length=1, max_length=MOST_NAME_CHARACTERS)
    fields = {
        "type": core_schema.typed_dict_field(core_schema.literal_schema([TRAIN, EVAL])),
        "step": core_schema.typed_dict_field(
            core_schema.int_schema(strict=True, ge=0, le=LARGEST_STEP)
        ),
        "time": core_schema.typed_dict_field(_numbers(0, LATEST_TIME)),
        "variant": core_schema.typed_dict_field(name, required=False),
    }
    others = _numbers(-LARGEST_NUMBER, LARGEST_NUMBER)
    return core_schema.typed_dict_schema(fields, extras_schema=others, extra_behavior="allow")


KeptRecord = Annotated[Record, GetPydanticSchema(lambda _source, _handler: _kept_record())]


@dataclass(frozen=True)
class StreamPosition:
    """Up to where a stream was read; `seam` tells one that goes on from one that was made anew."""

    inode: tuple[int, int] = (0, 0)
    offset: Count = 0
    seam: str = ""


@dataclass
class TokenCount:
    """Tokens trained on up to each record: those of a step are the window's speed times its step.

    Steps without a train record of their own count as many as the last ones that had one.
    """

    step: Count = 0
    tokens: FiniteFloat = 0.0
    a_step: FiniteFloat = 0.0
    first: FiniteFloat = 0.0
    """Tokens of a step at the first train record."""

    def after(self, record: Record) -> float:
        """Return the tokens up to a record; records come by step."""
        if record["type"] == TRAIN:
            self.a_step = _tokens_a_step(record) or self.a_step
            self.first = self.first or self.a_step
            self.tokens += self.a_step * max(0, record["step"] - self.step)
            self.step = record["step"]
        return self.tokens + self.a_step * max(0, record["step"] - self.step)


def _tokens_a_step(train: Record) -> float | None:
    speed, duration = train.get("tokens_per_s"), train.get("step_s")
    return None if speed is None or duration is None else number(float(speed * duration))


@dataclass
class Kept:
    """Records of one kind of one model: every so manieth, and the last."""

    every: Annotated[int, Field(ge=1, le=LARGEST_STEP)] = 1
    seen: Count = 0
    records: list[KeptRecord] = field(default_factory=list)
    last: KeptRecord | None = None

    def add(self, record: Record) -> None:
        """Take note of a record; half of them go where they become too many."""
        if self.seen % self.every == 0:
            self.records.append(record)
        self.seen, self.last = self.seen + 1, record
        if len(self.records) > MOST_KEPT:
            self.records, self.every = self.records[::2], 2 * self.every

    def all(self) -> list[Record]:
        """Return the records that are kept, in order."""
        if self.last is None or (self.seen - 1) % self.every == 0:
            return self.records
        return [*self.records, self.last]


ByModel = dict[str, Kept]


@dataclass
class Shown:
    """What a stream has shown to most who ask: its evaluations, and how far its models are.

    steps: the last step by model; of records of none in particular, as events, that of ''.
    best: by model its best evaluation, by `merit`. memory: the most bytes on a GPU.
    """

    merit: Merit
    place: StreamPosition = field(default_factory=StreamPosition)
    records: Count = 0
    steps: dict[str, Count] = field(default_factory=dict)
    tokens: dict[str, TokenCount] = field(default_factory=dict)
    memory: Count | None = None
    best: dict[str, KeptRecord] = field(default_factory=dict)
    by_model: ByModel = field(default_factory=dict)
    format: Literal[2] = 2

    @property
    def evaluations(self) -> list[Record]:
        """The evaluations that are kept, in order; the best are among them."""
        kept = chain(self.best.values(), *(kept.all() for kept in self.by_model.values()))
        return sorted({_number(record): record for record in kept}.values(), key=_number)

    def add_evaluation(self, model: str, record: Record) -> None:
        """Take note of an evaluation of a model."""
        self.by_model.setdefault(model, Kept()).add(record)
        if model not in self.best or self.merit.rank(record) < self.merit.rank(self.best[model]):
            self.best[model] = record

    def last_step(self, model: str) -> int | None:
        """Return the step of the last record of a model, or of none in particular."""
        return max((self.steps[name] for name in {model, ""} & self.steps.keys()), default=None)


def _last(latest: Iterable[Record], end: int | None) -> Record | None:
    timed = (record for record in latest if record["time"] is not None)
    return next((record for record in timed if end is None or record["step"] <= end), None)


def _number(record: Record) -> float:
    """Return a kept record's place among the records of its stream."""
    return record.get("seq") or 0


def in_order(*records: Iterable[Record]) -> list[Record]:
    """Return kept records in the order in which the stream had them."""
    return sorted(chain.from_iterable(records), key=_number)


_SHOWN, _BY_MODEL = TypeAdapter(Shown), TypeAdapter(ByModel)


class Summary:
    """What is kept of a stream; the train records are looked at where someone asks."""

    def __init__(self, shown: Shown, rest: bytes = b"{}") -> None:
        self.shown = shown
        self._rest = rest

    @cached_property
    def training(self) -> ByModel:
        """The train records by model."""
        with contextlib.suppress(ValueError):
            by_model = _BY_MODEL.validate_json(self._rest)
            if _names_are_sound(by_model.values()):
                return by_model
        return {}  # a trial wrote it: our own is whole

    @property
    def records(self) -> list[Record]:
        """The train and eval records that are kept, in order."""
        return in_order(self.shown.evaluations, *(kept.all() for kept in self.training.values()))

    def last_trained(self, end: int | None) -> list[Record]:
        """Return of each model its last train record up to a step of which the time is known."""
        latest = (_last(reversed(kept.all()), end) for kept in self.training.values())
        return [record for record in latest if record is not None]

    def add(self, record: Record) -> None:
        """Take note of the stream's next record, and keep it, numbered."""
        shown, model = self.shown, record.get("variant", "")
        if model not in shown.steps and len(shown.steps) == MOST_MODELS:
            return
        shown.records += 1
        shown.steps[model] = record["step"]
        if record["type"] not in (TRAIN, EVAL):
            return
        tokens = shown.tokens.setdefault(model, TokenCount()).after(record)
        record["seq"], record[TOKENS] = shown.records, number(tokens)
        if record["type"] == EVAL:
            shown.add_evaluation(model, record)
            return
        self.training.setdefault(model, Kept()).add(record)
        if held := record.get("device_memory_bytes"):
            shown.memory = max(shown.memory or 0, min(int(held), LARGEST_STEP))

    @classmethod
    def of_document(cls, document: bytes) -> "Summary | None":
        """Return the summary that was kept so; None where it cannot be made use of."""
        digest, _, lines = document.partition(b"\n")
        head, _, rest = lines.partition(b"\n")
        try:
            shown = _SHOWN.validate_json(head)
        except ValueError:
            return None
        kept = (*shown.by_model.values(), Kept(records=[*shown.best.values()]))
        whole = digest == _digest(lines) and _names_are_sound(kept)
        return cls(shown, rest) if whole else None

    def document(self) -> bytes:
        """Return the summary as it is kept: a line that proves it whole, and one of each part."""
        parts = [json.dumps(part, default=vars) for part in (self.shown, self.training)]
        lines = "\n".join(parts).encode()
        return _digest(lines) + b"\n" + lines


def _names_are_sound(kept: Iterable[Kept]) -> bool:
    """Say whether the records have as many names as one may have, and none that is too long."""
    records = list(chain.from_iterable(of_model.all() for of_model in kept))
    names = set().union(*records)
    return max(map(len, records), default=0) <= MOST_FIELDS + _OWN_FIELDS and all(
        len(name) <= MOST_NAME_CHARACTERS and name.isascii() for name in names
    )


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
