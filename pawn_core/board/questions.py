"""What the board is asked: one class of fields a question. Never imports torch."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import ConfigError, config_error, shown
from pawn_core.config.types import Fraction, Seed
from pawn_core.config.weights import WeightsSource

MOST_PLIES = 1024
"""Of a game on the board; no model's context holds as many."""
_LONGEST_PGN = 1 << 20
_INT32 = 2**31 - 1

Moves = Annotated[
    list[Annotated[str, Field(min_length=4, max_length=5)]],
    Field(max_length=MOST_PLIES, description="From the start position on, in UCI."),
]


class GameQuestion(BaseConfig):
    """The boards of a game, ply by ply."""

    moves: Moves


class RandomGameQuestion(BaseConfig):
    """A game of random play, fixed for ever by its seed and number."""

    seed: Seed = 0
    number: int = Field(0, ge=0, le=2**63 - 1, description="Which game of the seed.")
    max_ply: int = Field(512, ge=1, le=MOST_PLIES, description="Plies after which it is cut.")
    mate_boost: Fraction = Field(0.0, description="Probability of a mate in one where one is.")


class PgnQuestion(BaseConfig):
    """The games of a PGN text."""

    text: str = Field(min_length=1, max_length=_LONGEST_PGN)


class ModelQuestion(GameQuestion):
    """What needs a model."""

    source: WeightsSource
    outcome: str = Field(
        "",
        max_length=64,
        description="Token in front of the game, of models that read one; empty for none: what "
        "they say under each is weighed by Bayes' rule.",
    )


class PlyQuestion(ModelQuestion):
    """What needs a model at one position of a game."""

    ply: int | None = Field(None, ge=0, description="Moves made; by default all.")


class PositionQuestion(PlyQuestion):
    """The model's distribution over moves, beside the exact law."""


class CurveQuestion(ModelQuestion):
    """What the model makes of a game, ply by ply."""


class ProbesQuestion(PlyQuestion):
    """The board as it can be read off the model, beside the truth."""

    layer: int | None = Field(
        None, ge=0, description="0 is the embedding; by default where most squares are right."
    )


class MoveQuestion(ModelQuestion):
    """A move of the model's, held to the rules."""

    temperature: float = Field(1.0, ge=0.0, le=100.0, description="0: the likeliest move.")
    seed: int = Field(0, ge=0, le=_INT32)
    game: int = Field(0, ge=0, le=_INT32, description="Each has random numbers of its own.")


QUESTIONS: dict[str, type[BaseConfig]] = {
    "game": GameQuestion,
    "random_game": RandomGameQuestion,
    "pgn": PgnQuestion,
    "position": PositionQuestion,
    "curve": CurveQuestion,
    "probes": ProbesQuestion,
    "move": MoveQuestion,
}
"""By name, as the worker is asked."""


def parse_question(name: str, fields: Mapping[str, Any]) -> BaseConfig:
    """Return a question.

    Raises:
        ConfigError: there is no such question, or a field is not allowed; names them.
    """
    question = QUESTIONS.get(name)
    if question is None:
        raise ConfigError(f"question {shown(name)} is unknown; one of: {', '.join(QUESTIONS)}")
    try:
        return question.model_validate(dict(fields))
    except ValidationError as error:
        raise config_error(error, question, f"question '{name}'") from None
