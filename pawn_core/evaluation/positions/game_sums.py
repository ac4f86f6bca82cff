"""Sums of each game, and the figures of a model card that follow from them.

Shapes: g games, s sides (White, Black), n forfeits, r resamplings, c columns.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pawn_core.evaluation import intervals
from pawn_core.evaluation.report import Figure, Table
from pawn_core.validation.sums import LegalitySums, PositionSums

Metrics = dict[str, float | None]
Resampled = dict[str, NDArray[np.float64]]
"""Sums of a column in each resampling of the games."""

COLUMNS = (
    *("positions", "loss", "top1", "top5", "kl", "top1_bound", "loss_floor"),
    *("moves", "legal", "late_moves", "late_legal"),
    *("white_plies", "black_plies", "plies"),
)
"""Columns of a game."""


class _Ratio(NamedTuple):
    """A figure that is a ratio of sums over games."""

    name: str
    part: str
    whole: str
    definition: str
    share: bool = False
    """Whether it is a share of things, which can be all or none."""
    exact_law: bool = False
    """Whether it needs the exact distribution."""


_RATIOS = (
    _Ratio("legal_rate", "legal", "moves", "Share of predicted moves that are legal.", True),
    _Ratio(
        "late_legal_rate",
        "late_legal",
        "late_moves",
        "The same over plies from half the context on.",
        True,
    ),
    _Ratio(
        "game_completion",
        "clean_sides",
        "sides",
        "Share of (game, side) pairs without an illegal prediction at any ply of that side.",
        True,
    ),
    _Ratio(
        "game_completion_both",
        "clean_games",
        "games",
        "Share of games without an illegal prediction at any ply.",
        True,
    ),
    _Ratio("val_loss", "loss", "positions", "Mean cross-entropy of the next token, nats."),
    _Ratio("top1", "top1", "positions", "Share of positions whose next token is the likeliest."),
    _Ratio("top5", "top5", "positions", "The same, among the five likeliest."),
    _Ratio("kl", "kl", "positions", "Mean KL to the exact distribution, nats.", exact_law=True),
    _Ratio(
        "top1_bound",
        "top1_bound",
        "positions",
        "Top-1 that a perfect model expects on these positions.",
        exact_law=True,
    ),
    _Ratio(
        "top1_of_bound", "top1", "top1_bound", "Top-1 as a share of that bound.", exact_law=True
    ),
    _Ratio(
        "loss_floor",
        "loss_floor",
        "positions",
        "Loss that a perfect model expects on these positions, nats.",
        exact_law=True,
    ),
    _Ratio(
        "mean_plies_completed",
        "side_plies",
        "sides",
        "Mean over (game, side) of the plies before that side's first illegal prediction, of the "
        "whole game where there is none.",
    ),
    _Ratio(
        "mean_share_completed",
        "share_completed",
        "sides",
        "Mean over (game, side) of that number as a share of the game's plies.",
    ),
)


class GameSums:
    """The columns of all games, and those that follow from them."""

    def __init__(self, sums_cg: NDArray[np.float64]) -> None:
        self.count = sums_cg.shape[1]
        columns = dict(zip(COLUMNS, sums_cg, strict=True))
        white, black, plies = (columns[name] for name in ("white_plies", "black_plies", "plies"))
        self.sides_gs = np.stack((white, black), axis=1)
        self.plies = plies
        clean_gs = self.sides_gs == plies[:, None]
        self.columns = columns | {
            "games": np.ones(self.count),
            "sides": np.full(self.count, 2.0),
            "clean_games": clean_gs.all(axis=1).astype(np.float64),
            "clean_sides": clean_gs.sum(axis=1).astype(np.float64),
            "side_plies": white + black,
            "share_completed": (white + black) / np.maximum(plies, 1),
        }

    def total(self, name: str) -> float:
        """Return a column's sum."""
        return float(self.columns[name].sum())

    def metrics(self, known: bool, late_ply: int) -> Metrics:
        """Return what the validation during training would show on the same games."""
        positions = PositionSums(
            positions=int(self.total("positions")),
            loss=self.total("loss"),
            top1=int(self.total("top1")),
            top5=int(self.total("top5")),
            kl=self.total("kl"),
            top1_bound=self.total("top1_bound"),
            loss_floor=self.total("loss_floor"),
        )
        legality = LegalitySums(
            late_ply,
            moves=int(self.total("moves")),
            legal=int(self.total("legal")),
            late_moves=int(self.total("late_moves")),
            late_legal=int(self.total("late_legal")),
        )
        legality.add_games(self.sides_gs.astype(np.int64), self.plies.astype(np.int64))
        return positions.metrics(distribution_known=known) | legality.metrics()

    def figures(self, known: bool, late_ply: int) -> Iterator[Figure]:
        """Yield every figure; those of the exact distribution have no value unless it is known."""
        sums_rc = intervals.resampled_sums(np.stack(list(self.columns.values()), axis=1))
        resampled = dict(zip(self.columns, sums_rc.T, strict=True))
        metrics = self.metrics(known, late_ply)
        for ratio in _RATIOS:
            if ratio.exact_law and not known:
                yield Figure(ratio.name, None, definition=ratio.definition)
            else:
                yield self._figure(ratio, metrics, resampled)
        yield from _derived(self, metrics, resampled)

    def _figure(self, ratio: _Ratio, metrics: Metrics, resampled: Resampled) -> Figure:
        part_g, whole_g = self.columns[ratio.part], self.columns[ratio.whole]
        n = int(self.total("positions" if ratio.whole == "top1_bound" else ratio.whole))
        if not n:
            return Figure(ratio.name, None, definition=ratio.definition)
        ends = intervals.all_or_none(part_g, whole_g) if ratio.share else None
        ends = ends or intervals.ratio_percentiles(resampled[ratio.part], resampled[ratio.whole])
        value = metrics.get(ratio.name, part_g.sum() / whole_g.sum())
        return Figure(ratio.name, value, *ends, n=n, definition=ratio.definition)


