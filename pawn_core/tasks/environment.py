"""The task `A:`: what a move makes of a position, what it earns and whether it ends the game.

Shapes: n prompts or completions.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import chess_engine
import numpy as np
from chess_engine import TaskPositions
from numpy.typing import NDArray

from pawn_core.tasks.settings import Difficulty, TaskSettings
from pawn_core.tasks.task import Scores, TaskPrompt

_ILLEGAL = "illegal"
_BITS = {name: 1 << bit for bit, name in enumerate((*chess_engine.STRATA, _ILLEGAL))}
_OF_THE_POSITION = np.uint16(_BITS["check"] | _BITS["pin"] | _BITS["endgame"])


class EnvironmentAnswer(NamedTuple):
    """What a completion is compared with."""

    uci: str
    """The move that the prompt asks about."""
    completion: str
    """The right one."""


class Environment:
    """World model and arbiter. Positions are those of `Policy`, by the same numbers."""

    name: ClassVar[str] = "environment"
    strata: ClassVar[tuple[str, ...]] = tuple(_BITS)
    """Of the position: check, pin, endgame; of what the move does: the others, illegal last."""

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings

    def strata_at(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> list[int]:
        """Return what makes each prompt hard."""
        positions = self._settings.positions(seed, numbers, difficulty)
        return _strata(positions.fens, self._ucis(positions, seed, numbers), positions.strata)

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        """Return prompts by number."""
        positions = self._settings.positions(seed, numbers, difficulty)
        fens, ucis = positions.fens, self._ucis(positions, seed, numbers)
        histories = positions.histories if self._settings.history else None
        texts, completions = chess_engine.environment_rows(fens, ucis, histories)
        strata = _strata(fens, ucis, positions.strata)
        return [
            TaskPrompt(self.name, number, text, fen, bits, EnvironmentAnswer(uci, completion))
            for number, text, fen, bits, uci, completion in zip(
                numbers, texts, fens, strata, ucis, completions, strict=True
            )
        ]

    def _ucis(self, positions: TaskPositions, seed: int, numbers: Sequence[int]) -> list[str]:
        """Return the move that is asked about in each position."""
        ratio = self._settings.illegal_ratio
        return chess_engine.sample_moves(
            positions.fens, numbers, seed=seed, illegal_ratio=ratio
        ).ucis

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        """Return the right completions."""
        return [prompt.answer.completion for prompt in prompts]

    def score(self, prompts: Sequence[TaskPrompt], completions: Sequence[str]) -> Scores:
        """Verify completions by the rules of chess, which never fail."""
        fens, ucis = [prompt.fen for prompt in prompts], [prompt.answer.uci for prompt in prompts]
        found = chess_engine.score_environment(fens, ucis, list(completions))
        details = {name: getattr(found, name) for name in _DETAILS}
        components = {
            "format": found.parsed,
            "fen_exact": found.fen_exact,
            "fen_fields": found.fen_fields.mean(axis=1),
            "fen_similarity": found.fen_similarity,
            "reward": found.parsed & found.reward_exact,
            "flags": found.parsed & found.terminated_right & found.truncated_right,
            "exact": found.exact,
        }
        numbers = {name: np.asarray(v, dtype=np.float64) for name, v in components.items()}
        return Scores(numbers, details, np.ones(len(prompts), dtype=np.bool_))

    def close(self) -> None:
        """Give up nothing."""


_DETAILS = (
    "parsed",
    "fen_valid",
    "fen_exact",
    "fen_fields",
    "fen_similarity",
    "reward_parsed",
    "reward_error",
    "reward_exact",
    "flags_parsed",
    "terminated_right",
    "truncated_right",
    "exact",
)


def _strata(fens: list[str], ucis: list[str], of_positions_n: NDArray[np.uint16]) -> list[int]:
    """Return what makes each position hard, or what its move does."""
    steps = chess_engine.step_environment(fens, ucis)
    deeds_n = np.where(steps.legal, steps.strata & ~_OF_THE_POSITION, _BITS[_ILLEGAL])
    return (of_positions_n & _OF_THE_POSITION | deeds_n).tolist()
