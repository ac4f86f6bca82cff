"""Probes on models whose hidden states are known, and resumed ones."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import chess_engine
import numpy as np
import pytest
import torch
from known_players import OneHotBoard
from torch import Tensor, nn

from pawn_core.config import Architecture, ConfigError, EvalConfig
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.probes import PROBES, Probes, fit, probing
from pawn_core.evaluation.probes.examples import Examples, ProbedGames, joined
from pawn_core.evaluation.report import Report
from pawn_core.model import Transformer
from pawn_core.runtime import Runtime
from pawn_core.signals import Interrupted, StopFlag
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

CPU = Runtime(torch.device("cpu"), None, compiled=False)
WIDTH = 64
ONE_HOT = Architecture(d_model=64 * 13, n_layers=0, n_heads=1, d_ff=1)
NARROW = Architecture(d_model=8, n_layers=0, n_heads=1, d_ff=1)
TINY = Architecture(d_model=16, n_layers=2, n_heads=2, d_ff=32)


class OtherBoards(OneHotBoard):
    """A model that knows a board at each position, but that of another one."""

    def residuals_at(self, tokens_bt: Tensor, positions_n: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(int(tokens_bt.sum()))
        shuffled = torch.randperm(len(positions_n), generator=generator)
        projection = torch.randn(ONE_HOT.d_model, 8, generator=torch.Generator().manual_seed(3))
        return super().residuals_at(tokens_bt, positions_n)[:, shuffled] @ projection


def transformer(architecture: Architecture, seed: int = 5) -> Transformer:
    model = Transformer(architecture, chess_engine.export_move_vocabulary(), WIDTH)
    model.initialize(torch.Generator().manual_seed(seed))
    return model.eval().requires_grad_(False)


def context(model: nn.Module, architecture: Architecture, prefixed: bool = False, **fields: Any):
    torch.set_num_threads(1)
    spec = ModelSpec(architecture, "searchless", WIDTH, prefixed)
    config = EvalConfig(weights="here", evals=("probes",), **fields)
    vocabulary = chess_engine.export_move_vocabulary()
    pretrained = Pretrained(model, vocabulary, spec)  # type: ignore[arg-type]
    return Context(pretrained, config, CPU, StopFlag(), {}, Path())


def run(probes: Probes, shards: range) -> None:
    for shard in shards:
        probes.run(shard)


def measured(ctx: Context) -> Report:
    probes = Probes(ctx)
    assert ctx.config.total_shards is not None
    run(probes, range(ctx.config.total_shards))
    return probes.report()


def beside(report: Report, kind: str = "linear") -> dict[str, dict[str, Any]]:
    """The first table by figure and column."""
    table = next(table for table in report.tables if table.name == kind)
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def test_a_state_that_is_the_board_after_the_move_tells_every_piece(monkeypatch) -> None:
    monkeypatch.setattr(fit, "BATCH_POSITIONS", 64)
    short = {"max_ply": 8, "probe_share": 1.0, "probe_lr": 4e-3, "probe_epochs": 5}
    ctx = context(OneHotBoard(), ONE_HOT, games=32, probe_train_games=512, **short)
    figures = measured(ctx).values()
    # A move changes two squares of 64: the board before it would not do.
    assert figures["probes.piece_type"] > 1 - 1 / 64
    assert figures["probes.piece_type_occupied"] > 1 - 1 / 64


def test_a_state_that_is_the_board_tells_all_material() -> None:
    fields = {"games": 32, "probe_train_games": 320, "probe_share": 0.4, "probe_epochs": 1}
    figures = measured(context(OneHotBoard(), ONE_HOT, max_ply=63, **fields)).values()
    assert figures["probes.material_r2"] > 0.99
    assert figures["probes.material_mae"] < 0.01


def test_states_of_other_positions_tell_no_more_than_the_majority() -> None:
    fields = {"games": 64, "probe_train_games": 128, "probe_share": 1.0, "probe_epochs": 4}
    rows = beside(measured(context(OtherBoards(), NARROW, **fields)))
    for name, row in rows.items():
        if name.endswith("_r2"):
            assert row["value"] == pytest.approx(0.0, abs=0.05)
        elif not name.endswith(("_mae", "_occupied")):
            assert row["value"] == pytest.approx(row["baseline"], abs=0.02), name


TINY_RUN: dict[str, Any] = {
    "games": 70,
    "max_ply": 24,
    "probe_train_games": 70,
    "probe_share": 0.5,
    "probe_epochs": 2,
    "probe_hidden": 4,
}


@pytest.mark.parametrize("prefixed", [False, True])
def test_figures_are_those_of_plain_numpy(prefixed: bool) -> None:
    ctx = context(transformer(TINY), TINY, prefixed, **TINY_RUN)
    probes = Probes(ctx)
    run(probes, range(ctx.config.total_shards))  # type: ignore[arg-type]
    rows, train, test = beside(probes.report()), examples(ctx, 0.5), examples(ctx, 1.0)
    x_train, x_test = (part.states_snd.double().numpy() for part in (train, test))
    for name in ("material", "legal_move_count", "halfmove_clock"):
        y_train, y_test = (part.targets[name].double().numpy() for part in (train, test))
        r2, mae = [], []
        for state in range(3):
            off = least_squares(x_train[state], y_train, x_test[state]) - y_test
            around = (y_test - y_test.mean(axis=0)) ** 2
            varies = around.sum(axis=0) > 0
            r2.append((1 - (off**2).sum(axis=0)[varies] / around.sum(axis=0)[varies]).mean())
            mae.append(np.abs(off).mean())
        layers = ["embedding", "layer 1", "layer 2"]
        chosen = layers.index(rows[f"{name}_r2"]["layer"])
        assert rows[f"{name}_r2"]["value"] == pytest.approx(r2[chosen], abs=1e-3)
        assert rows[f"{name}_r2"]["embedding"] == pytest.approx(r2[0], abs=1e-3)
        assert rows[f"{name}_mae"]["value"] == pytest.approx(mae[chosen], rel=1e-3)
        mean_off = np.abs(y_test - y_train.mean(axis=0)).mean()
        assert rows[f"{name}_mae"]["baseline"] == pytest.approx(mean_off)


def test_the_baseline_is_the_majority_class_of_the_training_games() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN)
    rows, train, test = beside(measured(ctx)), examples(ctx, 0.5), examples(ctx, 1.0)
    for name in ("piece_type", "side_to_move", "is_check", "castling_rights", "ep_square"):
        majority = train.targets[name].mode(dim=0).values
        right = (test.targets[name] == majority).double().mean()
        assert rows[name]["baseline"] == pytest.approx(float(right)), name


def examples(ctx: Context, share: float) -> Examples:
    """All positions of the training or of the held-out games, with the model's states."""
    config = ctx.config
    seed = config.probe_seed if share < 1 else config.games_seed
    games = ProbedGames(seed, ctx.max_ply, "searchless", ctx.spec.prepend_outcome, share)
    count = config.probe_train_games if share < 1 else config.games
    return joined(games.examples([ctx.model], 0, count, CPU, StopFlag()))


