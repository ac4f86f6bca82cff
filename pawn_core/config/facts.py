"""What a run type says of itself to those that watch, rank and compare its runs."""

from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """How long a run is: the field that says it, and what it counts."""

    field: str
    unit: str
    """Singular, such as `step`."""

    def counted(self, count: int) -> str:
        """Return `12 steps`."""
        return f"{count} {self.unit}s"


class Merit(NamedTuple):
    """The number of eval records by which runs are ranked, and which way of it is better."""

    metric: str
    better: Literal["low", "high"]

    def beats(self, value: float, other: float) -> bool:
        """Whether a value is better than another."""
        return value < other if self.better == "low" else value > other

    def best_first(self, values: dict[int, float]) -> list[int]:
        """Return the steps of values, that of the best first, of equals the earlier one."""
        sign = 1 if self.better == "low" else -1
        return sorted(values, key=lambda step: (sign * values[step], step))
