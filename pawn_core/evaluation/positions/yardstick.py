"""One yardstick for all models: the same moves of the same plain random games, for whatever layout.

A model that was trained with the outcome in front is asked without knowing it: what it says under
each outcome is weighed by Bayes' rule, with its own likelihoods of the moves so far. That is its
prediction from the moves alone, by the laws of probability, and the exact law bounds it as it
bounds every other model's.

Shapes: g games of a shard, n predicted moves, v vocabulary, o outcomes, m sums, k bins of plies.
"""

import hashlib

import chess_engine
import numpy as np
import torch
from chess_engine import Games
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.data.recorded import RecordedGames
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.intervals import over_games, share_over_games
from pawn_core.evaluation.positions.marginal import MarginalModel
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.validation.positions import (
    Measures,
    NextTokens,
    TargetMeasures,
    measure,
    measure_targets,
    move_tokens,
)

_BIN_PLIES = 32
_SUMS = (
    *("positions", "legal_rate", "legal_mass", "move_mass", "kl"),
    *("top1", "top1_exact", "top1_bound", "loss", "loss_floor"),
)
_SHARES = ("legal_rate", "top1")  # of positions; the others are means
_DEFINITIONS = {
    "kl": "KL of the model, renormalised over move tokens, to the uniform law over legal moves, "
    "nats; 0 for a perfect model",
    "legal_rate": "share of moves where the likeliest token of all is a legal move",
    "legal_mass": "mean probability of the legal moves",
    "move_mass": "mean probability of all move tokens",
    "top1": "share of moves where the likeliest token is the move played",
    "top1_exact": "expectation of top1 by the law, without the luck of the draw",
    "top1_bound": "top1_exact of a perfect model: mean of 1/N, N moves being legal",
    "loss": "cross-entropy of the move played, renormalised over move tokens, nats",
    "loss_floor": "loss of a perfect model: mean of log N",
}
_DEFINITION = (
    "The moves of plies 1 to yardstick_plies - 1 of plain random games of at most "
    "yardstick_max_ply plies, the same for every model; ends of games do not count, nor does ply "
    "0. A model that was trained with outcomes is asked without one: its predictions under each "
    "outcome are weighed by Bayes' rule. Two results are on the same positions if, and only if, "
    "their games_sha256, positions and yardstick_plies agree. Intervals are over games."
)