def least_squares(x_nd: np.ndarray, y_no: np.ndarray, asked_nd: np.ndarray) -> np.ndarray:
    ones = np.ones((len(x_nd), 1))
    solution, *_ = np.linalg.lstsq(np.hstack((x_nd, ones)), y_no, rcond=None)
    return asked_nd @ solution[:-1] + solution[-1]


def test_probes_resumed_after_any_shard_are_bitwise_the_same() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN)
    assert ctx.config.total_shards == 8
    straight = Probes(ctx)
    states = []
    for shard in range(8):
        states.append(straight.state())
        straight.run(shard)
    for begin, state in enumerate(states):
        resumed = Probes(ctx)
        resumed.restore(state)
        run(resumed, range(begin, 8))
        for name, tensor in straight.state().items():
            assert torch.equal(tensor, resumed.state()[name]), (begin, name)


def test_states_that_are_not_kept_are_computed_anew_the_same(monkeypatch) -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN)
    kept = measured(ctx)
    monkeypatch.setattr(probing, "_KEPT_BYTES", 0)
    assert measured(ctx) == kept


def test_the_held_out_games_do_not_depend_on_how_many_there_are() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN)
    games = ProbedGames(9, 24, "searchless", False, 0.3)
    whole = joined(games.examples([ctx.model], 0, 40, CPU, StopFlag()))
    parts = [games.examples([ctx.model], first, 10, CPU, StopFlag()) for first in (0, 10, 20, 30)]
    apart = joined([example for part in parts for example in part])
    for name in ("piece_type", "halfmove_clock"):
        rows = [
            torch.cat((e.games_n[:, None], e.targets[name]), dim=1).tolist() for e in (whole, apart)
        ]
        assert sorted(rows[0]) == sorted(rows[1])


