"""The FLOP convention, against counts made by hand."""

import subprocess
import sys

import chess_engine
import numpy as np
import pytest
import torch

from pawn_core.config import VARIANTS, Architecture
from pawn_core.data.sequences import Batch
from pawn_core.flops import matrix_parameters, peak_flops, training_flops

SEARCHLESS = chess_engine.export_move_vocabulary().size


def game_flops(lengths: np.ndarray) -> int:
    tokens, pairs = int(lengths.sum()), int((lengths * (lengths + 1) // 2).sum())
    return training_flops(VARIANTS["base"], SEARCHLESS, tokens, pairs)


def test_a_small_model_equals_its_hand_count() -> None:
    architecture = Architecture(d_model=2, n_layers=1, n_heads=1, d_ff=3)
    # Forward on 2 tokens: q, k, v, o 4 x 2 x (2 x 2), SwiGLU 3 x 2 x (2 x 3), head 2 x (2 x 5)
    products = 2 * (4 * 4 + 3 * 6 + 10)
    # The causal mask lets 3 pairs through; each costs 2 multiply-adds of width 2.
    assert matrix_parameters(architecture, 5) == products // 2
    assert training_flops(architecture, 5, tokens=2, pairs=3) == 3 * 2 * (products + 3 * 2 * 2)


def test_a_padded_base_step_takes_28_8_teraflop_and_its_games_19_7() -> None:
    assert game_flops(np.full(256, 512)) == pytest.approx(28.8e12, rel=0.002)
    games = chess_engine.generate_random_games(2560, seed=1, max_ply=512)
    lengths = games.lengths.astype(np.int64)
    assert game_flops(lengths) / 10 == pytest.approx(19.7e12, rel=0.02)


@pytest.mark.parametrize("prefixed", [False, True])
def test_a_batch_counts_each_token_with_itself_and_those_before_it(prefixed: bool) -> None:
    rules = {"seed": 3, "max_ply": 300, "layout": "prefixed" if prefixed else "pure"}
    games = chess_engine.generate_training_batch(20, **rules)
    lengths = games.lengths.astype(np.int64) + prefixed
    batch = Batch.of(games)
    assert batch.attended_pairs == int((lengths * (lengths + 1) // 2).sum())
    wider = Batch.of(chess_engine.generate_training_batch(20, **rules, width=512))
    assert wider.attended_pairs == batch.attended_pairs


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989.4e12),
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L4", 121e12),
        ("AMD Instinct MI300X", 1307.4e12),
        ("Abacus 3000", None),
    ],
)
def test_a_devices_peak_is_known_by_name_or_not_at_all(name: str, peak: float | None) -> None:
    assert peak_flops(name) == peak


def test_the_convention_can_be_used_without_torch() -> None:
    code = "import sys, pawn_core.flops; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_share_of_the_peak_is_that_of_the_reported_speed() -> None:
    from pawn_core.training.stats import StepStats

    stats = StepStats(torch.device("cpu"), peak_flops=1e12)
    stats.count(units=10, games=1, flops=10**9)
    fields = stats.take()
    assert fields["mfu"] == fields["flops_per_s"] / 1e12 > 0
    assert StepStats(torch.device("cpu")).take()["mfu"] is None


def test_speeds_after_a_resume_leave_out_what_was_done_before_it() -> None:
    from pawn_core.training.stats import StepStats

    one, zero = torch.ones(()), torch.zeros(())
    before, after = StepStats(torch.device("cpu")), StepStats(torch.device("cpu"))
    before.add(1, {"loss": one * 1000}, zero, one > 0)
    before.count(units=1000, games=10, flops=10**6)
    before.end_step(waited=0.0)
    after.load_state_dict(before.state_dict())
    after.add(2, {"loss": one * 30}, zero, one > 0)
    after.count(units=10, games=1, flops=10**4)
    after.end_step(waited=0.0)
    fields = after.take()
    assert fields["loss"] == pytest.approx(1030 / 1010)
    assert fields["tokens_per_s"] == pytest.approx(10 * fields["games_per_s"])
    assert fields["step_s"] * fields["games_per_s"] == pytest.approx(1)