def _derived(games: GameSums, metrics: Metrics, resampled: Resampled) -> Iterator[Figure]:
    """Yield what is no ratio of sums."""
    low, high = intervals.ratio_percentiles(resampled["loss"], resampled["positions"])
    assert low is not None
    assert high is not None
    ends = float(np.exp(min(low, 700.0))), float(np.exp(min(high, 700.0)))
    n = int(games.total("positions"))
    yield Figure("perplexity", metrics["perplexity"], *ends, n=n, definition="exp(val_loss).")
    forfeited_gs = games.sides_gs < games.plies[:, None]
    where, _ = np.nonzero(forfeited_gs)
    values = games.sides_gs[forfeited_gs]
    yield Figure(
        "forfeit_ply_median",
        metrics["forfeit_ply_median"],
        *intervals.median_over_games(values, where, games.count),
        n=len(values),
        definition="Median 0-based ply of a side's first illegal prediction, where it has one.",
    )


def card_tables(figures: tuple[Figure, ...]) -> Iterator[Table]:
    """Yield the model card's tables of the figures."""
    by_name = {figure.name: figure for figure in figures}
    for name, rows in _CARD.items():
        chosen = [(title, by_name[figure]) for title, figure in rows]
        values = tuple((title, f.value, f.low, f.high, f.n) for title, f in chosen)
        yield Table(name, ("metric", "value", "low", "high", "n"), values)


_CARD = {
    "Headline metrics": (
        ("Game completion rate", "game_completion"),
        ("Per-move legal rate", "legal_rate"),
        ("Late-game legal rate", "late_legal_rate"),
        ("Top-1 accuracy", "top1"),
        ("Top-5 accuracy", "top5"),
        ("Val loss", "val_loss"),
        ("Val perplexity", "perplexity"),
    ),
    "Compound-legality detail": (
        ("Average plies completed per game", "mean_plies_completed"),
        ("Average share of game completed", "mean_share_completed"),
        ("Median forfeit ply (when forfeit)", "forfeit_ply_median"),
    ),
}
"""The model card's tables: rows by their titles there (PAWN-Base, 2026)."""
