"""The figures of a position model: each follows from sums over positions. Never imports torch.

Shapes: r sets of positions, each with its sums.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pawn_core.config.position_tasks import POSITION_TASKS, PositionTask

Sums = Mapping[str, NDArray[np.float64]]
"""Sums (r,) of each column, by name."""
Values = dict[str, NDArray[np.float64]]
"""Figures (r,) by name; nan where there is nothing to measure one on."""


class FigureKind(NamedTuple):
    """What is to be known of a figure."""

    name: str
    whole: str
    """The column that counts what it is measured on."""
    better: Literal["low", "high"] | None
    definition: str


_OF_POLICY = "Positions with labelled moves: "
_OF_VALUE = "Positions with a value, in its unit (side to move, -1 to 1): "
FIGURES: tuple[FigureKind, ...] = (
    FigureKind(
        "val_loss",
        "positions",
        "low",
        "policy_loss + value_mse, of those labels that there are: neither the losses of training "
        "nor its tasks move what it measures.",
    ),
    FigureKind(
        "policy_loss",
        "policy_labelled",
        "low",
        f"{_OF_POLICY}mean cross-entropy of the label among the legal moves, nats, unsmoothed.",
    ),
    FigureKind(
        "policy_uniform",
        "policy_labelled",
        None,
        f"{_OF_POLICY}the same of any legal move being as likely.",
    ),
    FigureKind(
        "policy_floor",
        "policy_labelled",
        None,
        f"{_OF_POLICY}the least that it can be: the mean entropy of the label.",
    ),
    FigureKind(
        "policy_top1",
        "policy_labelled",
        "high",
        f"{_OF_POLICY}share where the likeliest legal move is a best one by the label.",
    ),
    FigureKind(
        "policy_top5",
        "policy_labelled",
        "high",
        f"{_OF_POLICY}share where a best one is among the five likeliest legal moves.",
    ),
    FigureKind(
        "legal_mass",
        "legal",
        "high",
        "Positions with legal moves: their mean probability together among all 4,672 moves.",
    ),
    FigureKind("value_mse", "value_labelled", "low", f"{_OF_VALUE}mean squared error."),
    FigureKind("value_mae", "value_labelled", "low", f"{_OF_VALUE}mean absolute error."),
    FigureKind(
        "value_r2",
        "value_labelled",
        "high",
        f"{_OF_VALUE}1 - value_mse / the variance of the labels.",
    ),
    FigureKind(
        "value_sign",
        "sign_asked",
        "high",
        "Positions whose value is not 0: share where the sign is that of the label.",
    ),
    FigureKind(
        "value_ece",
        "value_labelled",
        "low",
        f"{_OF_VALUE}expected calibration error: over ten bins of the value that is said, the mean "
        "distance of its mean to that of the labels, each bin by its share.",
    ),
)


def figures_of_task(task: PositionTask) -> tuple[FigureKind, ...]:
    """Return what is to be known of the figures of a task's head, average precision aside."""
    whole, what = f"{task.name}_labelled", "positions, each the mean over its squares that count"
    return (
        FigureKind(f"{task.name}_loss", whole, "low", f"Mean cross-entropy over {what}, nats."),
        FigureKind(
            f"{task.name}_entropy",
            whole,
            None,
            "The loss of the best answer that looks at nothing: the entropy of the labels' rates.",
        ),
        FigureKind(
            f"{task.name}_skill",
            whole,
            "high",
            f"1 - {task.name}_loss / {task.name}_entropy: 0 of the rates alone, 1 at best.",
        ),
    )


def values_of(sums: Sums) -> Values:
    """Return the figures of each set of positions, those of tasks that it has columns of too."""
    values = _policy(sums) | _value(sums)
    values = {"val_loss": _val_loss(values["policy_loss"], values["value_mse"])} | values
    for task in POSITION_TASKS:
        if f"{task.name}_labelled" in sums:
            values |= _task(task, sums)
    return values


def _val_loss(*losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the losses that there are; nan where there is none."""
    there = np.stack([~np.isnan(loss) for loss in losses])
    return np.where(there.any(axis=0), np.nansum(losses, axis=0), np.nan)


def _policy(sums: Sums) -> Values:
    names = ("policy_loss", "policy_uniform", "policy_floor", "policy_top1", "policy_top5")
    shares = {name: _ratio(sums[name], sums["policy_labelled"]) for name in names}
    return shares | {"legal_mass": _ratio(sums["legal_mass"], sums["legal"])}


def _value(sums: Sums) -> Values:
    count = sums["value_labelled"]
    square, mean = _ratio(sums["value_square"], count), _ratio(sums["value_target"], count)
    variance = _ratio(sums["value_target_square"], count) - mean**2
    distances = sum(np.abs(value - target) for value, target in bins_of(sums))
    return {
        "value_mse": square,
        "value_mae": _ratio(sums["value_error"], count),
        "value_r2": 1 - _ratio(square, variance),
        "value_sign": _ratio(sums["sign_right"], sums["sign_asked"]),
        "value_ece": _ratio(np.asarray(distances), count),
    }


def bins_of(sums: Sums) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield the sums of values said, and of their labels, of each bin."""
    number = 0
    while f"bin{number}" in sums:
        yield sums[f"bin{number}_value"], sums[f"bin{number}_target"]
        number += 1


def _task(task: PositionTask, sums: Sums) -> Values:
    count = sums[f"{task.name}_labelled"]
    loss = _ratio(sums[f"{task.name}_loss"], count)
    labels = [_ratio(sums[f"{task.name}_label{k}"], count) for k in range(task.outputs)]
    entropy = _entropy(task, np.stack(labels))
    return {
        f"{task.name}_loss": loss,
        f"{task.name}_entropy": entropy,
        f"{task.name}_skill": 1 - _ratio(loss, entropy),
    }


def _entropy(task: PositionTask, shares_kr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of labels with these shares of the squares; of planes the mean."""
    if task.law == "classes":
        return _terms(shares_kr).sum(axis=0)
    rates_kr = (shares_kr * len(shares_kr)).clip(0.0, 1.0)
    return (_terms(rates_kr) + _terms(1 - rates_kr)).mean(axis=0)


def _terms(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -p log p, in nats."""
    return -rates * np.log(np.where(rates > 0, rates, 1.0))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return part / whole, nan where there is no whole."""
    there = np.asarray(whole) > 0
    return np.where(there, part / np.where(there, whole, 1.0), np.nan)
