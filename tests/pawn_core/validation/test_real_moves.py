"""The metrics of real moves are one measure, whichever way the moves are parted."""

import numpy as np
import pytest

from pawn_core.validation.real_moves import PHASES, TERMS, validation_metrics

GAMES = 6


def test_top1_of_phases_and_of_elo_bands_is_that_of_all_moves_in_parts() -> None:
    generator = np.random.default_rng(0)
    sums_gfm = generator.uniform(1, 9, (GAMES, len(PHASES), len(TERMS)))
    moves_gf = generator.integers(10, 50, (GAMES, len(PHASES)))
    sums_gfm[..., 0] = moves_gf
    metrics = validation_metrics(sums_gfm, np.array([900, 1300, 1700, 950, 2100, 1310]), 400)
    by_phase = [metrics[f"top1_{name}"] for name, _ in PHASES]
    assert np.average(by_phase, weights=moves_gf.sum(axis=0)) == pytest.approx(metrics["top1"])
    bands = metrics["elo_bands"].values()
    assert sum(band["games"] for band in bands) == GAMES
    for name in ("top1", "val_loss"):
        means, weights = zip(*((band[name], band["moves"]) for band in bands), strict=True)
        assert np.average(means, weights=weights) == pytest.approx(metrics[name])
