"""A next point in several fields at once, by Optuna's TPE over trials that have run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Point = dict[str, float]

FEWEST = 8
"""Points from which TPE is asked: with fewer it draws almost at random."""
BEYOND = 3.0
"""How far beyond the rates tried the next one may lie, as a factor."""


def proposed(tried: Sequence[tuple[Point, float]]) -> Point:
    """Return the point to try next; `tried` are points of the same fields with their losses.

    The learning rate is drawn in its logarithm and may go beyond those tried, up to 1; other fields
    stay within. The same points give the same answer.
    """
    import optuna  # Late: few labs vary several fields, and loading it takes memory.

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=len(tried), n_startup_trials=FEWEST)
    space: dict[str, BaseDistribution] = {
        name: _distribution(name, [point[name] for point, _ in tried]) for name in tried[0][0]
    }
    study = optuna.create_study(sampler=sampler)
    study.add_trials(
        optuna.trial.create_trial(params=point, distributions=space, value=loss)
        for point, loss in tried
    )
    return study.ask(space).params


def _distribution(name: str, values: list[float]):
    import optuna

    low, high = min(values), max(values)
    if name == "lr":
        ends = low / BEYOND, min(1.0, high * BEYOND)
        return optuna.distributions.FloatDistribution(*ends, log=True)
    if all(isinstance(value, int) for value in values):
        return optuna.distributions.IntDistribution(int(low), int(high))
    return optuna.distributions.FloatDistribution(low, high)
