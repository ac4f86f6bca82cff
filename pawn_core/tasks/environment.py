"""The task `A:`: what a move makes of a position, what it earns and whether it ends the game.

Shapes: n prompts or completions.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import chess_engine
import numpy as np

from pawn_core.tasks.settings import Difficulty, TaskSettings
from pawn_core.tasks.task import Scores, TaskPrompt

_ILLEGAL = "illegal"
_BITS = {name: 1 << bit for bit, name in enumerate((*chess_engine.STRATA, _ILLEGAL))}
_OF_THE_POSITION = _BITS["check"] | _BITS["pin"] | _BITS["endgame"]
_MATED, _DRAWN = 1.0, 0.5
_NO_EN_PASSANT = "-"


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
        return [prompt.strata for prompt in self.prompts(seed, numbers, difficulty)]

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        """Return prompts by number."""
        positions = self._settings.positions(seed, numbers, difficulty)
        fens, ratio = positions.fens, self._settings.illegal_ratio
        ucis = chess_engine.sample_moves(fens, numbers, seed=seed, illegal_ratio=ratio).ucis
        histories = positions.histories if self._settings.history else None
        texts, completions = chess_engine.environment_rows(fens, ucis, histories)
        strata = _strata(fens, ucis, positions.strata.tolist())
        return [
            TaskPrompt(self.name, number, text, fen, bits, EnvironmentAnswer(uci, completion))
            for number, text, fen, bits, uci, completion in zip(
                numbers, texts, fens, strata, ucis, completions, strict=True
            )
        ]

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


def _strata(fens: list[str], ucis: list[str], of_positions: list[int]) -> list[int]:
    """Return what makes each position hard, or what its move does."""
    steps = chess_engine.step_environment(fens, ucis)
    results = np.where(steps.terminated, steps.rewards, 0.0).tolist()
    return [
        bits & _OF_THE_POSITION | (_deeds(fen, uci, bits, result) if legal else _BITS[_ILLEGAL])
        for fen, uci, bits, legal, result in zip(
            fens, ucis, of_positions, steps.legal.tolist(), results, strict=True
        )
    ]


def _deeds(fen: str, uci: str, bits: int, result: float) -> int:
    """Return what a legal move does; `result`: its reward where it ends the game."""
    deeds = _BITS["mate"] if result == _MATED else 0
    if result == _DRAWN:
        deeds |= bits & _BITS["stalemate"]
    piece, passed = _piece_on(fen, uci[:2]), fen.split()[3]
    if len(uci) > 4:
        deeds |= _BITS["promotion"]
    if piece in "Kk" and abs(ord(uci[0]) - ord(uci[2])) > 1:
        deeds |= _BITS["castling"]
    if piece in "Pp" and uci[2:4] == passed != _NO_EN_PASSANT and uci[0] != uci[2]:
        deeds |= _BITS["en_passant"]
    return deeds


def _piece_on(fen: str, square: str) -> str:
    """Return the letter of the piece on a square that has one."""
    file = 0
    for letter in fen.split("/", 7)[8 - int(square[1])]:
        if file == ord(square[0]) - ord("a") and not letter.isdigit():
            return letter
        file += int(letter) if letter.isdigit() else 1
    raise ValueError(f"there is nothing on {square} of {fen!r}")
