"""Generation: how like random play the games are that a model plays alone.

Free, the model draws any token, and the first that is no legal move ends its game; masked, it draws
legal ones. Shapes: m modes and last random play, k categories.
"""

from collections.abc import Iterator
from typing import Any

import chess_engine
import numpy as np
from numpy.typing import NDArray

from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.generated.counting import Counting
from pawn_core.evaluation.generated.game_counts import GameCounts, quantiles
from pawn_core.evaluation.generated.sampled_games import (
    ENDINGS,
    ILLEGAL,
    STOPPED,
    SampledGames,
    prompts_of_random_play,
    sample_games,
)
from pawn_core.evaluation.generated.two_samples import (
    Comparison,
    compare,
    difference_of_means,
    kolmogorov_smirnov,
    total_variation,
)
from pawn_core.evaluation.intervals import exact
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.generation import Sampling

FREE, MASKED, RANDOM = range(3)
MODES = ("free", "masked")
REFERENCE_GAMES = 10
"""Games of random play to each game of the model."""

_REFERENCE = 1 << 40  # first address of the reference games: none of them gives a prompt
_PLY_BINS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 400)
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_SHARES = {
    "completion": "share of free games that end by the rules: no illegal token, no early PAD",
    "illegal": "share of free games that end with a token that is no legal move, PAD aside",
    "stopped": "share of free games that end with PAD where a move is due",
    "end_seen": "share of free games over by the rules, with room behind, whose next token is PAD",
}
_DISTANCES = {
    "length_difference": "mean plies less that of random play; bootstrap over games",
    "length_ks": "largest distance of the cumulated shares of lengths from random play",
    "length_p": "permutation p of the distance of lengths",
    "outcome_tv": "total variation of the outcomes from random play",
    "outcome_p": "permutation p of the distance of outcomes",
}


