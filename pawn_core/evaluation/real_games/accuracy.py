"""Accuracy on the moves of real games, as MAIA measures it (McIlroy-Young et al., 2020).

Opening moves are left out, phases and bands of Elo are told apart, and no game counts that the
model was trained or selected on. Shapes: g games, f phases, p plies, n predicted moves, m sums.
"""

from collections.abc import Iterator
from hashlib import sha256

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.data.recorded import RecordedGames
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.intervals import exact, over_games, share_over_games
from pawn_core.evaluation.real_games.real_games import (
    MOST_PLIES,
    RealGames,
    Selection,
    digests_of,
    pgn_files,
)
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.validation.positions import NextTokens, move_tokens
from pawn_core.validation.real_moves import (
    DEFINITIONS,
    PHASES,
    TERMS,
    elo_bands,
    move_terms,
    sums_by_phase,
)

_MEANS = ("loss", "legal_mass", "legal_loss")  # the others are shares of moves
_DEFINITION = (
    "Moves of real games from ply min_eval_ply on, counted from 0, as far as the model's context "
    "reaches; ends of games do not count. Equally likely tokens come by their number. Phases by "
    "ply: opening 0 to 19, middle 20 to 59, late from 60 on. Bands of Elo by the mean of both "
    "players'. A model with outcome tokens is told the game's own. Games of the PGN that the model "
    "was trained on are left out, all that are in it, those for validation too. Intervals are over "
    "games; by ply, where a game has one move at most, exact."
)


