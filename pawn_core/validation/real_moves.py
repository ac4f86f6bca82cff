"""How well a model expects the moves of real games (McIlroy-Young et al., 2020), as sums.

Shapes: g games, f phases, n predicted moves, m terms.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.recorded import RecordedGames
from pawn_core.validation.positions import NextTokens, measure_both

PHASES = (("opening", 0), ("middle", 20), ("late", 60))
"""Phases of a game, and the ply that each begins at."""

DEFINITIONS = {
    "top1": "share of moves that are the likeliest token of all",
    "top5": "share of moves among the five likeliest tokens of all",
    "loss": "cross-entropy of the move played, nats",
    "legal_rate": "share of moves where the likeliest token of all is a legal move",
    "legal_mass": "mean probability of the legal moves",
    "legal_top1": "share of moves that are the likeliest legal one",
    "legal_top5": "share of moves among the five likeliest legal ones",
    "legal_loss": "cross-entropy of the move played, renormalised over legal moves, nats",
}
"""Means over moves; equally likely tokens come by their number."""
TERMS = ("moves", *DEFINITIONS)
"""What is summed: the number of moves, and what the means are of."""


def move_terms(logits_nv: Tensor, sets: NextTokens, targets_n: Tensor, is_move_v: Tensor) -> Tensor:
    """Return what each move adds to the sums, float64 (n, m), on the CPU."""
    measures, targets = measure_both(logits_nv, sets, targets_n, is_move_v)
    columns = {
        "moves": torch.ones_like(targets.loss_n),
        "top1": (targets.rank_n < 1).double(),
        "top5": (targets.rank_n < 5).double(),
        "loss": targets.loss_n,
        "legal_rate": measures.legal_n,
        "legal_mass": measures.legal_mass_n,
        "legal_top1": (targets.legal_rank_n < 1).double(),
        "legal_top5": (targets.legal_rank_n < 5).double(),
        "legal_loss": targets.loss_n + measures.legal_mass_n.log(),
    }
    return torch.stack([columns[name] for name in TERMS], dim=1)


def sums_by_phase(terms_nm: Tensor, recorded: RecordedGames) -> Tensor:
    """Return the sums of each game by phase, float64 (g, f, m)."""
    begins = [begin for _, begin in PHASES]
    phases_n = np.searchsorted(begins, recorded.plies_n, side="right") - 1
    places_n = torch.from_numpy(recorded.games_n * len(PHASES) + phases_n)
    games = len(recorded.lengths_b)
    sums = torch.zeros(games * len(PHASES), len(TERMS), dtype=torch.float64)
    return sums.index_add_(0, places_n, terms_nm).unflatten(0, (games, len(PHASES)))


def elo_bands(elos_g: NDArray[np.float64], width: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the least Elo of each band that has games, and which those are.

    Bands are by the mean Elo of both players; games where it is unknown (NaN) are in none.
    """
    bands_g = np.floor(elos_g / width)
    for band in np.unique(bands_g[~np.isnan(bands_g)]):
        yield int(band) * width, bands_g == band


def validation_metrics(
    sums_gfm: NDArray[np.float64], elos_g: NDArray[np.float64], width: int
) -> dict[str, Any]:
    """Return the metrics of an eval record, from the sums of each game by phase.

    val_loss: mean cross-entropy of the move played, renormalised over legal moves, nats.
    full_loss: the same over the whole vocabulary.
    top1, top5: share of moves that are the likeliest legal one, among the five likeliest.
    illegal_rate: share of moves where the likeliest token is no legal move.
    illegal_mass: mean probability of all tokens that are no legal move.
    top1_opening, _middle, _late: top1 by phase; null where there are no such moves.
    elo_bands: by `least Elo-Elo that it is below`: games, moves, val_loss and top1.
    """
    sums_fm = sums_gfm.sum(axis=0)
    whole = _means(sums_fm.sum(axis=0))
    by_phase = {
        f"top1_{name}": _means(m)["legal_top1"]
        for (name, _), m in zip(PHASES, sums_fm, strict=True)
    }
    sums_gm = sums_gfm.sum(axis=1)
    return {
        "val_loss": whole["legal_loss"],
        "full_loss": whole["loss"],
        "top1": whole["legal_top1"],
        "top5": whole["legal_top5"],
        "illegal_rate": 1 - whole["legal_rate"],
        "illegal_mass": 1 - whole["legal_mass"],
        **by_phase,
        "elo_bands": {
            f"{low}-{low + width}": _band(sums_gm[in_band_g])
            for low, in_band_g in elo_bands(elos_g, width)
        },
        "positions": int(whole["moves"]),
        "games": len(sums_gfm),
    }


def _band(sums_gm: NDArray[np.float64]) -> dict[str, Any]:
    means = _means(sums_gm.sum(axis=0))
    return {
        "games": len(sums_gm),
        "moves": int(means["moves"]),
        "val_loss": means["legal_loss"],
        "top1": means["legal_top1"],
    }


def _means(sums_m: NDArray[np.float64]) -> dict[str, Any]:
    """Return the number of moves, and the means over them; None where there are no moves."""
    moves, *totals = sums_m.tolist()
    means = (total / moves if moves else None for total in totals)
    return {"moves": moves, **dict(zip(DEFINITIONS, means, strict=True))}
