"""Whom a model plays: random play, another model or a chess program, as the config says."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from pawn_core.config import ConfigError
from pawn_core.config.eval import EvalConfig
from pawn_core.config.eval_games import RANDOM_PLAY
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.play.players import ModelPlayer, Player, RandomPlayer
from pawn_core.evaluation.play.position_player import PositionPlayer
from pawn_core.evaluation.subjects import AnySubject, load_measured
from pawn_core.position_model import LoadedPositionModel
from pawn_core.weights import Pretrained

AnyContext = Context[Any]
"""A model of whichever kind plays."""
Meeting = AbstractContextManager[Player]
"""The opponent for some games; a program runs as long as it lasts."""


@dataclass(frozen=True)
class Opponent:
    """Who it is, and how it is met."""

    meet: Callable[[], Meeting]
    max_ply: int
    """Plies of a game that it can play, as far as the model can."""
    facts: dict[str, Any]
    """How a program was limited; which weights a model has."""


def opponent_of(context: AnyContext) -> Opponent:
    """Return the config's opponent.

    Raises:
        ConfigError: its weights or the package for programs are not there.
    """
    config, max_ply = context.config, context.max_ply
    if config.play_program is not None:
        strength = _options(config) | {"nodes": config.play_nodes}
        return Opponent(lambda: _program(config), max_ply, strength)
    if config.play_opponent == RANDOM_PLAY:
        random = RandomPlayer(config.seed, max_ply)
        return Opponent(lambda: nullcontext(random), max_ply, {})
    subject = _opposing_model(context)
    model = model_player(context, subject.pretrained, config.play_opponent)
    weights = {"sha256": subject.sha256, "step": subject.step}
    return Opponent(lambda: nullcontext(model), min(max_ply, model.max_ply), weights)


def check_opponent(context: AnyContext) -> None:
    """Meet the opponent once.

    Raises:
        ConfigError: it is not there, does not start or has no such strength.
    """
    opponent = opponent_of(context)
    if context.config.play_program is None:
        return
    with opponent.meet() as program:
        try:
            program.begin(np.arange(1), np.array([True]))
        except RuntimeError as error:
            raise ConfigError(f"play_opponent {context.config.play_opponent!r}: {error}") from None


def model_player(
    context: AnyContext, pretrained: Pretrained | LoadedPositionModel, name: str
) -> ModelPlayer | PositionPlayer:
    """Return a model as a player."""
    config = context.config
    temperature, masked, seed = config.play_temperature, config.play_masked, config.seed
    if isinstance(pretrained, LoadedPositionModel):
        return PositionPlayer(
            pretrained.model, name, temperature=temperature, masked=masked, seed=seed
        )
    return ModelPlayer(pretrained, name, temperature=temperature, masked=masked, seed=seed)


def _opposing_model(context: AnyContext) -> AnySubject:
    source, run_dir = context.config.play_opponent, context.folder.parents[1]
    try:
        return load_measured(source, run_dir, context.runtime.device)
    except ConfigError as error:
        raise ConfigError(f"play_opponent: {error}") from None


def _program(config: EvalConfig) -> Meeting:
    try:
        from pawn_core.evaluation.play.uci_engines import EnginePlayer, EngineSpec
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"play_opponent {config.play_opponent!r} needs the package chess "
            f"(pip install 'pawn-lab[play]'): {error}"
        ) from None
    assert config.play_program is not None
    return EnginePlayer(
        EngineSpec(
            config.play_program,
            options=_options(config),
            nodes=config.play_nodes,
            timeout_s=config.play_timeout_s,
        )
    )


def _options(config: EvalConfig) -> dict[str, Any]:
    """Return the options of a program that its strength needs."""
    if config.play_elo is not None:
        return {"UCI_LimitStrength": True, "UCI_Elo": config.play_elo}
    return {} if config.play_skill is None else {"Skill Level": config.play_skill}