class Likeness(Counting):
    """Counts of how long the games are and how they end."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts = GameCounts(3, context.max_ply, context.vocabulary)
        self._failed_k = np.zeros(context.max_ply + 1, dtype=np.int64)
        self._end_seen_2 = np.zeros(2, dtype=np.int64)

    def run(self, shard: int) -> None:
        """Generate a shard's games: first every shard free, then every one masked."""
        config = self._context.config
        half = -(-config.games // config.shard_games)
        mode, first = divmod(shard, half)
        first *= config.shard_games
        games = min(config.shard_games, config.games - first)
        played = self._generate(mode, first, games)
        if mode == FREE:
            random = self._random_play(
                REFERENCE_GAMES * first + _REFERENCE, REFERENCE_GAMES * games
            )
            self._counts.add(RANDOM, random.lengths, random.terminations, random.outcomes)
            self._count_free(played)
        self._counts.add(mode, played.lengths_b, played.endings_b, played.outcomes_b)

    def report(self) -> Report:
        """Return how far the games are from random play, and how they end."""
        config = self._context.config
        return Report(
            "generation",
            f"Games that the model plays alone, beside {REFERENCE_GAMES} times as many of random "
            "play by the same rules. In the pure layout the first move, which the model does not "
            "predict, in the prefixed one the outcome token, is drawn as random play has it. "
            "Distances: Kolmogorov-Smirnov of lengths in plies, total variation of outcomes (none "
            "is one); p by permutation.",
            tuple(self._figures()),
            (self._endings_table(), self._lengths_table(), self._illegal_table(), self._tests()),
            {
                "games": config.games,
                "reference_games": REFERENCE_GAMES * config.games,
                "games_seed": config.games_seed,
                "max_ply": self._context.max_ply,
                "temperature": config.generation_temperature,
            },
        )

    def _arrays(self) -> dict[str, NDArray[np.int64]]:
        return self._counts.arrays() | {"failed": self._failed_k, "end_seen": self._end_seen_2}

    def _generate(self, mode: int, first: int, games: int) -> SampledGames:
        context, config = self._context, self._context.config
        prompts = prompts_of_random_play(context.pretrained, self._random_play(first, games))
        sampling = Sampling(
            config.generation_temperature,
            legal=mode == MASKED,
            until_illegal=mode == FREE,
            seed=config.games_seed,
            first_game=first,
        )
        return sample_games(context.pretrained, prompts, sampling, context.max_ply, context.stop)

    def _random_play(self, first: int, games: int) -> chess_engine.Games:
        config = self._context.config
        return chess_engine.generate_random_games(
            games,
            seed=config.games_seed,
            first_game=first,
            max_ply=self._context.max_ply,
            mate_boost=config.mate_boost,
            discard_ply_limit=config.discard_ply_limit,
            vocabulary=self._context.spec.vocabulary,
        )

    def _count_free(self, played: SampledGames) -> None:
        failed_b = played.endings_b >= ILLEGAL
        plies = len(self._failed_k)
        self._failed_k += np.bincount(played.lengths_b[failed_b], minlength=plies)
        seen = played.end_seen_b
        self._end_seen_2 += np.bincount(seen[seen >= 0], minlength=2)

    def _figures(self) -> Iterator[Figure]:
        endings_k = self._counts.endings_rk[FREE]
        parts = {
            "completion": (endings_k[:ILLEGAL].sum(), endings_k.sum()),
            "illegal": (endings_k[ILLEGAL], endings_k.sum()),
            "stopped": (endings_k[STOPPED], endings_k.sum()),
            "end_seen": (self._end_seen_2[1], self._end_seen_2.sum()),
        }
        for name, (part, whole) in parts.items():
            interval = exact(int(part), int(whole))
            value = float(part / whole) if whole else None
            yield Figure(name, value, *interval, int(whole), f"{_SHARES[name]}; exact interval")
        for mode in (FREE, MASKED):
            yield from self._distances(mode)

    def _distances(self, mode: int) -> Iterator[Figure]:
        """Yield how far a mode's games are from random play."""
        lengths_k, random_k = self._counts.lengths_rk[[mode, RANDOM]]
        plies_k = np.arange(len(lengths_k))
        longer = difference_of_means(lengths_k, random_k, plies_k, self._context.config.seed)
        ks, tv = self._comparisons(mode)
        values = {
            "length_difference": longer,
            "length_ks": (ks.value, None, None),
            "length_p": (ks.p, None, None),
            "outcome_tv": (tv.value, None, None),
            "outcome_p": (tv.p, None, None),
        }
        for name, (value, low, high) in values.items():
            definition = f"{MODES[mode]} games: {_DISTANCES[name]}"
            games = int(lengths_k.sum())
            yield Figure(f"{MODES[mode]}_{name}", value, low, high, games, definition)

    def _comparisons(self, mode: int) -> tuple[Comparison, Comparison]:
        seed = self._context.config.seed
        lengths, outcomes = self._counts.lengths_rk, self._counts.outcomes_rk
        return (
            compare(lengths[mode], lengths[RANDOM], kolmogorov_smirnov, seed),
            compare(outcomes[mode], outcomes[RANDOM], total_variation, seed),
        )

    def _tests(self) -> Table:
        rows = [
            (MODES[mode], name, *comparison)
            for mode in (FREE, MASKED)
            for name, comparison in zip(
                ("length_ks", "outcome_tv"), self._comparisons(mode), strict=True
            )
        ]
        return Table(
            "tests", ("mode", "distance", "value", "expected_of_one_law", "p"), tuple(rows)
        )

    def _endings_table(self) -> Table:
        """Return the share of each ending and outcome, with its difference from random play."""
        names = (*ENDINGS, *self._counts.outcome_names)
        counts_mk = np.hstack((self._counts.endings_rk, self._counts.outcomes_rk))
        parts = ("", "_less_random", "_low", "_high")
        cells = (f"{mode}{part}" for mode in MODES for part in parts)
        columns = ("ending", "random", *cells)
        return Table("endings", columns, tuple(self._ending_rows(names, counts_mk)))

    def _ending_rows(self, names: tuple[str, ...], counts_mk: NDArray[np.int64]) -> Any:
        games_m = self._counts.lengths_rk.sum(axis=1)
        yes = np.array([0, 1])
        for name, count_m in zip(names, counts_mk.T, strict=True):
            of_2 = [np.array([games - n, n]) for games, n in zip(games_m, count_m, strict=True)]
            cells = [
                cell
                for mode in (FREE, MASKED)
                for cell in (
                    count_m[mode] / games_m[mode],
                    *difference_of_means(of_2[mode], of_2[RANDOM], yes, self._context.config.seed),
                )
            ]
            yield (name, count_m[RANDOM] / games_m[RANDOM], *map(float, cells))

    def _lengths_table(self) -> Table:
        rows = [
            (
                name,
                float(counts_k @ np.arange(len(counts_k)) / counts_k.sum()),
                *quantiles(counts_k, _QUANTILES),
            )
            for name, counts_k in zip((*MODES, "random"), self._counts.lengths_rk, strict=True)
        ]
        columns = ("games", "mean", *(f"quantile_{100 * q:g}" for q in _QUANTILES))
        return Table("lengths", columns, tuple(rows))

    def _illegal_table(self) -> Table:
        """Return where free games end with an illegal token or an early PAD, by ply."""
        still_k = self._counts.lengths_rk[FREE][::-1].cumsum()[::-1]
        ends = [*_PLY_BINS[1:], len(still_k)]
        rows = [
            (begin, int(still_k[begin]), int(self._failed_k[begin:end].sum()))
            for begin, end in zip(_PLY_BINS, ends, strict=True)
            if begin < len(still_k)
        ]
        return Table("illegal_by_ply", ("from_ply", "games_that_reach_it", "failed"), tuple(rows))
