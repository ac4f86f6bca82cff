"""Conditioning: whether a model that is told the outcome plays towards it.

Each case beside random play from the same positions, and each test of what cannot or hardly can be
beside a control that is told the truth. Shapes: c cases, b games, k random games of a prefix.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.config.conditioning import CASES, SOURCES, Case
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.generated.counting import Counting
from pawn_core.evaluation.generated.game_counts import GameCounts
from pawn_core.evaluation.generated.prefixes import Prefixes, find_prefixes, random_outcomes
from pawn_core.evaluation.generated.sampled_games import ILLEGAL, sample_games
from pawn_core.evaluation.intervals import exact, share_over_games
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.generation import Sampling

RANDOM_TIMES = 4
"""Random continuations of each prefix."""

Rate = tuple[float | None, float | None, float | None]
"""A share and the ends of its interval."""

_BLOCKS = 1 << 20  # games of a case at most, and addresses between the prefixes of two blocks
_FIRST_PREFIX = 1 << 61  # past all other addresses of the seed
_COLUMNS = (
    *("test", "case", "asked", "games", "matched", "low", "high", "random_matched", "random_low"),
    *("random_high", "own_outcome", "illegal", "end_seen", "mean_plies"),
)


class Conditioning(Counting):
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
        self._counts = GameCounts(len(CASES), context.max_ply, context.vocabulary)
        self._matched_c = np.zeros(len(CASES), dtype=np.int64)
        """Games with the outcome that was asked for."""
        self._own_c = np.zeros(len(CASES), dtype=np.int64)
        """Games with the outcome of the game that their prefix is of."""
        self._end_seen_c2 = np.zeros((len(CASES), 2), dtype=np.int64)
        self._random_ck = np.zeros((len(CASES), RANDOM_TIMES + 1), dtype=np.int64)
        """Prefixes by how many of their random games have the outcome that was asked for."""

    def run(self, shard: int) -> None:
        """Continue a block of a case's games, by the model and at random."""
        number, block = shard % len(CASES), shard // len(CASES)
        prefixes = self._prefixes(CASES[number], block)
        if not len(prefixes.lengths_b):
            return
        asked_b = self._asked(CASES[number], prefixes)
        self._play(number, block, prefixes, asked_b)
        self._play_at_random(number, block, prefixes, asked_b)

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
            "matched": self._matched_c,
            "own": self._own_c,
            "end_seen": self._end_seen_c2,
            "random": self._random_ck,
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
        self._counts.add(number, games.lengths_b, games.endings_b, games.outcomes_b)
        seen_b = games.end_seen_b
        self._end_seen_c2[number] += np.bincount(seen_b[seen_b >= 0], minlength=2)
        self._matched_c[number] += int((games.outcomes_b == asked_b).sum())
        self._own_c[number] += int((games.outcomes_b == prefixes.outcomes_b).sum())

    def _play_at_random(
        self, number: int, block: int, prefixes: Prefixes, asked_b: NDArray[np.int16]
    ) -> None:
        config = self._context.config
        first = _FIRST_PREFIX + (len(CASES) + number) * _BLOCKS * RANDOM_TIMES
        first += block * config.shard_games * RANDOM_TIMES
        outcomes_bk = random_outcomes(
            prefixes, RANDOM_TIMES, config.games_seed, first, self._context.vocabulary
        )
        matches_b = (outcomes_bk == asked_b[:, None]).sum(axis=1)
        self._random_ck[number] += np.bincount(matches_b, minlength=RANDOM_TIMES + 1)

    def _figures(self) -> Iterator[Figure]:
        """Yield for each test the share of matches, and what random play has."""
        for test in ("match", "continuation", "poisoned", "improbable"):
            cases = _cases(test, control=False)
            share = f"share of games of the {test} cases that end as asked"
            yield self._share(test, cases, self._matched_c, share)
            random_k = self._random_ck[cases].sum(axis=0)
            games = RANDOM_TIMES * int(random_k.sum())
            definition = f"{share}, played on at random; interval over prefixes"
            yield Figure(f"{test}_random", *_random_rate(random_k), games, definition)
        illegal_c = self._counts.endings_rk[:, ILLEGAL:].sum(axis=1)
        share = "share of free games of the impossible cases that end without a legal move"
        for suffix, control in (("", False), ("_control", True)):
            cases = _cases("impossible", control=control)
            yield self._share(f"impossible_illegal{suffix}", cases, illegal_c, share)

    def _share(
        self, name: str, cases: list[int], parts_c: NDArray[np.int64], definition: str
    ) -> Figure:
        part, whole = int(parts_c[cases].sum()), int(self._counts.lengths_rk[cases].sum())
        return Figure(name, *_rate(part, whole), whole, f"{definition}; exact interval")

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        games_c = self._counts.lengths_rk.sum(axis=1)
        plies_c = self._counts.lengths_rk @ np.arange(self._context.max_ply + 1)
        illegal_c = self._counts.endings_rk[:, ILLEGAL:].sum(axis=1)
        for number, case in enumerate(CASES):
            games = int(games_c[number])
            yield (
                *(case.test, case.name, case.asked or "its own", games),
                *_rate(int(self._matched_c[number]), games),
                *_random_rate(self._random_ck[number]),
                _ratio(self._own_c[number], games),
                _ratio(illegal_c[number], games),
                _ratio(self._end_seen_c2[number, 1], self._end_seen_c2[number].sum()),
                _ratio(plies_c[number], games),
            )


def _cases(test: str, *, control: bool) -> list[int]:
    """Return the numbers of a test's cases, or of its controls."""
    return [i for i, c in enumerate(CASES) if c.test == test and (c.asked is None) == control]


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def _rate(part: int, whole: int) -> Rate:
    low, high = exact(part, whole)
    return _ratio(part, whole), low, high


def _random_rate(random_k: NDArray[np.int64]) -> Rate:
    """Return the share of random games that match; those of one prefix depend on each other."""
    matches_b = np.repeat(np.arange(len(random_k)), random_k)
    games_b = np.full(len(matches_b), RANDOM_TIMES)
    low, high = share_over_games(matches_b, games_b)
    return _ratio(matches_b.sum(), games_b.sum()), low, high
