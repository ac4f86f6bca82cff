"""Each strategy trains, is killed, goes on bitwise, is evaluated and loads again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ends import assert_same_end, final
from killed import train_until
from real_runs import GAMES, real_run
from tiny import setup_of
from torch.nn import functional as F

from pawn_core.checkpoint import latest_verified
from pawn_core.config import VARIANTS, parse_config
from pawn_core.config.adapters import ADAPTERS, Strategy, adapter_named
from pawn_core.run_paths import ADAPTER, OPTIMIZER
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.training.adapter import AdapterTask, Adapting
from pawn_core.training.learner import Learner
from pawn_core.training.objective import build_logits
from pawn_core.training.task import NonFiniteLossError
from pawn_core.training.trainer import run_training
from pawn_core.weights import load_pretrained

CPU = Runtime(torch.device("cpu"), None, compiled=False)
SHORT = {"max_games": 24, "val_games": 8, "checkpoint_interval": 2, "num_workers": 0}
"""Nine steps, three an epoch; some checkpoints are in the middle of one."""
WARMUP = 4
FIELDS = {
    "rosa": {"rosa_warmup_steps": WARMUP, "rosa_mask_batches": 3},
    "tiny": {"max_seq_len": 64},
}
STEP = "pawn_core.training.learner:Learner.learn"
GRADIENT = "pawn_core.training.adapter:AdapterTask._gradient_of"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def rosa(folder) -> tuple[dict[str, Any], Path]:
    """A config of RoSA and the folder of a run of it that was never touched."""
    raw = run_of(adapter_named("rosa"), folder)
    run_training(parse_config(raw), folder / "whole", None, StopFlag())
    return raw, folder / "whole"


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def run_of(strategy: Strategy, folder: Path, variant: str = "toy") -> dict[str, Any]:
    raw = real_run(folder, architecture=VARIANTS[variant]) | SHORT | {"strategy": strategy.name}
    idle = {"lora_rank"} | ({"checkpoint"} if strategy.from_scratch else set())
    return {n: v for n, v in raw.items() if n not in idle} | FIELDS.get(strategy.name, {})


def assert_counted(run_dir: Path, records) -> None:
    """Check that the stream begins with what is trained in the end, in the last phase."""
    tensors = final(run_dir).tensors
    [trained] = [tensors[file] for file in tensors if file != OPTIMIZER]
    count = sum(tensor.numel() for tensor in trained.values() if tensor.is_floating_point())
    [begin] = records(run_dir, "config")
    assert begin["trainable_parameters"] == count
    loaded = load_pretrained(latest_verified(run_dir / "checkpoints")).model
    assert begin["parameters"] == sum(p.numel() for p in loaded.parameters())


def assert_composed_as_trained(raw: dict[str, Any], run_dir: Path, records) -> None:
    """Check that the last checkpoint loads as the model that the last evaluation is of."""
    validation = learner_of(raw).task._validation
    loaded = load_pretrained(latest_verified(run_dir / "checkpoints"))
    scores = validation.evaluate(build_logits(loaded.model, CPU), CPU)
    first, *_, last = records(run_dir, "eval")
    assert {name: value for name, value in last.items() if name in scores} == scores
    assert last["val_loss"] < first["val_loss"]


def assert_evaluated(raw: dict[str, Any], run_dir: Path, train) -> None:
    """Check that an evaluation takes the last checkpoint, and leaves out the games it knows."""
    weights = str(latest_verified(run_dir / "checkpoints"))
    games = {"evals": ["accuracy"], "pgn": raw["pgn"], "max_games": GAMES}
    train({"run_type": "eval", "weights": weights, "device": "cpu"} | games, "evaluation")
    results = json.loads((run_dir.parent / "evaluation/results.json").read_bytes())
    assert results["evaluations"][0]["facts"]["games"] == GAMES - 24 - 8


@pytest.mark.parametrize("variant", ["toy", pytest.param("small", marks=pytest.mark.slow)])
@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_killed_and_resumed_it_is_bitwise_the_run_never_touched_and_loads_as_it_was_evaluated(
    strategy: Strategy, variant: str, folder, train, warm, tmp_path, records
) -> None:
    raw = run_of(strategy, folder, variant)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(raw, "whole")
    train_until(warm, (STEP, 6), raw, killed)
    train(raw, "killed", latest_verified(killed / "checkpoints"))
    assert_same_end(killed, whole)
    assert records(killed) == records(whole)
    assert_counted(whole, records)
    assert_composed_as_trained(raw, whole, records)
    assert_evaluated(raw, whole, train)


@pytest.mark.parametrize(
    ("call", "has_mask"),
    [
        ((STEP, WARMUP), False),
        ((GRADIENT, 2), False),
        pytest.param((STEP, WARMUP + 1), False, marks=pytest.mark.slow),
        pytest.param((GRADIENT, 3), False, marks=pytest.mark.slow),
        ((STEP, WARMUP + 4), True),
    ],
    ids=["before", "in the middle", "at the start", "at the end", "after"],
)
def test_rosa_killed_around_its_second_phase_chooses_the_same_entries(
    call: tuple[str, int], has_mask: bool, rosa, train, warm, tmp_path, records
) -> None:
    raw, whole = rosa
    train_until(warm, call, raw, tmp_path / "killed")
    checkpoint = latest_verified(tmp_path / "killed/checkpoints")
    assert any("sparse" in name for name in tensors_of(checkpoint)) == has_mask
    train(raw, "killed", checkpoint)
    assert_same_end(tmp_path / "killed", whole)
    assert records(tmp_path / "killed") == records(whole)


def test_rosa_says_when_it_has_chosen_its_entries_and_how_many(rosa, records) -> None:
    _, whole = rosa
    [event] = [event for event in records(whole, "event") if event["event"] == "phase"]
    tensors = final(whole).tensors[ADAPTER]
    sparse = [t for name, t in tensors.items() if name.endswith("sparse.indices")]
    count = sum(indices.numel() for indices in sparse)
    chosen = f"chose {count:,} entries of {len(sparse)} matrices by the gradients of 3 batches"
    assert (event["step"], event["message"]) == (WARMUP, chosen)


def test_the_second_phase_leaves_loras_moments_and_gives_the_values_new_ones(folder) -> None:
    learner = learner_of(run_of(adapter_named("rosa"), folder))
    for index in range(WARMUP):
        learner.learn([learner.task.make_batch(index)], waited=0.0)
    before = {n: tensor.clone() for n, tensor in learner.optimizer.state_dict().items()}
    assert learner.task.before_update(learner.step)
    learner.updater.renew_optimizer()
    after = learner.optimizer.state_dict()
    assert all(after[name].equal(before[name]) for name in before)
    assert {name.rsplit(".", 3)[1] for name in after.keys() - before.keys()} == {"sparse"}
    assert not any(after[name].any() for name in after.keys() - before.keys())


def test_the_entries_are_chosen_by_the_gradients_of_the_mean_loss_over_legal_moves(folder) -> None:
    task = learner_of(run_of(adapter_named("rosa"), folder) | {"rosa_mask_batches": 1}).task
    matrix = task.model.get_parameter("layers.1.attn.wv.weight")
    [batch] = task.make_batch(WARMUP)
    matrix.requires_grad_(True)
    logits = task.model(batch.tokens_bt).flatten(0, 1)[batch.positions_n]
    legal = torch.zeros(len(logits), logits.shape[1] + 1, dtype=torch.bool)
    legal = legal.scatter(1, batch.legal.long() % (logits.shape[1] + 1), value=True)[:, :-1]
    loss = F.cross_entropy(logits.masked_fill(~legal, -torch.inf), batch.targets_n)
    [expected] = torch.autograd.grad(loss, [matrix])
    matrix.requires_grad_(False)
    [[found]] = task._gradients_after(WARMUP)([matrix], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-7)
    assert not matrix.requires_grad


def test_gradients_that_are_not_finite_choose_nothing(folder) -> None:
    task = learner_of(run_of(adapter_named("rosa"), folder)).task
    with torch.no_grad():
        task.model.final_norm.weight[0] = torch.inf
    names = set(task.parameters())
    with pytest.raises(NonFiniteLossError, match="step 4"):
        task.before_update(WARMUP)
    assert set(task.parameters()) == names


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_recomputed_layers_learn_the_same_bit_for_bit(
    strategy: Strategy, folder, train, tmp_path
) -> None:
    raw = run_of(strategy, folder)
    train(raw, "kept")
    train(raw | {"gradient_checkpointing": True}, "recomputed")
    assert_same_end(tmp_path / "kept", tmp_path / "recomputed")


def learner_of(raw: dict[str, Any]) -> Learner:
    setup = Adapting.fitted(setup_of(parse_config(raw), CPU), lambda _: None)
    return Learner.build("", setup.config, AdapterTask(setup.config, setup), CPU)


def tensors_of(checkpoint: Path) -> set[str]:
    from safetensors import safe_open

    with safe_open(checkpoint / ADAPTER, "pt") as file:
        return set(file.keys())
