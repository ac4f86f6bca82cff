"""What a run type says of itself to those that watch, rank and compare its runs."""

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple


class Progress(NamedTuple):
    """How long a run is: the field that says it, and what it counts."""

    field: str
    unit: str
    """Singular, such as `step`."""
    axis: str = ""
    """What a chart calls it, where that is more than the unit."""

    def counted(self, count: int) -> str:
        """Return `12 steps`."""
        return f"{count} {self.unit}s"


class Metric(NamedTuple):
    """A number of eval or train records; `better` is None where neither way is."""

    name: str
    title: str
    better: Literal["low", "high"] | None
    record: Literal["eval", "train"] = "eval"
    own_kind: bool = False
    """How hard the kind of things measured on is shows in the value itself."""

    @property
    def sign(self) -> int:
        """What makes a lower product the better one."""
        return -1 if self.better == "high" else 1


class Panel(NamedTuple):
    """Metrics of a run type that are looked at together; `rewards/*` is all that begin so."""

    title: str
    metrics: tuple[str, ...]
    logy: bool = False
    """Whether its values span magnitudes."""

    def of(self, names: Iterable[str]) -> "Panel":
        """Return the panel with those of its metrics that are among these names, in its order."""
        known = list(names)
        chosen = [name for pattern in self.metrics for name in known if fnmatchcase(name, pattern)]
        return self._replace(metrics=tuple(dict.fromkeys(chosen)))


PathKind = Literal["games", "program", "kept", "folder"]
"""What a field's path names: real games, which the hub may have too; a program, which the PATH may
have too; a file that is made where there is none; or a folder that is there."""


class Kinds(NamedTuple):
    """Fields that decide of what kind the things measured on are, and what those are called."""

    name: str = ""
    fields: frozenset[str] = frozenset()


class Merit(NamedTuple):
    """The number of eval records by which runs are ranked, and which way of it is better."""

    metric: str
    better: Literal["low", "high"]
    noun: str = ""
    """What a sentence calls it, where that is more than the metric's name."""

    @property
    def called(self) -> str:
        """What a sentence calls it."""
        return self.noun or self.metric

    @property
    def sign(self) -> int:
        """What makes a lower product the better one."""
        return -1 if self.better == "high" else 1

    def rank(self, metrics: Mapping[str, Any]) -> float:
        """Return what is lower of better metrics; infinite where they lack that of merit."""
        value = metrics.get(self.metric)
        return math.inf if value is None else self.sign * value

    @property
    def exists(self) -> bool:
        """Whether there is such a number."""
        return bool(self.metric)

    def beats(self, value: float, other: float) -> bool:
        """Whether a value is better than another."""
        return self.sign * value < self.sign * other

    def best_first(self, values: dict[int, float]) -> list[int]:
        """Return the steps of values, that of the best first, of equals the earlier one."""
        return sorted(values, key=lambda step: (self.sign * values[step], step))


UNRANKED = Merit("", "low")
"""Of run types that measure nothing: no record has such a number."""
