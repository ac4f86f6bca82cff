"""Metrics records, and how far a run is, as lines for a log that people read."""

import time
from datetime import timedelta
from typing import Any

_QUIET_S = 30.0
_MOST_NUMBERS = 5

_SHOWN = {
    "train": ("loss", "top1", "lr", "grad_norm", "tokens_per_s", "positions_per_s"),
    "eval": (
        *("val_loss", "top1", "illegal_rate", "legal_rate", "game_completion", "kl"),
        *("eval_reward", "environment_fen_exact", "policy_best", "policy_top1", "value_mse"),
    ),
}


class Pace:
    """How far a run is, and how long it takes still at the rate since its first step here."""

    def __init__(self, target: int, unit: str = "step") -> None:
        """`target`: where it ends or pauses; `unit`: what is counted."""
        self.unit = unit
        self._target = target
        self._first: tuple[int, float] | None = None
        self._spoken = time.monotonic()

    def advance(self, step: int) -> None:
        """Note that a step is done; the first one, with what is compiled for it, is not timed."""
        if self._first is None:
            self._first = step, time.monotonic()

    def described(self, step: int, numbers: str = "") -> str:
        """Return `step 100/5000 train loss 3.1, 0:12:30 left`."""
        left_s = self._left_s(step)
        left = "" if left_s is None else f", {timedelta(seconds=round(left_s))} left"
        return f"{self.unit} {step}/{self._target}{numbers}{left}"

    def spoke(self) -> None:
        """Note that a line of the log is written."""
        self._spoken = time.monotonic()

    def quiet_too_long(self) -> bool:
        """Whether nothing has been said for so long that one may think the run hangs."""
        return time.monotonic() - self._spoken > _QUIET_S

    def _left_s(self, step: int) -> float | None:
        if self._first is None or step <= self._first[0] or step >= self._target:
            return None
        done, since = step - self._first[0], time.monotonic() - self._first[1]
        return since / done * (self._target - step)


def describe_record(kind: str, step: int, fields: dict[str, Any], pace: Pace) -> str:
    """Return one line: the numbers that matter, or the event's message."""
    at = f"{pace.unit} {step}"
    if kind not in _SHOWN:
        return f"{at} {fields.get('event', kind)}: {fields.get('message', '')}".rstrip(": ")
    values = (f"{name} {fields[name]:.5g}" for name in _names(kind, fields))
    which = f"{fields['variant']} {kind}" if "variant" in fields else kind
    numbers = f" {which} {' '.join(values)}"
    return pace.described(step, numbers) if kind == "train" else f"{at}{numbers}"


def _names(kind: str, fields: dict[str, Any]) -> list[str]:
    """Return the numbers that matter; of a run type that has none of them, the first ones."""
    numbers = [name for name, value in fields.items() if isinstance(value, int | float)]
    return [name for name in _SHOWN[kind] if name in numbers] or numbers[:_MOST_NUMBERS]
