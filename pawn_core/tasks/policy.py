"""The task `P:`: to name candidate moves, what each is worth, and the best.

Shapes: n prompts or completions.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import chess_engine
import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.analysis import Analysis, Analyst
from pawn_core.tasks.settings import Difficulty, TaskSettings
from pawn_core.tasks.task import Scores, TaskPrompt


class PolicyAnswer(NamedTuple):
    """What a completion is compared with."""

    analysis: Analysis
    completion: str
    """A right one: its moves come in an order of the prompt's own, which says nothing."""


class Policy:
    """Analysis of positions, verified by a chess program."""

    name: ClassVar[str] = "policy"
    strata: ClassVar[tuple[str, ...]] = tuple(chess_engine.STRATA)

    def __init__(self, settings: TaskSettings) -> None:
        """Start the program.

        Raises:
            ConfigError: it is not there.
        """
        self._settings = settings
        self._native = settings.task_format == "native"
        self.analyst = Analyst(settings)

    def strata_at(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> list[int]:
        """Return what makes each prompt hard; the program is not asked."""
        return self._settings.positions(seed, numbers, difficulty).strata.tolist()

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        """Return prompts by number; those over which the program failed have no answer."""
        positions = self._settings.positions(seed, numbers, difficulty)
        fens = positions.fens
        texts = chess_engine.policy_prompts(fens, native=self._native)
        answers = self._answers(seed, numbers, fens)
        return [
            TaskPrompt(self.name, number, text, fen, bits, answer)
            for number, text, fen, bits, answer in zip(
                numbers, texts, fens, positions.strata.tolist(), answers, strict=True
            )
        ]

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        """Return a right completion of each valid prompt."""
        return [prompt.answer.completion for prompt in prompts]

    def score(self, prompts: Sequence[TaskPrompt], completions: Sequence[str]) -> Scores:
        """Verify completions by the program's analyses."""
        valid = np.array([prompt.valid for prompt in prompts], dtype=np.bool_)
        rows = np.flatnonzero(valid).tolist()
        analyses = [prompts[row].answer.analysis.lines for row in rows]
        found = chess_engine.score_policy(
            [prompts[row].fen for row in rows], [completions[row] for row in rows], analyses
        )
        details = {name: np.asarray(getattr(found, name)) for name in _DETAILS}
        components = {
            "format": details["parsed"],
            "legality": details["legal"],
            "candidates": details["jaccard"],
            "evaluations": details["eval_closeness"],
            "best": _is_best(details["best_rank"], analyses),
            "exact": details["exact"],
        }
        return Scores(
            {name: _spread(values, valid) for name, values in components.items()},
            {name: _spread(values, valid) for name, values in details.items()},
            valid,
        )

    def close(self) -> None:
        """End the program."""
        self.analyst.close()

    def _answers(
        self, seed: int, numbers: Sequence[int], fens: list[str]
    ) -> list[PolicyAnswer | None]:
        found = list(zip(numbers, fens, self.analyst.analyses(fens), strict=True))
        whole = [(number, fen, analysis) for number, fen, analysis in found if analysis]
        _, completions = chess_engine.policy_rows(
            [fen for _, fen, _ in whole],
            [analysis.lines for _, _, analysis in whole],
            [number for number, _, _ in whole],
            seed=seed,
            native=self._native,
        )
        right = iter(completions)
        return [PolicyAnswer(a, next(right)) if a else None for _, _, a in found]


_DETAILS = (
    "parsed",
    "markers",
    "moves",
    "evals",
    "wanted",
    "counts_equal",
    "legal",
    "best_legal",
    "best_rank",
    "best_in_listed",
    "hits",
    "jaccard",
    "evals_compared",
    "eval_error",
    "eval_sign_errors",
    "eval_within_one",
    "eval_closeness",
    "exact",
)


def _is_best(ranks_n: NDArray[np.int32], analyses: list[tuple[tuple[str, int], ...]]) -> list[bool]:
    """Tell which named moves the program finds as good as its own choice."""
    return [
        rank >= 0 and lines[rank][1] == lines[0][1]
        for rank, lines in zip(ranks_n.tolist(), analyses, strict=True)
    ]


def _spread(values: object, valid_n: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the values of valid prompts in their rows, nan in the others."""
    spread_n = np.full(len(valid_n), np.nan)
    spread_n[valid_n] = np.asarray(values, dtype=np.float64)
    return spread_n