class Accuracy(Evaluation):
    """How often the model expects what people played."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Refuse a PGN without a usable game.

        Raises:
            ConfigError: there is none, or the file cannot be read; says what was dropped and why.
        """
        selection = _selection(context)
        try:
            first = next(selection.batches(1), None)
        except OSError as error:
            raise ConfigError(f"pgn {context.config.pgn!r} cannot be read: {error}") from None
        if first is None:
            reasons = ", ".join(f"{n} {reason}" for reason, n in selection.dropped.items() if n)
            raise ConfigError(
                f"pgn {context.config.pgn!r} has no usable game; dropped: {reasons or 'none'}"
            )

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        self._selection = _selection(context)
        self._batches = self._selection.batches(self._config.shard_games)
        self._next_shard = 0
        most = self._config.max_games
        self._sums_gfm = torch.zeros((most, len(PHASES), len(TERMS)), dtype=torch.float64)
        self._sums_pm = torch.zeros((MOST_PLIES, len(TERMS)), dtype=torch.float64)
        self._elos_g = torch.full((most,), torch.nan, dtype=torch.float64)
        self._digests_g = torch.zeros(most, dtype=torch.int64)

    def run(self, shard: int) -> None:
        """Measure some games; of the last shards there may be none left."""
        self._context.stop.check()
        games = self._read(shard)
        if games is None:
            return
        begin = shard * self._config.shard_games
        rows = slice(begin, begin + len(games))
        sums_gfm, sums_pm = self._measured(games)
        self._sums_gfm[rows] = sums_gfm
        self._sums_pm += sums_pm
        self._elos_g[rows] = torch.from_numpy(games.elos_b)
        self._digests_g[rows] = torch.from_numpy(games.digests_b.view(np.int64))

    def state(self) -> dict[str, Tensor]:
        """Return the sums of each game by phase and of all games by ply, and which games."""
        return {
            "phases": self._sums_gfm,
            "plies": self._sums_pm,
            "elos": self._elos_g,
            "digests": self._digests_g,
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the sums of `state`."""
        names = ("phases", "plies", "elos", "digests")
        copies = (tensors[name].clone() for name in names)
        self._sums_gfm, self._sums_pm, self._elos_g, self._digests_g = copies

    def report(self) -> Report:
        """Return accuracy over all moves, by phase, band of Elo and ply."""
        self._read(self._config.length)  # so that what was dropped is counted to the end
        sums_gfm = self._sums_gfm.numpy()
        used_g = sums_gfm[:, :, 0].sum(axis=1) > 0
        sums_gfm, elos_g = sums_gfm[used_g], self._elos_g.numpy()[used_g]
        figures = tuple(_figures(sums_gfm.sum(axis=1)))
        tables = (_by_phase(sums_gfm), _by_elo(sums_gfm, elos_g, self._config.elo_band))
        facts = {
            "pgn": self._config.pgn,
            "games": int(used_g.sum()),
            "games_sha256": sha256(self._digests_g.numpy()[used_g].tobytes()).hexdigest(),
            "positions": figures[0].n,
            "min_eval_ply": self._config.min_eval_ply,
            "elo_min": self._config.elo_min,
            "elo_max": self._config.elo_max,
            "dropped": {reason: n for reason, n in self._selection.dropped.items() if n},
            "trained_on": _training_pgn(self._context),
        }
        all_tables = (*tables, _by_ply(self._sums_pm.numpy()))
        return Report("accuracy", _DEFINITION, figures, all_tables, facts)

    def _read(self, shard: int) -> RealGames | None:
        """Return a shard's games; those before it are read and left out."""
        games = None
        while self._next_shard <= shard:
            games = next(self._batches, None)
            self._next_shard += 1
        return games

    def _measured(self, games: RealGames) -> tuple[Tensor, Tensor]:
        """Return the sums of each game by phase (g, f, m), and of all by ply (p, m)."""
        prefixed = self._context.spec.prepend_outcome
        recorded = RecordedGames(
            games.tokens_bp,
            lengths_b=np.minimum(games.lengths_b, _room(self._context)).astype(np.int64),
            outcomes_b=games.outcomes_b.astype(np.int64) if prefixed else None,
            first_ply=_first_ply(self._context),
        )
        terms_nm = self._terms(recorded, self._next_tokens(games, recorded))
        by_ply = torch.zeros_like(self._sums_pm)
        by_ply.index_add_(0, torch.from_numpy(recorded.plies_n), terms_nm)
        return sums_by_phase(terms_nm, recorded), by_ply

    def _next_tokens(self, games: RealGames, recorded: RecordedGames) -> NextTokens:
        legal = chess_engine.compute_legal_moves(
            games.tokens_bp,
            games.lengths_b,
            vocabulary=self._context.spec.vocabulary,
            threads=torch.get_num_threads(),
        )
        rows_n = recorded.rows_n(games.lengths_b.astype(np.int64))
        return NextTokens(legal.offsets, legal.values).take(rows_n)

    @torch.no_grad()
    def _terms(self, recorded: RecordedGames, sets: NextTokens) -> Tensor:
        """Return what each move adds to the sums, (n, m)."""
        tokens_bt, positions_n = (x.to(self._context.runtime.device) for x in recorded.sequences())
        with self._context.runtime.autocast():
            logits_nv = self._context.model.forward_at(tokens_bt, positions_n)
        is_move_v = move_tokens(self._context.vocabulary)
        return move_terms(logits_nv, sets, recorded.targets_n, is_move_v)


def _selection(context: Context) -> Selection:
    config = context.config
    assert config.pgn is not None
    try:
        files = pgn_files(config.pgn)
        trained_on = _trained_on(context)
    except OSError as error:
        raise ConfigError(f"pgn {config.pgn!r} cannot be read: {error}") from None
    return Selection(
        files,
        context.spec.vocabulary,
        most=config.max_games,
        longer_than=_first_ply(context),
        with_outcome=context.spec.prepend_outcome,
        elo_min=config.elo_min,
        elo_max=config.elo_max,
        trained_on=trained_on,
    )


def _first_ply(context: Context) -> int:
    """Return the first ply that counts and that the model predicts."""
    return max(context.config.min_eval_ply, 0 if context.spec.prepend_outcome else 1)


def _room(context: Context) -> int:
    """Return the first ply that the model's context is too short to predict."""
    return context.spec.max_seq_len + (not context.spec.prepend_outcome)


def _training_pgn(context: Context) -> str | None:
    """Return the PGN that the checkpoint's config says it was trained on."""
    named = context.trained_by.get("pgn")
    return str(named) if named else None


def _trained_on(context: Context) -> NDArray[np.uint64]:
    """Return the digests of the games that the model was trained or selected on.

    Raises:
        ConfigError: the config beside the weights names a file that is not here, so that nobody
            can tell which games those are.
    """
    named = _training_pgn(context)
    if named is None:
        return np.empty(0, np.uint64)
    try:
        return digests_of(pgn_files(named), context.spec.vocabulary)
    except FileNotFoundError as error:
        raise ConfigError(
            f"the weights were trained on pgn {named!r}, and {error}: which games they have seen "
            "is not known"
        ) from None


def _figures(sums_gm: NDArray[np.float64]) -> Iterator[Figure]:
    moves_g = sums_gm[:, 0]
    moves = int(moves_g.sum())
    for name in DEFINITIONS:
        parts_g = sums_gm[:, TERMS.index(name)]
        if moves:
            interval = (over_games if name in _MEANS else share_over_games)(parts_g, moves_g)
            value = float(parts_g.sum() / moves)
            yield Figure(name, value, *interval, moves, DEFINITIONS[name])
        else:
            yield Figure(name, None)


_INTERVALS = tuple(f"{name}{end}" for name in DEFINITIONS for end in ("", "_low", "_high"))


def _numbers(sums_gm: NDArray[np.float64]) -> list[float | None]:
    return [number for f in _figures(sums_gm) for number in (f.value, f.low, f.high)]


def _by_phase(sums_gfm: NDArray[np.float64]) -> Table:
    rows = [
        (name, begin, int(sums_gfm[:, f, 0].sum()), *_numbers(sums_gfm[:, f]))
        for f, (name, begin) in enumerate(PHASES)
    ]
    return Table("phases", ("phase", "first_ply", "moves", *_INTERVALS), tuple(rows))


def _by_elo(sums_gfm: NDArray[np.float64], elos_g: NDArray[np.float64], width: int) -> Table:
    """Return a row a band; games without both Elos are in none."""
    rows = []
    for low, in_band_g in elo_bands(elos_g, width):
        sums_gm = sums_gfm[in_band_g].sum(axis=1)
        rows.append((low, low + width, len(sums_gm), int(sums_gm[:, 0].sum()), *_numbers(sums_gm)))
    columns = ("elo_min", "elo_max", "games", "moves", *_INTERVALS)
    return Table("elo_bands", columns, tuple(rows))


def _by_ply(sums_pm: NDArray[np.float64]) -> Table:
    """Return a row a ply, where a game has one move at most: intervals of independent trials."""
    rows = []
    for ply in np.flatnonzero(sums_pm[:, 0]):
        moves, *sums = sums_pm[ply]
        means = [float(total / moves) for total in sums]
        top1 = exact(int(sums_pm[ply, TERMS.index("top1")]), int(moves))
        rows.append((int(ply), int(moves), *means, *top1))
    columns = ("ply", "moves", *DEFINITIONS, "top1_low", "top1_high")
    return Table("by_ply", columns, tuple(rows))