class Yardstick(Evaluation):
    """Legality, the exact law and accuracy by ply, on positions that depend on no model."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Refuse a model whose context is too short for the positions."""
        spec = context.spec
        own = {"max_seq_len": spec.max_seq_len, "prepend_outcome": spec.prepend_outcome}
        if misfit := context.config.misfit("weights", own):
            raise ConfigError(misfit)

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        self._marginal = MarginalModel(context) if context.spec.prepend_outcome else None
        bins = -(-self._config.yardstick_plies // _BIN_PLIES)
        shape = (self._config.games, bins, len(_SUMS))
        self._sums_gkm = torch.zeros(shape, dtype=torch.float64)

    def run(self, shard: int) -> None:
        """Measure the moves of some games."""
        begin = shard * self._config.shard_games
        end = min(begin + self._config.shard_games, self._config.games)
        played = self._play(begin, end - begin, self._context.spec.vocabulary, legal_moves=True)
        self._sums_gkm[begin:end] = self._measured(played)

    def state(self) -> dict[str, Tensor]:
        """Return the sums of each game so far, by bins of plies."""
        return {"sums": self._sums_gkm}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the sums of `state`."""
        self._sums_gkm = tensors["sums"].clone()

    def report(self) -> Report:
        """Return the means over all positions and by ply, with intervals over games."""
        sums_gkm = self._sums_gkm.numpy()
        return Report(
            name="yardstick",
            definition=_DEFINITION,
            figures=tuple(_figure(name, sums_gkm.sum(axis=1)) for name in _DEFINITIONS),
            tables=(_by_ply(sums_gkm),),
            facts={
                "games": self._config.games,
                "games_seed": self._config.games_seed,
                "games_sha256": self._digest(),
                "positions": int(sums_gkm[..., 0].sum()),
                "yardstick_max_ply": self._config.yardstick_max_ply,
                "yardstick_plies": self._config.yardstick_plies,
                "outcome": "weighed by Bayes' rule" if self._marginal else "none",
            },
        )

    def _play(self, first: int, count: int, vocabulary: str, *, legal_moves: bool) -> Games:
        return chess_engine.generate_random_games(
            count,
            seed=self._config.games_seed,
            first_game=first,
            max_ply=self._config.yardstick_max_ply,
            vocabulary=vocabulary,
            legal_moves=legal_moves,
            threads=torch.get_num_threads(),
        )

    def _measured(self, played: Games) -> Tensor:
        """Return the sums (g, k, m) of some games."""
        games = RecordedGames(
            played.tokens,
            lengths_b=np.minimum(played.lengths, self._config.yardstick_plies).astype(np.int64),
            outcomes_b=None,
            first_ply=1,
        )
        assert played.legal_offsets is not None
        assert played.legal_values is not None
        every_ply = NextTokens(played.legal_offsets, played.legal_values)
        sets = every_ply.take(games.rows_n(played.lengths.astype(np.int64)))
        measures = self._marginally(games, sets) if self._marginal else self._at_once(games, sets)
        columns_nm = _columns(*measures, sets)
        bins = self._sums_gkm.shape[1]
        places_n = torch.from_numpy(games.games_n * bins + games.plies_n // _BIN_PLIES)
        sums = torch.zeros(len(played.lengths) * bins, len(_SUMS), dtype=torch.float64)
        return sums.index_add(0, places_n, columns_nm).unflatten(0, (-1, bins))

    @torch.no_grad()
    def _at_once(self, games: RecordedGames, sets: NextTokens) -> tuple[Measures, TargetMeasures]:
        self._context.stop.check()
        tokens_bt, positions_n = (x.to(self._context.runtime.device) for x in games.sequences())
        with self._context.runtime.autocast():
            logits_nv = self._context.model.forward_at(tokens_bt, positions_n)
        return self._compared(logits_nv, sets, games.targets_n)

    def _marginally(
        self, games: RecordedGames, sets: NextTokens
    ) -> tuple[Measures, TargetMeasures]:
        """Do the same game by game, for the predictions of one take up five times the memory."""
        assert self._marginal is not None
        parts = []
        for game, length in enumerate(games.lengths_b):
            self._context.stop.check()
            tokens_p = games.tokens_bp[game, :length]
            log_p_nv = self._marginal.log_probabilities(tokens_p)[games.first_ply :]
            rows = np.flatnonzero(games.games_n == game)
            parts.append(self._compared(log_p_nv, sets.take(rows), games.targets_n[rows]))
        measures, targets = zip(*parts, strict=True)
        return Measures(*map(_together, zip(*measures, strict=True))), TargetMeasures(
            *map(_together, zip(*targets, strict=True))
        )

    def _compared(
        self, logits_nv: Tensor, sets: NextTokens, targets_n: Tensor
    ) -> tuple[Measures, TargetMeasures]:
        is_move_v = move_tokens(self._context.vocabulary)
        return measure(logits_nv, sets, is_move_v), measure_targets(logits_nv, sets, targets_n)

    def _digest(self) -> str:
        """Return the SHA-256 of the games, whatever the vocabulary that they are shown in."""
        digest = hashlib.sha256()
        for first in range(0, self._config.games, self._config.shard_games):
            count = min(self._config.shard_games, self._config.games - first)
            games = self._play(first, count, "searchless", legal_moves=False)
            digest.update(games.tokens.tobytes())
        return digest.hexdigest()


def _columns(measures: Measures, targets: TargetMeasures, sets: NextTokens) -> Tensor:
    """Return the terms (n, m) of `_SUMS`."""
    counts_n = torch.from_numpy(sets.counts_n).double()
    log_move_mass_n = measures.move_mass_n.log()
    columns = {
        "positions": torch.ones_like(counts_n),
        "legal_rate": measures.legal_n,
        "legal_mass": measures.legal_mass_n,
        "move_mass": measures.move_mass_n,
        "kl": measures.kl_n + log_move_mass_n,
        "top1": (targets.rank_n == 0).double(),
        "top1_exact": measures.legal_n / counts_n,
        "top1_bound": 1.0 / counts_n,
        "loss": targets.loss_n + log_move_mass_n,
        "loss_floor": counts_n.log(),
    }
    return torch.stack([columns[name] for name in _SUMS], dim=1)


def _figure(name: str, sums_gm: NDArray[np.float64]) -> Figure:
    parts_g, positions_g = sums_gm[:, _SUMS.index(name)], sums_gm[:, 0]
    positions = int(positions_g.sum())
    if not positions:
        return Figure(name, None)
    interval = (share_over_games if name in _SHARES else over_games)(parts_g, positions_g)
    value = float(parts_g.sum() / positions)
    return Figure(name, value, *interval, positions, _DEFINITIONS[name])


def _by_ply(sums_gkm: NDArray[np.float64]) -> Table:
    names = [f"{figure}{end}" for figure in _DEFINITIONS for end in ("", "_low", "_high")]
    rows = []
    for index in range(sums_gkm.shape[1]):
        figures = [_figure(name, sums_gkm[:, index]) for name in _DEFINITIONS]
        numbers = [number for f in figures for number in (f.value, f.low, f.high)]
        first = index * _BIN_PLIES
        rows.append((first, first + _BIN_PLIES - 1, figures[0].n, *numbers))
    return Table("by_ply", ("first_ply", "last_ply", "positions", *names), tuple(rows))


def _together(parts: tuple[Tensor, ...]) -> Tensor:
    return torch.cat(parts)
