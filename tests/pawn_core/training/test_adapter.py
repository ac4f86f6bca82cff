"""Adapters in training: what moves, what is computed, what a run writes and goes on from."""

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import chess
import numpy as np
import pytest
import torch
from computing import compute_as_on_a_gpu, pretend_to_compile
from ends import assert_same_end
from real_runs import LAYOUTS, real_run
from safetensors.torch import load_file, save_file
from tiny import setup_of
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from waiting import record_waits

from pawn_core.config import ConfigError, parse_config
from pawn_core.data.epochs import EpochOrder
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.run_paths import MODEL
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.training.adapter import AdapterTask, Adapting
from pawn_core.training.learner import Learner
from pawn_core.training.objective import build_logits
from pawn_core.weights import load_pretrained

CPU = Runtime(torch.device("cpu"), None, compiled=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(autouse=True)
def _cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv(VARIABLE, str(folder / "cache"))


@pytest.fixture
def real(folder: Path) -> dict[str, Any]:
    return real_run(folder)


def fitted(raw: dict[str, Any], runtime: Runtime = CPU) -> Any:
    return Adapting.fitted(setup_of(parse_config(raw), runtime), lambda _: None)


def task_of(raw: dict[str, Any], runtime: Runtime = CPU) -> AdapterTask:
    setup = fitted(raw, runtime)
    return AdapterTask(setup.config, setup)


def learner_of(raw: dict[str, Any], runtime: Runtime = CPU) -> Learner:
    setup = fitted(raw, runtime)
    return Learner.build("", setup.config, AdapterTask(setup.config, setup), runtime)


def losses(raw: dict[str, Any], runtime: Runtime = CPU) -> list[float]:
    """The losses and hits of three steps."""
    learner = learner_of(raw, runtime)
    values = []
    for index in range(3):
        update = learner.updater.update(learner.task.make_batch(index), 1e-2)
        values += [float(x) for x in update.sums.values()]
    return values


def kept_by_layer(raw: dict[str, Any]) -> Counter[str]:
    """Return how many tensors, weights aside, a forward pass keeps while it is in each layer."""
    task = task_of(raw)
    [batch] = task.make_batch(0)
    weights = {p.untyped_storage().data_ptr() for p in task.model.parameters()}
    places, kept = ["embedding"], Counter()
    for index, layer in enumerate(task.model.layers):
        layer.register_forward_pre_hook(lambda *_, i=index: places.append(f"layer {i}"))

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[places[-1]] += tensor.untyped_storage().data_ptr() not in weights
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        task.loss_sums(batch)
    return +kept


VARIATIONS = {
    "plain": {},
    "accumulating": {"accumulation_steps": 2, "illegal_penalty": 0.5, "batch_size": 12},
    "bfloat16": {"amp_dtype": "bfloat16", "strategy": "hybrid", "film_lr": 1e-3},
}


@pytest.mark.parametrize(("variation", "pause"), [("plain", 5), *((n, 7) for n in VARIATIONS)])
def test_paused_inside_an_epoch_and_resumed_it_is_bitwise_the_run_that_never_paused(
    real, train, tmp_path, records, variation: str, pause: int
) -> None:
    raw = {k: v for k, v in real.items() if variation != "bfloat16" or k != "lora_rank"}
    raw |= VARIATIONS[variation]
    train(raw, "whole")
    paused = train(raw | {"pause_after_steps": pause}, "same")
    train(raw, "same", tmp_path / "same/checkpoints" / paused.checkpoint)
    assert_same_end(tmp_path / "whole", tmp_path / "same")
    same, whole = (records(tmp_path / name)[1:] for name in ("same", "whole"))
    assert same == whole  # all but the config record, which says when to pause


def test_every_game_is_learned_from_once_an_epoch_whenever_the_run_stops(
    real, train, tmp_path, monkeypatch
) -> None:
    seen: list[int] = []
    games_at = EpochOrder.games_at

    def recording(self, first: int, count: int) -> np.ndarray:
        assert first == len(seen)
        seen.extend(games := games_at(self, first, count))
        return games

    monkeypatch.setattr(EpochOrder, "games_at", recording)
    raw = real | {"num_workers": 0, "batch_size": 6, "max_games": 39}  # 6.5 batches an epoch
    checkpoint = None
    for pause in (13, 17, None):  # at an epoch's end, and inside the next
        saved = train(raw | {"pause_after_steps": pause}, "run", checkpoint).checkpoint
        checkpoint = tmp_path / "run/checkpoints" / saved
    epochs = [tuple(seen[begin : begin + 39]) for begin in (0, 39, 78)]
    assert all(sorted(epoch) == list(range(39)) for epoch in epochs)
    assert len(set(epochs)) == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_position_is_a_move_to_predict_with_the_legal_ones_that_python_chess_finds(
    folder, layout: str
) -> None:
    task = task_of(real_run(folder, layout))
    [batch] = task.make_batch(0)
    vocabulary, prefixed = task._games.vocabulary, LAYOUTS[layout][1]
    inputs_n = batch.tokens_bt.flatten()[batch.positions_n]
    row = 0
    for length in batch.game_lengths():
        board = chess.Board()
        if not prefixed:
            board.push_uci(vocabulary.moves[inputs_n[row]])
        else:
            assert int(inputs_n[row]) in vocabulary.outcomes.values()
        for n in range(row, row + int(length)):
            legal = {vocabulary.move_ids[move.uci()] for move in board.legal_moves}
            assert {*batch.legal[n].tolist()} - {-1} == legal
            assert int(batch.targets_n[n]) in legal
            board.push_uci(vocabulary.moves[batch.targets_n[n]])
        row += int(length)


@pytest.mark.parametrize("penalty", [None, 0.5])
@pytest.mark.parametrize("layout", ["pure", "coordinate"])
def test_the_loss_is_that_of_padded_rows_with_dense_masks(folder, penalty, layout: str) -> None:
    task = task_of(real_run(folder, layout) | {"illegal_penalty": penalty})
    [batch] = task.make_batch(0)
    logits = task.model(batch.tokens_bt).flatten(0, 1)[batch.positions_n].double()
    legal = torch.zeros(len(logits), logits.shape[1] + 1, dtype=torch.bool)
    legal = legal.scatter(1, batch.legal.long() % (logits.shape[1] + 1), value=True)[:, :-1]
    if penalty is None:
        masked = logits.masked_fill(~legal, -torch.inf)
        expected = F.cross_entropy(masked, batch.targets_n, reduction="sum")
    else:
        illegal = logits.softmax(1).masked_fill(legal, 0.0).sum()
        expected = F.cross_entropy(logits, batch.targets_n, reduction="sum") + penalty * illegal
    assert task.loss_sums(batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("penalty", [None, 0.5])
def test_packed_and_bucketed_batches_learn_the_same(real, penalty) -> None:
    raw = real | {"illegal_penalty": penalty, "batch_size": 20}
    padded, *others = (losses(raw | {"batching": b}) for b in ("padded", "packed", "bucketed"))
    for other in others:
        assert other == pytest.approx(padded, rel=1e-5)


@pytest.mark.parametrize("batching", ["padded", "packed"])
def test_what_runs_is_the_compiled_callable_and_it_computes_the_same(
    real, monkeypatch, batching: str
) -> None:
    plain = losses(real)
    called = pretend_to_compile(monkeypatch)
    compiled = losses(real | {"batching": batching}, Runtime(CPU.device, None, compiled=True))
    assert compiled == pytest.approx(plain, rel=1e-5)
    assert set(called) == {"begin", "_through_layer", "end", "legal_moves"}


@pytest.mark.parametrize("penalty", [None, 0.5])
def test_a_step_never_waits_for_the_device(real, monkeypatch, penalty) -> None:
    compute_as_on_a_gpu(monkeypatch)
    learner = learner_of(real | {"batching": "packed", "illegal_penalty": penalty})
    batches = [learner.task.make_batch(index) for index in range(3)]
    waits = record_waits(monkeypatch)
    for batch in batches:
        learner.learn([batch], waited=0.0)
    assert waits == []


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [None, 0.5])
@pytest.mark.parametrize("batching", ["padded", "packed"])
def test_the_real_compiler_computes_the_same(real, batching: str, penalty) -> None:
    raw = real | {"illegal_penalty": penalty, "strategy": "lora"}
    compiled = Runtime(CPU.device, None, compiled=True)
    learners = learner_of(raw), learner_of(raw | {"batching": batching}, compiled)
    for index in range(3):
        ours, theirs = (x.updater.update(x.task.make_batch(index), 1e-2) for x in learners)
        assert theirs.loss_sum.item() == pytest.approx(ours.loss_sum.item(), rel=1e-5)
        ours, theirs = (x.task.evaluate() for x in learners)
        assert theirs["val_loss"] == pytest.approx(ours["val_loss"], rel=1e-5)


def test_accumulation_changes_nothing(real) -> None:
    whole, parts = (losses(real | {"accumulation_steps": n}) for n in (1, 4))
    assert parts == pytest.approx(whole, rel=1e-5)


def test_exactly_the_adapters_parameters_move(real, train, tmp_path) -> None:
    learner = learner_of(real | {"weight_decay": 0.1})
    model = learner.task.model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for index in range(3):
        learner.learn([learner.task.make_batch(index)], waited=0.0)
    moved = {n for n, tensor in model.state_dict().items() if not tensor.equal(before[n])}
    assert moved == set(learner.task.parameters())
    assert all("lora_" in name for name in moved)


def test_nothing_is_kept_for_the_backward_pass_below_the_first_adapted_layer(real) -> None:
    everywhere, on_top = kept_by_layer(real), kept_by_layer(real | {"adapter_layers": "top-1"})
    assert everywhere.keys() == {"layer 0", "layer 1"}
    assert on_top.keys() == {"layer 1"}
    assert on_top["layer 1"] <= everywhere["layer 1"]


def test_the_evaluation_at_step_0_is_the_backbones_own(real, train, tmp_path, records) -> None:
    train(real | {"total_steps": 2}, "run")
    first, *_ = records(tmp_path / "run", "eval")
    model = load_pretrained(real["checkpoint"]).model
    own = task_of(real)._validation.evaluate(build_logits(model, CPU), CPU)
    assert first["step"] == 0
    assert {k: v for k, v in first.items() if k in own} == own


def test_it_learns_and_says_how(real, train, tmp_path, records) -> None:
    outcome = train(real | {"epochs": 6, "val_games": 20}, "run")
    assert outcome.reason == "completed"
    evaluations = records(tmp_path / "run", "eval")
    assert [r["step"] for r in evaluations] == list(range(0, 31, 5))
    assert evaluations[-1]["val_loss"] < evaluations[0]["val_loss"]
    trained = records(tmp_path / "run", "train")
    assert trained[-1]["loss"] < trained[0]["loss"]
    assert {"top1", "norm_lora_A", "norm_lora_B"} <= trained[0].keys()
    begin, *_ = records(tmp_path / "run", "config")
    assert begin["trainable_parameters"] == 2 * 4 * 2 * 2 * 16
    assert begin["games"]["train"] == 40
    assert begin["backbone"]["source"] == real["checkpoint"]


def test_a_source_with_fewer_games_makes_the_run_as_long_as_they_need(
    real, train, tmp_path
) -> None:
    outcome = train(real | {"max_games": 12_000, "val_games": 20}, "run")
    assert outcome.message == "completed 15 steps"
    written = json.loads((tmp_path / "run/config.json").read_text())
    assert (written["total_steps"], written["eval_interval"]) == (15, 5)


def test_patience_counts_from_the_backbone(real, train) -> None:
    outcome = train(real | {"lr": 1e-30, "patience": 2, "epochs": 9}, "run")
    assert (outcome.reason, outcome.step) == ("patience", 10)
    assert "since step 0" in outcome.message


def test_it_goes_on_with_the_games_that_it_has_seen_and_no_others(
    real, train, tmp_path, folder
) -> None:
    paused = train(real | {"pause_after_steps": 3}, "run")
    games = Path(real["pgn"])
    text = games.read_text("utf-8")
    moved = tmp_path / "moved.pgn"
    moved.write_text(text[text.index("[Event", 10) :])
    raw = real | {"pgn": str(moved)}
    checkpoint = tmp_path / "run/checkpoints" / paused.checkpoint
    with pytest.raises(ConfigError, match="differs from the checkpoint's"):
        train(raw, "other", checkpoint)
    games.write_text(moved.read_text("utf-8"), "utf-8")
    try:
        with pytest.raises(ConfigError, match="not those that were trained on so far"):
            train(real, "other", checkpoint)
    finally:
        games.write_text(text, "utf-8")


def test_an_adapter_is_no_backbone_and_says_so_before_the_run_begins(real, train, tmp_path) -> None:
    train(real, "first")
    with pytest.raises(ConfigError, match=r"itself an adapter.*merge it first"):
        train(real | {"checkpoint": str(tmp_path / "first")}, "second")
    assert not (tmp_path / "second/metrics.jsonl").exists()


def test_the_validation_loss_is_the_training_loss_of_the_games_held_out(folder) -> None:
    for layout in ("pure", "prefixed"):
        task = task_of(real_run(folder, layout))
        unmasked = task_of(real_run(folder, layout) | {"illegal_penalty": 0.0})
        source = task._validation.source
        batch = source.batch(np.arange(len(source.games)))
        metrics, n = task.evaluate(), len(batch.targets_n)
        assert (metrics["positions"], metrics["games"]) == (n, 12)
        sums = task.loss_sums(batch)
        assert metrics["val_loss"] == pytest.approx(sums["loss"].item() / n, rel=1e-5)
        assert metrics["top1"] == pytest.approx(sums["top1"].item() / n)
        full = unmasked.loss_sums(batch)["loss"].item() / n
        assert metrics["full_loss"] == pytest.approx(full, rel=1e-5)
        bands = metrics["elo_bands"]
        assert bands.keys() == {"1600-2000"}
        same = {"games": 12, "moves": n} | {k: metrics[k] for k in ("val_loss", "top1")}
        assert bands["1600-2000"] == pytest.approx(same)


def test_gradients_for_a_choice_of_entries_are_the_coming_batches_and_leave_no_trace(real) -> None:
    raw = real | {"accumulation_steps": 2}
    task, whole = task_of(raw), task_of(real)
    matrices = [task.model.layers[1].attn.wv.weight, task.model.layers[0].attn.wq.weight]
    found = list(task._gradients_after(3)(matrices, 2))
    assert not any(matrix.requires_grad for matrix in matrices)
    assert all(p.grad is None for p in task.model.parameters())
    same = [whole.model.layers[1].attn.wv.weight, whole.model.layers[0].attn.wq.weight]
    for index, gradients in zip((3, 4), found, strict=True):
        [batch] = whole.make_batch(index)
        for matrix in same:
            matrix.requires_grad_(True)
        mean = whole.loss_sums(batch)["loss"] / len(batch.targets_n)
        for ours, theirs in zip(gradients, torch.autograd.grad(mean, same), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-8)


def test_a_layer_that_the_backbone_lacks_is_refused(real, train) -> None:
    with pytest.raises(ConfigError, match="the model has 2 layers"):
        train(real | {"adapter_layers": "5"}, "run")


def test_asked_to_stop_while_games_are_read_it_ends_and_can_begin_again(
    real, train, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    stop = StopFlag()
    stop.signal = signal.SIGTERM
    outcome = train(real, "run", stop=stop)
    assert (outcome.reason, outcome.step, outcome.checkpoint) == ("signal", 0, None)
    assert json.loads((tmp_path / "run/outcome.json").read_text("utf-8"))["reason"] == "signal"
    assert train(real | {"total_steps": 1}, "run").reason == "completed"


def test_a_run_goes_on_only_with_the_very_backbone_that_it_began_with(
    real, train, tmp_path
) -> None:
    own = tmp_path / "backbone"
    shutil.copytree(real["checkpoint"], own)
    raw = real | {"checkpoint": str(own)}
    paused = train(raw | {"pause_after_steps": 3}, "run")
    tensors = load_file(own / MODEL)
    tensors["layers.0.attn.wq.weight"][0, 0] += 1
    save_file(tensors, own / MODEL)
    with pytest.raises(ConfigError, match="SHA-256"):
        train(raw, "run", tmp_path / "run/checkpoints" / paused.checkpoint)
