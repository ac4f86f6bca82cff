"""What train records say of rollouts: means and counts over a window of steps, and its phases."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any


class Means:
    """Means and counts since the last record."""

    def __init__(self) -> None:
        self._begin()

    def add(self, name: str, total: float, count: float = 1) -> None:
        """Add to a mean: the sum of so many values. One without any values stays null."""
        entry = self._sums.setdefault(name, [0.0, 0.0])
        entry[0] += float(total)
        entry[1] += float(count)

    def count(self, name: str, number: float) -> None:
        """Add to a count over the window."""
        self._counts[name] = self._counts.get(name, 0) + number

    def merge(self, other: "Means") -> None:
        """Add what another has of the same window."""
        for name, (total, count) in other._sums.items():
            self.add(name, total, count)
        for name, number in other._counts.items():
            self.count(name, number)

    def take(self) -> dict[str, float | None]:
        """Return all of the window by name, and begin the next."""
        sums = self._sums.items()
        means = {name: total / count if count else None for name, (total, count) in sums}
        fields = means | self._counts
        self._begin()
        return fields

    def state_dict(self) -> dict[str, Any]:
        """Return the open window."""
        return {"sums": self._sums, "counts": self._counts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with a saved window."""
        self._sums = {name: list(pair) for name, pair in state["sums"].items()}
        self._counts = dict(state["counts"])

    def _begin(self) -> None:
        self._sums: dict[str, list[float]] = {}
        self._counts: dict[str, float] = {}


class Clock:
    """The seconds that each phase of the steps since the last record has taken."""

    def __init__(self) -> None:
        self._begin()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Time what happens inside."""
        begin = time.perf_counter()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - begin

    def end_step(self) -> None:
        """Count a step."""
        self._steps += 1

    def take(self) -> dict[str, float]:
        """Return the mean seconds a step, `<phase>_s`, and begin the next window."""
        steps = max(self._steps, 1)
        fields = {f"{name}_s": seconds / steps for name, seconds in self._seconds.items()}
        self._begin()
        return fields

    def _begin(self) -> None:
        self._seconds: dict[str, float] = {}
        self._steps = 0
