"""One optimizer step."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from computing import compute_as_on_a_gpu, pretend_to_compile
from tiny import setup_of
from waiting import record_waits

from pawn_core.config import parse_config
from pawn_core.data.distribution import legal_sets
from pawn_core.data.targets import one_token_each
from pawn_core.runtime import Runtime
from pawn_core.training.learning import build_learner
from pawn_core.training.pretrain import PretrainTask
from pawn_core.training.update import Updater
from pawn_core.validation.validation_set import score

CPU = Runtime(torch.device("cpu"), None, compiled=False)


def assert_close(found: torch.Tensor, expected: torch.Tensor, rtol=1.3e-6, atol=1e-5) -> None:
    """numpy's check: torch's own imports the compiler, which takes seconds."""
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=rtol, atol=atol)


def build(raw, runtime: Runtime = CPU, **fields) -> tuple[PretrainTask, Updater]:
    config = parse_config(raw | fields)
    task = PretrainTask(config, setup_of(config, runtime))
    return task, Updater(task, config, runtime)


def weights(task: PretrainTask) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


@pytest.mark.parametrize("prefixed", [False, True])
def test_accumulated_micro_batches_equal_the_whole_batch(tiny, prefixed: bool) -> None:
    raw = tiny | {"batch_size": 12, "max_seq_len": 200, "prepend_outcome": prefixed}
    raw |= {"discard_ply_limit": True}  # games of many lengths: a mean of means would differ
    results = []
    for parts in (1, 3, 12):
        task, updater = build(raw, accumulation_steps=parts)
        micro_batches = task.make_batch(0)
        update = updater.update(micro_batches, 1e-3)
        results.append((weights(task), update))
    (whole, update), *others = results
    for other, other_update in others:
        assert_close(other, whole, rtol=0, atol=2e-6)
        assert other_update.units == update.units
        assert other_update.games == update.games == 12
        assert_close(other_update.loss_sum, update.loss_sum)
        assert_close(other_update.grad_norm, update.grad_norm)


def test_the_loss_is_the_mean_cross_entropy_over_supervised_positions(tiny) -> None:
    task, updater = build(tiny)
    (batch,) = task.make_batch(0)
    log_p = task.model(batch.tokens_bt).double().log_softmax(-1).flatten(0, 1)
    expected = -log_p[batch.positions_n, batch.targets_n].sum()
    update = updater.update([batch], 1e-3)
    assert update.loss_sum.item() == pytest.approx(expected.item(), rel=1e-6)
    assert update.units == len(batch.targets_n)


@pytest.mark.parametrize("targets", ["sampled", "legal"])
def test_loss_and_gradients_are_those_of_padded_rows_a_game_each(tiny, targets: str) -> None:
    raw = tiny | {"max_seq_len": 400, "batch_size": 80, "targets": targets, "mate_boost": 0.5}
    task, _ = build(raw)
    parts, whole = task.make_batch(0), task._lay_out(0, 80)
    assert len(parts) > 1
    log_p = task.model(whole.tokens_bt).log_softmax(-1).flatten(0, 1)[whole.positions_n]
    expected = whole.exact or one_token_each(whole.targets_n)
    entries = expected.positions_e.long(), expected.tokens_e.long()
    padded = -(expected.weights_e * log_p[entries]).sum()
    loss = torch.stack([task.loss_sums(part)["loss"] for part in parts]).sum()
    assert loss.item() == pytest.approx(padded.item(), rel=1e-6)
    parameters = list(task.model.parameters())
    gradients = (torch.autograd.grad(x, parameters, allow_unused=True) for x in (loss, padded))
    for found, wanted in zip(*gradients, strict=True):
        if wanted is None:
            assert found is None  # no game has an outcome token
        else:
            assert_close(found, wanted, rtol=1e-4, atol=2e-3 * float(wanted.abs().max()))


def test_clipping_scales_the_update_and_reports_the_norm_before_it(tiny) -> None:
    norms = {}
    for limit in (None, 1e6, 1e-3):
        task, updater = build(tiny, max_grad_norm=limit)
        applied: list[torch.Tensor] = []
        parameter = task.model.lm_head.weight
        parameter.register_post_accumulate_grad_hook(lambda p, out=applied: out.append(p.grad))
        update = updater.update(task.make_batch(0), 1e-3)
        norms[limit] = (update.grad_norm.item(), applied[0].norm().item())
    assert norms[None] == norms[1e6]
    assert norms[1e-3][0] == norms[None][0]
    assert norms[1e-3][1] == pytest.approx(norms[None][1] * 1e-3 / norms[None][0], rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_reduced_precision_is_used_where_asked_and_learns_the_same(tiny, dtype) -> None:
    runtime = Runtime(torch.device("cpu"), dtype, compiled=False)
    task, updater = build(tiny, runtime)
    seen = []
    task.model.layers[0].attn.wo.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    exact_task, exact = build(tiny)
    for index in range(3):
        update = updater.update(task.make_batch(index), 1e-3)
        expected = exact.update(exact_task.make_batch(index), 1e-3)
        assert update.loss_sum.item() == pytest.approx(expected.loss_sum.item(), rel=2e-3)
    assert seen == [dtype] * 3
    assert all(p.dtype == torch.float32 for p in task.model.parameters())
    assert_close(weights(task), weights(exact_task), rtol=0, atol=4e-3)


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_a_residual_stream_in_16_bits_is_one_and_the_gradient_is_near(
    tiny, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    pretend_to_compile(monkeypatch)
    runtime = Runtime(torch.device("cpu"), torch.bfloat16, compiled=compiled)
    raw, results, seen = tiny | {"n_layers": 3, "batch_size": 8}, [], []
    for residual in ("float32", "amp"):
        task, _ = build(raw, runtime, residual_dtype=residual)
        for layer in task.model.layers:
            layer.register_forward_hook(lambda *call: seen.append(call[2].dtype))
        with runtime.autocast():
            loss = torch.stack([task.loss_sums(part)["loss"] for part in task.make_batch(0)]).sum()
        loss.backward()
        moved = [p.grad.flatten() for p in task.model.parameters() if p.grad is not None]
        results.append((loss.item(), torch.cat(moved)))
    assert seen == [torch.float32] * 3 + [torch.bfloat16] * 3
    (loss, gradient), (rounded_loss, rounded_gradient) = results
    assert rounded_loss == pytest.approx(loss, rel=1e-4)
    assert torch.cosine_similarity(rounded_gradient, gradient, dim=0) > 0.999


def test_a_residual_stream_in_16_bits_is_in_float32_where_all_is(tiny) -> None:
    plain, rounded = build(tiny), build(tiny, residual_dtype="amp")
    for task, updater in (plain, rounded):
        updater.update(task.make_batch(0), 1e-3)
    assert torch.equal(weights(plain[0]), weights(rounded[0]))


def test_an_overflow_in_float16_skips_the_update_and_lowers_the_scale(tiny) -> None:
    runtime = Runtime(torch.device("cpu"), torch.float16, compiled=False)
    task, updater = build(tiny, runtime)
    assert updater.scaler is not None
    updater.scaler.load_state_dict(updater.scaler.state_dict() | {"scale": 2.0**40})
    before = weights(task)
    update = updater.update(task.make_batch(0), 1e-3)
    assert update.finite
    assert torch.equal(weights(task), before)
    assert updater.scaler.get_scale() == 2.0**39


@pytest.mark.parametrize("batching", ["padded", "packed"])
@pytest.mark.parametrize(("targets", "loss"), [("sampled", "one_token"), ("legal", "distribution")])
def test_what_runs_is_the_compiled_callable_and_it_computes_the_same(
    tiny, monkeypatch: pytest.MonkeyPatch, targets: str, loss: str, batching: str
) -> None:
    called = pretend_to_compile(monkeypatch)
    compiled = Runtime(torch.device("cpu"), None, compiled=True)
    task, updater = build(tiny, compiled, targets=targets, batching=batching)
    update = updater.update(task.make_batch(0), 1e-3)
    plain_task, plain = build(tiny, targets=targets)
    expected = plain.update(plain_task.make_batch(0), 1e-3)
    assert update.loss_sum.item() == pytest.approx(expected.loss_sum.item(), rel=1e-6)
    assert update.grad_norm.item() == pytest.approx(expected.grad_norm.item(), rel=1e-4)
    assert_close(weights(task), weights(plain_task), rtol=0, atol=5e-5)
    layers = ["begin", "_through_layer", "end"]
    assert called[:3] == layers
    assert set(called[3:]) == {loss}
    called.clear()
    task.evaluate()
    assert set(called) == set(layers)
    (batch,) = task.make_batch(1)
    assert batch.tokens_bt.shape[1] == {"padded": tiny["max_seq_len"], "packed": 128}[batching]


def test_the_loss_of_exact_targets_is_the_divergence_plus_the_entropy(tiny) -> None:
    raw = tiny | {"targets": "legal", "mate_boost": 0.5, "max_seq_len": 90, "batch_size": 40}
    task, _ = build(raw)
    batch = task._lay_out(120, 40)
    sets = legal_sets(task._games.sequences(120, 40, legal_moves=True))
    with torch.no_grad():
        scores = score(
            task.model.forward_at(batch.tokens_bt, batch.positions_n), batch.targets_n, sets
        )
        loss = task.loss_sums(batch)["loss"].item()
    assert loss == pytest.approx(scores.kl_n.sum() + sets.entropy().sum(), rel=1e-6)
    sampled, _ = build(raw | {"targets": "sampled"})
    with torch.no_grad():
        assert sampled.loss_sums(batch)["loss"].item() == loss
    with torch.no_grad():
        assert sampled.loss_sums(sampled._lay_out(120, 40))["loss"].item() == pytest.approx(
            scores.loss_n.sum(), rel=1e-6
        )


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("targets", ["sampled", "legal"])
@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_a_step_never_waits_for_the_device(
    tiny, monkeypatch: pytest.MonkeyPatch, optimizer: str, targets: str, compiled: bool
) -> None:
    compute_as_on_a_gpu(monkeypatch)
    pretend_to_compile(monkeypatch)
    runtime = replace(CPU, compiled=compiled)
    fields = {"batching": "packed", "optimizer": optimizer, "targets": targets}
    config = parse_config(tiny | fields)
    learner = build_learner("", config, setup_of(config, runtime))
    batches = [learner.task.make_batch(index) for index in range(3)]
    waits = record_waits(monkeypatch)
    for batch in batches:
        learner.learn([batch], waited=0.0)
    assert waits == []
    learner.stats.take()
    learner.check_finite()
    assert set(waits) == {"tolist", "item"}


@pytest.mark.slow
@pytest.mark.parametrize("batching", ["padded", "bucketed", "packed"])
@pytest.mark.parametrize("targets", ["sampled", "legal"])
def test_the_real_compiler_computes_the_same(tiny, targets: str, batching: str) -> None:
    compiled = Runtime(torch.device("cpu"), None, compiled=True)
    task, updater = build(tiny, compiled, targets=targets, batching=batching)
    plain_task, plain = build(tiny, targets=targets)
    for index in range(3):
        update = updater.update(task.make_batch(index), 1e-3)
        expected = plain.update(plain_task.make_batch(index), 1e-3)
        assert update.loss_sum.item() == pytest.approx(expected.loss_sum.item(), rel=1e-5)
    assert task.evaluate() == pytest.approx(plain_task.evaluate(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("targets", ["sampled", "legal"])
def test_a_layer_is_compiled_once_for_all_layers_and_each_number_of_rows(
    tiny, targets: str
) -> None:
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    graphs = CompileCounter()

    @dataclass(frozen=True)
    class Counting(Runtime):
        def compile(self, function, *, dynamic=None):
            return torch.compile(function, backend=graphs, dynamic=dynamic)

    raw = tiny | {"batching": "packed", "max_seq_len": 200, "batch_size": 20, "targets": targets}
    raw |= {"mate_boost": 1.0}  # games of many lengths: some batches need one row more
    raw |= {"n_layers": 3}
    task, updater = build(raw, Counting(torch.device("cpu"), None, compiled=True))
    shapes = set()
    for index in range(5):
        batches = task.make_batch(index)
        shapes |= {batch.tokens_bt.shape for batch in batches}
        updater.update(batches, 1e-3)
    assert len(shapes) == 2
    parts = 3  # what comes before the layers, a layer, what comes after them
    assert graphs.frame_count == 2 * parts + 1  # and the loss, once
