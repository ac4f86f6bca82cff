"""Accuracy on the moves of real games, as MAIA measures it (McIlroy-Young et al., 2020).

Opening moves are left out, phases and bands of Elo are told apart, and no game counts that the
model was trained or selected on. Shapes: g games, f phases, p plies, n predicted moves, m sums.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import AdapterConfig, ConfigError, parse_config
from pawn_core.data.recorded import RecordedGames
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.intervals import exact, over_games, share_over_games
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.real_games import (
    CachedGames,
    RealGames,
    Selection,
    open_games,
    training_selection,
)
from pawn_core.validation.positions import NextTokens, move_tokens
from pawn_core.validation.real_moves import (
    DEFINITIONS,
    PHASES,
    TERMS,
    elo_bands,
    move_terms,
    sums_by_phase,
)

_MOST_PLIES = 1024
"""Longer games are dropped and counted."""
_MEANS = ("loss", "legal_mass", "legal_loss")  # the others are shares of moves
_DEFINITION = (
    "Moves of real games from ply min_eval_ply on, counted from 0, as far as the model's context "
    "reaches; ends of games do not count. Equally likely tokens come by their number. Phases by "
    "ply: opening 0 to 19, middle 20 to 59, late from 60 on. Bands of Elo by the mean of both "
    "players'. A model with outcome tokens is told the game's own; one whose vocabulary lacks it, "
    "the end by the rules of the same result. Games that the model was trained or validated on are "
    "left out. Intervals are over games; by ply, where a game has one move at most, exact."
)


class Accuracy(Evaluation):
    """How often the model expects what people played."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Read the games, or find them in their cache.

        Raises:
            ConfigError: no game may be used, or they cannot be read; says what was dropped and why.
        """
        _open(context, verify=True)

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        self._cached = _open(context, verify=False)
        self._games = self._cached.train  # all of them: none is held out
        games = len(self._games)
        self._sums_gfm = torch.zeros((games, len(PHASES), len(TERMS)), dtype=torch.float64)
        self._sums_pm = torch.zeros((_MOST_PLIES, len(TERMS)), dtype=torch.float64)

    def run(self, shard: int) -> None:
        """Measure some games; of the last shards there may be none left."""
        self._context.stop.check()
        begin = shard * self._config.shard_games
        numbers = np.arange(begin, min(begin + self._config.shard_games, len(self._games)))
        if len(numbers):
            sums_gfm, sums_pm = self._measured(self._games.take(numbers))
            self._sums_gfm[numbers] = sums_gfm
            self._sums_pm += sums_pm

    def state(self) -> dict[str, Tensor]:
        """Return the sums of each game by phase and of all games by ply, and which games."""
        digest = torch.frombuffer(bytearray.fromhex(self._cached.digest), dtype=torch.uint8)
        return {"phases": self._sums_gfm, "plies": self._sums_pm, "games": digest}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the sums of `state`.

        Raises:
            ValueError: they are of other games.
        """
        if not torch.equal(tensors["games"], self.state()["games"]):
            raise ValueError(f"pgn {self._config.pgn!r} has other games than were measured so far")
        self._sums_gfm, self._sums_pm = tensors["phases"].clone(), tensors["plies"].clone()

    def report(self) -> Report:
        """Return accuracy over all moves, by phase, band of Elo and ply."""
        sums_gfm = self._sums_gfm.numpy()
        used_g = sums_gfm[:, :, 0].sum(axis=1) > 0
        sums_gfm, elos_g = sums_gfm[used_g], self._games.mean_elos_g[used_g]
        figures = tuple(_figures(sums_gfm.sum(axis=1)))
        tables = (_by_phase(sums_gfm), _by_elo(sums_gfm, elos_g, self._config.elo_band))
        facts = {
            "pgn": self._config.pgn,
            "revision": self._cached.source["revision"],
            "games": int(used_g.sum()),
            "games_sha256": sha256(self._games.digests_g[used_g].tobytes()).hexdigest(),
            "positions": figures[0].n,
            "min_eval_ply": self._config.min_eval_ply,
            **self._cached.filters,
            "dropped": self._cached.counts["dropped"],
            "trained_on": [selection.pgn for selection in _trained_on(self._context)],
        }
        all_tables = (*tables, _by_ply(self._sums_pm.numpy()))
        return Report("accuracy", _DEFINITION, figures, all_tables, facts)

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


def _open(context: Context, *, verify: bool) -> CachedGames:
    config, spec = context.config, context.spec
    trained_on = _trained_on(context)
    for selection in trained_on:
        _check_known(selection, context)
    wanted = Selection.of(
        config,
        max_ply=_MOST_PLIES,
        max_games=config.max_games,
        min_ply=min(_first_ply(context) + 1, _MOST_PLIES),
        require_outcome=spec.prepend_outcome,
        held_out=True,
        without=trained_on,
    )
    return open_games(
        wanted, stop=context.stop, say=context.say, vocabulary=spec.vocabulary, verify=verify
    )


def _first_ply(context: Context) -> int:
    """Return the first ply that counts and that the model predicts."""
    return max(context.config.min_eval_ply, 0 if context.spec.prepend_outcome else 1)


def _room(context: Context) -> int:
    """Return the first ply that the model's context is too short to predict."""
    return context.spec.max_seq_len + (not context.spec.prepend_outcome)


def _trained_on(context: Context) -> tuple[Selection, ...]:
    """Return the games that the model and its adapter were trained or validated on."""
    configs = (context.trained_by, context.adapted_by)
    return tuple(_seen(config, context) for config in configs if config.get("pgn"))


def _seen(config: Mapping[str, Any], context: Context) -> Selection:
    """Return a run's own games; of a run that cannot be understood, all that its PGN has.

    The config of a merged adapter says more than that of its run did.
    """
    try:
        known = parse_config({n: v for n, v in config.items() if n in AdapterConfig.model_fields})
    except ConfigError:
        known = None
    if isinstance(known, AdapterConfig):
        spec = context.spec
        return training_selection(known, spec.max_seq_len, prepend_outcome=spec.prepend_outcome)
    return Selection(str(config["pgn"]), _MOST_PLIES, require_outcome=False)


def _check_known(selection: Selection, context: Context) -> None:
    """Refuse weights of which nobody can tell which games they have seen."""
    try:
        open_games(selection, stop=context.stop, say=context.say)
    except ConfigError as error:
        raise ConfigError(
            f"the weights were trained on pgn {selection.pgn!r}, and which games they have seen is "
            f"not known: {error}"
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