def test_a_hidden_layer_stands_beside_the_linear_probes() -> None:
    report = measured(context(transformer(TINY), TINY, **TINY_RUN))
    linear, hidden = beside(report, "linear"), beside(report, "hidden")
    assert linear.keys() == hidden.keys() >= {p.name for p in PROBES if p.kind != "regression"}
    assert all(row["value"] is not None for row in hidden.values())
    assert linear["piece_type"]["value"] != hidden["piece_type"]["value"]


def test_every_layer_of_both_networks_is_in_the_table() -> None:
    report = measured(context(transformer(TINY), TINY, **TINY_RUN))
    table = next(table for table in report.tables if table.name == "linear_layers")
    of_one = [row[1:3] for row in table.rows if row[0] == "is_check"]
    depths = ("embedding", "layer 1", "layer 2")
    assert of_one == [(network, d) for network in ("model", "untrained") for d in depths]


def test_an_interrupted_shard_adds_nothing() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN)
    probes = Probes(ctx)
    probes.run(0)
    before = probes.state()
    ctx.stop.signal = signal.SIGTERM
    with pytest.raises(Interrupted):
        probes.run(1)
    for name, tensor in probes.state().items():
        assert torch.equal(tensor, before[name]), name


def test_a_share_that_leaves_no_position_is_refused() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN | {"probe_share": 1e-9})
    with pytest.raises(ValueError, match=r"probe_share 1e-09 .* leaves none to train on"):
        run(Probes(ctx), range(3))


def test_probes_are_not_trained_on_the_games_that_they_are_read_on() -> None:
    with pytest.raises(ValueError, match="probe_seed 7 is also games_seed"):
        EvalConfig(weights="x", evals=("probes",), games_seed=7, probe_seed=7)


def test_probes_are_not_trained_on_the_games_that_the_model_was_trained_on() -> None:
    ctx = context(transformer(TINY), TINY, **TINY_RUN, probe_seed=3)
    for trained_by in ({"data_seed": 3, "seed": 4}, {"seed": 3}):
        with pytest.raises(ConfigError, match="probe_seed 3 is the seed of the games that here"):
            Probes.check(replace(ctx, trained_by=trained_by))
    Probes.check(replace(ctx, trained_by={"data_seed": 4, "seed": 3}))


def test_a_paused_run_of_probes_goes_on_to_the_same_results(tiny, train, tmp_path: Path) -> None:
    train(tiny, "trials/0003/run")
    config = {"run_type": "eval", "weights": "trial:3", "evals": ["probes"], "device": "cpu"}
    config |= {"games": 10, "probe_train_games": 70, "probe_share": 1.0, "probe_epochs": 1}
    train(config, "trials/0004/run")
    paused = train(config | {"pause_after_steps": 3}, "trials/0005/run")
    train(config, "trials/0005/run", tmp_path / "trials/0005/run/checkpoints" / paused.checkpoint)
    whole, resumed = (
        json.loads((tmp_path / f"trials/{trial}/run/results.json").read_bytes())["evaluations"]
        for trial in ("0004", "0005")
    )
    assert resumed == whole
    assert whole[0]["name"] == "probes"
