"""What the board can hold: models that predict moves, and their checkpoints."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pawn_core.checkpoint.manifest import finished
from pawn_core.config.evals import MOVES, POSITIONS
from pawn_core.config.weights import TrialWeights
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidRequestError, NoCheckpointError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.trials.variants import SINGLE
from pawn_lab.views.briefs import brief
from pawn_lab.views.view import View

_SPOKEN = (MOVES, POSITIONS)
_LOOKED_AT = 50
"""Trials whose folders are looked into for weights to begin with."""


def board_models(
    lab: Lab,
    trial_id: Annotated[
        int | None, Field(ge=1, description="List the checkpoints of this one.")
    ] = None,
) -> dict[str, Any]:
    """Return the trials whose models predict moves, weights to begin with, and what one has saved.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: its models predict no moves.
    """
    trials = [own for own in queries.trials(lab) if predicts_moves(own.config)]
    newest_first = [own for own in reversed(trials) if own.started_at is not None]
    return {
        "trials": [brief(own) for own in newest_first],
        "suggested": _suggested(lab, newest_first),
        "chosen": None if trial_id is None else _chosen(lab, trial_id),
    }


def predicts_moves(config: StoredConfig) -> bool:
    """Whether the models of a run can stand at the board."""
    return config.kind.makes_weights() and config.kind.speaks in _SPOKEN


def checkpoint_folder(lab: Lab, weights: TrialWeights) -> Path:
    """Return the folder of a trial's weights; their hashes are checked where they are loaded.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: its models predict no moves, or it has no such one.
        NoCheckpointError: it has saved no such checkpoint.
    """
    own = _of_moves(lab, weights.trial)
    models = own.config.models
    if (weights.model or SINGLE) not in models:
        names = ", ".join(model or "one, without a name" for model in models)
        raise InvalidRequestError(f"source '{weights}': trial {own.id} has the models: {names}")
    saved = _saved(lab, own.id)
    step = _step(lab, weights, saved)
    if step not in saved:
        steps = ", ".join(map(str, saved)) or "nothing yet"
        raise NoCheckpointError(f"source '{weights}' is not saved; saved: {steps}")
    return saved[step] / weights.model


def _suggested(lab: Lab, trials: list[Trial]) -> str | None:
    """Return the newest weights of the newest trial that has any, as far as is looked."""
    for own in trials[:_LOOKED_AT]:
        if saved := _saved(lab, own.id):
            return str(TrialWeights(own.id, max(saved), own.config.models[0]))
    return None


def _step(lab: Lab, weights: TrialWeights, saved: dict[int, Path]) -> int | None:
    if weights.which == "latest":
        return max(saved, default=None)
    if weights.which == "best":
        return _best(lab, weights.trial).get(weights.model)
    return weights.which


def _chosen(lab: Lab, trial_id: int) -> dict[str, Any]:
    own = _of_moves(lab, trial_id)
    return {
        **brief(own),
        "models": own.config.models,
        "steps": list(_saved(lab, trial_id)),
        "best": _best(lab, trial_id),
    }


def _of_moves(lab: Lab, trial_id: int) -> Trial:
    own = queries.trial(lab, trial_id)
    if not predicts_moves(own.config):
        raise InvalidRequestError(
            f"trial {trial_id} is of run_type '{own.config['run_type']}', whose models predict no "
            "moves: the board takes models of moves and of positions"
        )
    return own


def _saved(lab: Lab, trial_id: int) -> dict[int, Path]:
    try:
        return finished(lab.paths.trial(trial_id).checkpoints)
    except OSError:
        return {}


def _best(lab: Lab, trial_id: int) -> dict[str, int]:
    """Return the step of the best evaluation of each model."""
    return {r.variant: r.best.step for r in queries.results(lab, [trial_id]) if r.best}


BOARD_MODELS = View(board_models, title="Models for the board")
