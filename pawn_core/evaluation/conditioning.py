"""Conditioning: whether a model that is told the outcome plays towards it.

Each case beside random play from the same positions, and each test of what cannot or hardly can be
beside a control that is told the truth. Rows: case i of the model 2 i, of random play 2 i + 1.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.config.conditioning import CASES, SOURCES, Case
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.game_counts import GameCounts, fill_in
from pawn_core.evaluation.intervals import exact
from pawn_core.evaluation.prefixes import Prefixes, find_prefixes, random_continuations
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.evaluation.sampled_games import ILLEGAL, sample_games
from pawn_core.generation import Sampling

RANDOM_TIMES = 4
"""Random continuations of each prefix."""

_BLOCKS = 1 << 20  # games of a case at most, and addresses between the prefixes of two blocks
_FIRST_PREFIX = 1 << 61  # past all other addresses of the seed
_COLUMNS = (
    *("test", "case", "asked", "games", "matched", "low", "high", "random_matched", "random_low"),
    *("random_high", "own_outcome", "illegal", "end_seen", "mean_plies"),
)


class Conditioning(Evaluation):
    """Counts of how the games of each case ended."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Refuse a model that cannot be told an outcome.

        Raises:
            ConfigError: its sequences begin with moves.
        """
        if not context.spec.prepend_outcome:
            raise ConfigError(
                "evals: conditioning needs a model whose sequences begin with the outcome "
                "(prepend_outcome true); these begin with moves"
            )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts = GameCounts(2 * len(CASES), context.max_ply, context.vocabulary)
        shape = (2 * len(CASES),)
        self._matched_r = np.zeros(shape, dtype=np.int64)
        """Games with the outcome that was asked for."""
        self._own_r = np.zeros(shape, dtype=np.int64)
        """Games with the outcome of the game that their prefix is of."""
        self._end_seen_r2 = np.zeros((*shape, 2), dtype=np.int64)

    def run(self, shard: int) -> None:
        """Continue a block of a case's games, by the model and at random."""
        number, block = shard % len(CASES), shard // len(CASES)
        prefixes = self._prefixes(CASES[number], block)
        if not len(prefixes.lengths_b):
            return
        asked_b = self._asked(CASES[number], prefixes)
        self._play(number, block, prefixes, asked_b)
        self._play_at_random(number, block, prefixes, asked_b)

    def state(self) -> dict[str, Tensor]:
        """Return the counts."""
        return {name: torch.from_numpy(counts.copy()) for name, counts in self._arrays().items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from counts."""
        fill_in(self._arrays(), tensors)

    def report(self) -> Report:
        """Return how often the games ended as they were asked to."""
        config = self._context.config
        return Report(
            "conditioning",
            "Games of random play cut short and played on by the model, which is told an outcome "
            "in front; beside it random play from the same positions, "
            f"{RANDOM_TIMES} times each. Prefixes stand unpadded in the context. Impossible cases "
            "are played free, the others among legal moves. Exact intervals over games.",
            tuple(self._figures()),
            (Table("cases", _COLUMNS, tuple(self._rows())),),
            {
                "games_of_a_case": config.conditioning_games,
                "games_seed": config.games_seed,
                "max_ply": self._context.max_ply,
                "temperature": config.generation_temperature,
            },
        )

    def _arrays(self) -> dict[str, NDArray[np.int64]]:
        return self._counts.arrays() | {
            "matched": self._matched_r,
            "own": self._own_r,
            "end_seen": self._end_seen_r2,
        }

    def _prefixes(self, case: Case, block: int) -> Prefixes:
        config = self._context.config
        first = block * config.shard_games
        return find_prefixes(
            case.source,
            min(config.shard_games, config.conditioning_games - first),
            config.games_seed,
            _FIRST_PREFIX + (SOURCES.index(case.source) * _BLOCKS + block) * _BLOCKS,
            self._context.max_ply,
            self._context.vocabulary,
        )

    def _asked(self, case: Case, prefixes: Prefixes) -> NDArray[np.int16]:
        if case.asked is None:
            return prefixes.outcomes_b
        return np.full_like(prefixes.outcomes_b, self._context.vocabulary.outcomes[case.asked])

    def _play(
        self, number: int, block: int, prefixes: Prefixes, asked_b: NDArray[np.int16]
    ) -> None:
        context, config, case = self._context, self._context.config, CASES[number]
        sampling = Sampling(
            config.generation_temperature,
            legal=case.masked,
            until_illegal=not case.masked,
            seed=config.games_seed,
            first_game=_FIRST_PREFIX + number * _BLOCKS + block * config.shard_games,
        )
        prompts = [
            [int(asked), *moves] for asked, moves in zip(asked_b, prefixes.prompts(), strict=True)
        ]
        games = sample_games(context.pretrained, prompts, sampling, context.max_ply, context.stop)
        row = 2 * number
        self._counts.add(row, games.lengths_b, games.endings_b, games.outcomes_b)
        seen_b = games.end_seen_b
        self._end_seen_r2[row] += np.bincount(seen_b[seen_b >= 0], minlength=2)
        self._compare(row, games.outcomes_b, asked_b, prefixes.outcomes_b)

    def _play_at_random(
        self, number: int, block: int, prefixes: Prefixes, asked_b: NDArray[np.int16]
    ) -> None:
        config, row = self._context.config, 2 * number + 1
        first = _FIRST_PREFIX + (len(CASES) + number) * _BLOCKS * RANDOM_TIMES
        first += block * config.shard_games * RANDOM_TIMES
        lengths_b, endings_b, outcomes_b = random_continuations(
            prefixes, RANDOM_TIMES, config.games_seed, first, self._context.vocabulary
        )
        self._counts.add(row, lengths_b, endings_b, outcomes_b)
        own_b = np.repeat(prefixes.outcomes_b, RANDOM_TIMES)
        self._compare(row, outcomes_b, np.repeat(asked_b, RANDOM_TIMES), own_b)

    def _compare(
        self, row: int, outcomes_b: NDArray[Any], asked_b: NDArray[Any], own_b: NDArray[Any]
    ) -> None:
        self._matched_r[row] += int((outcomes_b == asked_b).sum())
        self._own_r[row] += int((outcomes_b == own_b).sum())

    def _figures(self) -> Iterator[Figure]:
        """Yield for each test the share of matches, and what random play has."""
        for test in ("match", "continuation", "poisoned", "improbable"):
            told = [i for i, c in enumerate(CASES) if c.test == test and c.asked is not None]
            asked = f"games of the {test} cases that end as asked"
            yield self._share(test, [2 * i for i in told], self._matched_r, asked)
            random = f"{asked}, played on at random"
            yield self._share(f"{test}_random", [2 * i + 1 for i in told], self._matched_r, random)
        impossible = [i for i, c in enumerate(CASES) if c.test == "impossible"]
        for suffix, wanted in (("", True), ("_control", False)):
            rows = [2 * i for i in impossible if (CASES[i].asked is not None) == wanted]
            illegal_r = self._counts.endings_rk[:, ILLEGAL:].sum(axis=1)
            what = "free games of the impossible cases that end with no legal move"
            yield self._share(f"impossible_illegal{suffix}", rows, illegal_r, what)

    def _share(
        self, name: str, rows: list[int], parts_r: NDArray[np.int64], definition: str
    ) -> Figure:
        part, whole = int(parts_r[rows].sum()), int(self._counts.lengths_rk[rows].sum())
        value = part / whole if whole else None
        return Figure(name, value, *exact(part, whole), whole, f"share of {definition}; exact")

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        games_r = self._counts.lengths_rk.sum(axis=1)
        plies_r = self._counts.lengths_rk @ np.arange(self._context.max_ply + 1)
        illegal_r = self._counts.endings_rk[:, ILLEGAL:].sum(axis=1)
        for number, case in enumerate(CASES):
            row, random = 2 * number, 2 * number + 1
            games = int(games_r[row])
            yield (
                *(case.test, case.name, case.asked or "its own", games),
                *_rate(self._matched_r[row], games),
                *_rate(self._matched_r[random], games_r[random]),
                _ratio(self._own_r[row], games),
                _ratio(illegal_r[row], games),
                _ratio(self._end_seen_r2[row, 1], self._end_seen_r2[row].sum()),
                _ratio(plies_r[row], games),
            )


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def _rate(part: Any, whole: Any) -> tuple[float | None, ...]:
    return (_ratio(part, whole), *exact(int(part), int(whole)))
