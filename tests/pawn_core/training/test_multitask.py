"""Multitask pretraining: what each field does to the loss, and what a run goes on with."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ends import assert_same_end
from killed import train_until
from made_positions import SOURCES, labelled, made_positions
from tiny import setup_of

from pawn_core.checkpoint import latest_verified, store
from pawn_core.config import ConfigError, MultitaskConfig, parse_config
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.position_model import load_position_model
from pawn_core.positions import MixtureStage, PositionLibrary, ShardWriter
from pawn_core.run_paths import AVERAGE, MODEL, OPTIMIZER, POSITION_MODEL, UPDATES
from pawn_core.runtime import Runtime
from pawn_core.training.averaging import Average
from pawn_core.training.multitask import MultitaskTask
from pawn_core.training.run_positions import spliced, stages_of
from pawn_core.training.update import Updater

CPU = Runtime(torch.device("cpu"), None, compiled=False)
HALF = Runtime(torch.device("cpu"), torch.float16, compiled=False)
TASKS = [task.name for task in POSITION_TASKS]
SMALL: dict[str, Any] = {
    "run_type": "multitask",
    "variant": "toy",
    "n_layers": 1,
    "total_steps": 8,
    "batch_size": 6,
    "lr": 1e-2,
    "eval_interval": 4,
    "checkpoint_interval": 2,
    "log_interval": 3,
    "val_positions": 8,
    "ssl_warmup_steps": 4,
    "num_workers": 1,
    "amp_dtype": "none",
    "device": "cpu",
    "local_checkpoints": True,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def positions(tmp_path_factory) -> str:
    """A folder of two domains, all labelled."""
    return str(made_positions(tmp_path_factory.mktemp("positions") / "made", 24))


@pytest.fixture(scope="module")
def partly(positions, tmp_path_factory) -> str:
    """A folder in which some positions have no policy, some no value."""
    folder = tmp_path_factory.mktemp("positions") / "partly"
    fens = PositionLibrary.open(Path(positions)).train.columns.fens()
    with ShardWriter(folder, SOURCES[0], {}, 0.25) as writer:
        for number, fen in enumerate(fens):
            position = labelled(fen, str(number))
            if number % 2:
                position = _with(position, policy=None)
            writer.add(position if number % 3 else _with(position, value=None))
        writer.commit()
    return str(folder)


def _with(position, **labels):
    return type(position)(**(vars(position) | labels))


def task_of(positions: str, runtime: Runtime = CPU, **fields: Any) -> MultitaskTask:
    config = parse_config(SMALL | {"positions": positions} | fields)
    assert isinstance(config, MultitaskConfig)
    return MultitaskTask(config, setup_of(config, runtime))


def sums_of(task: MultitaskTask, step: int = 5) -> dict[str, float]:
    """Return the means of a step's losses."""
    task.before_update(step)
    parts = [task.loss_sums(batch) for batch in task.make_batch(step)]
    units = task._config.batch_size
    return {name: sum(part[name].item() for part in parts) / units for name in parts[0]}


def gradients_of(task: MultitaskTask) -> torch.Tensor:
    gradients = [p.grad for p in task.model.parameters() if p.grad is not None]
    return torch.cat([gradient.flatten() for gradient in gradients])


@pytest.mark.parametrize("task", TASKS)
def test_the_weight_of_each_task_is_what_its_loss_counts(positions, task: str) -> None:
    learner = task_of(positions)
    before = sums_of(learner)
    weight = learner._config.task_weights[task] + 2.0
    learner._config = learner._config.model_copy(update={f"ssl_{task}_weight": weight})
    after = sums_of(learner)
    assert before[f"{task}_loss"] > 0.0
    added = 0.15 * 2.0 * before[f"{task}_loss"]
    np.testing.assert_allclose(after["loss"] - before["loss"], added, rtol=1e-4, atol=1e-6)


CHANGES: dict[str, Any] = {
    "policy_weight": 0.5,
    "label_smoothing": 0.3,
    "value_weight": 3.0,
    "value_loss": "mse",
    "huber_delta": 0.01,
    "value_head": "wdl",
    "ssl_weight": 0.3,
    "ssl_warmup_steps": 10,
    "ssl_every_n": 2,
    "piece_mask_ratio": 0.5,
    "piece_mask_share": 1.0,
    "mirror": 0.0,
    "colour_flip": 1.0,
    "domain_weights": {"openings": 1.0},
    "domain_order": "sequential",
    "domain_stages": {"3": {"endgames": 1.0}},
    "data_seed": 9,
    "seed": 9,
    "trunk": "transformer",
    **{f"ssl_{task}_weight": 3.0 for task in TASKS},
}
SAME = {"ssl_chunk_size": 4, "accumulation_steps": 3, "gradient_checkpointing": True}


def test_each_field_of_the_loss_and_of_what_is_learned_from_changes_the_loss(positions) -> None:
    losses = {
        name: sums_of(task_of(positions, **{name: to}))["loss"] for name, to in CHANGES.items()
    }
    losses[""] = sums_of(task_of(positions))["loss"]
    assert all(math.isfinite(loss) for loss in losses.values())
    assert len(set(losses.values())) == len(losses)
    named = MultitaskConfig.learned_from | MultitaskConfig.of_losses
    assert named - {"batch_size", "positions"} <= CHANGES.keys()


def test_how_it_is_computed_changes_neither_the_losses_nor_the_gradients(partly) -> None:
    found = []
    for fields in ({}, *({name: to} for name, to in SAME.items()), SAME):
        task = task_of(partly, **fields)
        task.before_update(5)
        sums = [task.loss_sums(batch) for batch in task.make_batch(5)]
        torch.stack([part["loss"] for part in sums]).sum().backward()
        totals = [sum(part[name].item() for part in sums) for name in sums[0]]
        found.append((totals, gradients_of(task)))
    for totals, gradients in found[1:]:
        np.testing.assert_allclose(totals, found[0][0], rtol=1e-5)
        np.testing.assert_allclose(gradients, found[0][1], rtol=1e-4, atol=1e-4)


def test_the_mean_of_a_loss_is_over_the_positions_of_the_step_that_have_a_label(partly) -> None:
    task = task_of(partly, accumulation_steps=6, label_smoothing=0.0)
    batches = task.make_batch(5)
    counts = batches[0].counts
    assert 0 < counts["policy"] < 6
    assert 0 < counts["value"] < 6
    labelled_rows = [int(batch.policy_probs.sum().round()) for batch in batches]
    assert sum(labelled_rows) == counts["policy"]
    sums = sums_of(task)
    by_hand = []
    for batch in batches:
        logits = task.model(batch.planes, batch.piece_mask).policy[0]
        log_p = logits - logits[batch.legal_indices].logsumexp(0)
        by_hand += [-(batch.policy_probs * log_p[batch.policy_indices]).sum().item()]
    np.testing.assert_allclose(sums["policy_loss"], sum(by_hand) / counts["policy"], rtol=1e-5)


def test_a_step_without_a_label_of_some_kind_has_no_such_loss_and_does_not_count(partly) -> None:
    task = task_of(partly, batch_size=1)
    steps = {step: task.make_batch(step)[0] for step in range(12)}
    unlabelled = next(step for step, batch in steps.items() if not batch.counts["policy"])
    sums = sums_of(task, unlabelled)
    assert sums["policy_loss"] == sums["policy_loss/asked"] == 0.0
    assert math.isfinite(sums["loss"])
    means = sums | {"tokens_per_s": 1.0, "games_per_s": 1.0}
    fields = task.train_fields(means)  # type: ignore[arg-type]
    assert fields["policy_loss"] is None
    assert fields["threat_loss"] == sums["threat_loss"]
    assert fields["positions_per_s"] == 1.0
    assert not {"tokens_per_s", "games_per_s", "policy_loss/asked"} & fields.keys()


def test_the_tasks_weight_rises_and_they_are_learned_every_nth_step_alone(positions) -> None:
    task = task_of(positions, ssl_warmup_steps=4, ssl_every_n=2)
    weights, learned = [], []
    for step in range(6):
        task.before_update(step)
        weights.append(task.ssl_weight)
        learned.append(bool(task.task_weights))
    np.testing.assert_allclose(weights, [0.0375, 0.075, 0.1125, 0.15, 0.15, 0.15])
    assert learned == [True, False] * 3
    without = sums_of(task, step=1)
    assert without["ssl_loss"] == without["ssl_loss/asked"] == 0.0
    np.testing.assert_allclose(without["loss"], without["policy_loss"] + without["value_loss"])


def test_heads_of_tasks_that_a_step_does_not_learn_stay_as_they_are(positions) -> None:
    task = task_of(positions, ssl_every_n=2)
    updater = Updater(task, task._config, CPU)
    for step, learned in enumerate([True, False]):
        before = {name: tensor.clone() for name, tensor in task.model.state_dict().items()}
        task.before_update(step)
        updater.update(task.make_batch(step), 1e-2)
        moved = {n for n, tensor in task.model.state_dict().items() if not before[n].equal(tensor)}
        assert any(name.startswith("tasks.") for name in moved) == learned
        assert any(name.startswith("trunk.") for name in moved)


def test_train_records_have_the_means_of_the_steps_that_learned_the_tasks(
    positions, train, tmp_path, records
) -> None:
    raw = SMALL | {"positions": positions, "lr": 1e-30, "eval_interval": 8, "log_interval": 1}
    train(raw | {"total_steps": 4, "ssl_every_n": 2}, "every")
    train(raw | {"total_steps": 4, "ssl_every_n": 2, "log_interval": 2}, "second")
    every, second = (records(tmp_path / name, "train") for name in ("every", "second"))
    assert [record["threat_loss"] is None for record in every] == [False, True, False, True]
    for one, two in zip(every[::2], second, strict=True):
        np.testing.assert_allclose(two["threat_loss"], one["threat_loss"], rtol=1e-6)


def test_a_batch_is_learned_by_heart(positions) -> None:
    task = task_of(positions)
    updater, batches = Updater(task, task._config, CPU), task.make_batch(0)
    task.before_update(5)
    first, *_, last = (updater.update(batches, 1e-2).sums for _ in range(25))
    for loss in ("policy_loss", "value_loss", "ssl_loss"):
        assert last[loss] < 0.85 * first[loss]


def test_what_is_learned_is_evaluated_by_the_average_with_the_raw_weights_loss_beside(
    positions, train, tmp_path, records
) -> None:
    train(SMALL | {"positions": positions, "checkpoint_interval": 8}, "run")
    evaluation = records(tmp_path / "run", "eval")[-1]
    assert evaluation["val_loss"] != evaluation["raw_val_loss"]
    assert {f"{task}_skill" for task in TASKS} <= evaluation.keys()
    [begin] = records(tmp_path / "run", "config")
    assert begin["positions"].keys() == {"openings", "endgames"}
    checkpoint = latest_verified(tmp_path / "run/checkpoints")
    assert {MODEL, AVERAGE, POSITION_MODEL} < {path.name for path in checkpoint.iterdir()}
    saved = store.load(checkpoint).tensors
    assert saved[AVERAGE].pop(UPDATES).item() == 8
    assert saved[AVERAGE].keys() == saved[MODEL].keys()
    loaded = load_position_model(str(checkpoint), tmp_path).model.state_dict()
    assert all(torch.equal(loaded[name], saved[AVERAGE][name]) for name in saved[AVERAGE])


def test_the_average_is_that_of_the_weights_with_a_decay_that_warms_up() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = Average(model, decay=0.25)
    torch.nn.init.constant_(model.weight, 1.0)
    expected = average.model.weight.item()
    for decay in (2 / 11, 0.25, 0.25):
        average.update(model)
        expected = decay * expected + (1 - decay)
        assert average.model.weight.item() == pytest.approx(expected)
    other = Average(torch.nn.Linear(1, 1, bias=False), decay=0.25)
    other.load_state_dict(average.state_dict())
    assert other.updates == 3
    assert other.model.weight.item() == average.model.weight.item()
    with pytest.raises(ValueError, match="the checkpoint's averages are not this model's"):
        other.load_state_dict({"weight": torch.zeros(1, 1)})


def test_an_update_that_overflows_in_float16_does_not_count_in_the_average(positions) -> None:
    task = task_of(positions, HALF)
    updater = Updater(task, task._config, HALF)
    assert updater.scaler is not None
    start = {name: tensor.clone() for name, tensor in task._average.model.state_dict().items()}
    updater.scaler.load_state_dict(updater.scaler.state_dict() | {"scale": 2.0**60})
    update = updater.update(task.make_batch(0), 1e-2)
    assert not update.grad_norm.isfinite()
    assert task._average.updates == 0
    assert all(torch.equal(start[n], t) for n, t in task._average.model.state_dict().items())
    updater.scaler.load_state_dict(updater.scaler.state_dict() | {"scale": 2.0**10})
    assert updater.update(task.make_batch(1), 1e-2).grad_norm.isfinite()
    assert task._average.updates == 1


VARIATIONS = {
    "sequential": {"domain_order": "sequential", "domain_weights": {"openings": 1, "endgames": 1}},
    "float16": {"amp_dtype": "float16", "ssl_every_n": 2},
    "bfloat16": {"amp_dtype": "bfloat16", "accumulation_steps": 2, "ssl_chunk_size": 2},
}


@pytest.mark.parametrize(
    "variation",
    ["sequential", "float16", pytest.param("bfloat16", marks=pytest.mark.slow)],
)
def test_a_paused_and_resumed_run_equals_the_uninterrupted_one(
    positions, train, tmp_path, records, variation: str
) -> None:
    raw = SMALL | {"positions": positions} | VARIATIONS[variation]
    train(raw, "whole")
    paused = train(raw | {"pause_after_steps": 5}, "part")
    train(raw, "part", tmp_path / "part/checkpoints" / paused.checkpoint)
    assert_same_end(tmp_path / "whole", tmp_path / "part", (MODEL, AVERAGE, OPTIMIZER))
    whole, part = (records(tmp_path / name)[1:] for name in ("whole", "part"))
    assert part == whole


KILLS = {
    "in a save": ("pawn_core.checkpoint.store._publish", 3),
    "in the validation of the average": (
        "pawn_core.training.multitask.MultitaskTask._measured",
        3,
    ),
}


@pytest.mark.parametrize("place", KILLS)
def test_a_run_killed_in_the_middle_of_a_phase_goes_on_bitwise(
    positions, train, tmp_path, records, warm, place: str
) -> None:
    raw = SMALL | {"positions": positions, "num_workers": 0} | VARIATIONS["sequential"]
    train(raw, "whole")
    train_until(warm, KILLS[place], raw, tmp_path / "killed")
    newest = latest_verified(tmp_path / "killed/checkpoints")
    saved = store.load(newest)
    assert saved.tensors[AVERAGE][UPDATES].item() == saved.step < 8
    name = next(name for name, tensor in saved.tensors[MODEL].items() if tensor.dim() > 1)
    assert not torch.equal(saved.tensors[MODEL][name], saved.tensors[AVERAGE][name])
    train(raw, "killed", newest)
    assert_same_end(tmp_path / "whole", tmp_path / "killed", (MODEL, AVERAGE, OPTIMIZER))
    assert records(tmp_path / "killed", "train", "eval") == (
        records(tmp_path / "whole", "train", "eval")
    )


def test_phases_without_positions_are_left_out_and_it_is_said(
    positions, train, tmp_path, records
) -> None:
    weights = {"teacher": 2, "openings": 1, "endgames": 1}
    raw = SMALL | {"positions": positions, "domain_order": "sequential", "domain_weights": weights}
    train(raw | {"total_steps": 2}, "run")
    [event] = [r for r in records(tmp_path / "run", "event") if r["event"] == "positions"]
    assert "no positions of teacher; shares of the others: openings 0.5" in event["message"]
    with pytest.raises(ConfigError, match=r"no domain with a weight \(teacher\) has positions"):
        task_of(positions, domain_weights={"teacher": 1})
    told = task_of(positions, domain_weights={"openings": 1}).positions.notices
    assert told == ["positions of endgames are not learned from: domain_weights gives it no weight"]


def stages(*pairs: tuple[int, str]) -> list[MixtureStage]:
    return [MixtureStage(first, {name: 1.0}) for first, name in pairs]


def test_a_longer_run_moves_no_phase_that_is_passed_and_goes_back_to_none() -> None:
    passed = stages((0, "teacher"), (40, "openings"), (52, "endgames"))
    longer = stages((0, "teacher"), (80, "openings"), (104, "endgames"))
    assert spliced(passed, passed, 45) == passed
    assert spliced(passed, longer, 0) == longer
    assert spliced(passed, longer, 45) == stages(
        (0, "teacher"), (40, "openings"), (104, "endgames")
    )
    assert spliced(longer, passed, 60) == stages((0, "teacher"), (60, "endgames"))
    mixed = [MixtureStage(0, {"teacher": 0.5, "openings": 0.5})]
    assert spliced(mixed, mixed, 7) == mixed
    assert spliced(mixed, longer, 90) == mixed + stages((90, "openings"), (104, "endgames"))


def test_the_phases_of_100_000_steps_are_those_of_the_seed() -> None:
    config = parse_config(
        SMALL | {"positions": "x", "domain_order": "sequential", "total_steps": 100_000}
    )
    assert isinstance(config, MultitaskConfig)
    domains = {*config.domain_weights} - {"external"}
    firsts = [stage.first_sample for stage in stages_of(config, domains).stages] + [100_000]
    lengths = [b - a for a, b in pairwise(firsts)]
    assert lengths == [40_000, 12_000, 8_000, 8_000, 8_000, 12_000, 12_000]


def test_a_run_goes_on_with_another_length_and_batch_size_and_draws_nothing_again(
    positions, train, tmp_path
) -> None:
    raw = SMALL | {"positions": positions} | VARIATIONS["sequential"]
    train(raw | {"pause_after_steps": 6}, "run")
    point = tmp_path / "run/checkpoints/step_00000006"
    train(raw | {"total_steps": 20, "batch_size": 4}, "longer", point)
    state = store.load(latest_verified(tmp_path / "longer/checkpoints")).training_state["data"]
    # openings until step 4 as was passed; endgames, under way at sample 36, until the end
    assert state["stages"] == [[0, {"openings": 1.0}], [24, {"endgames": 1.0}]]
    assert state["next_game"] == 36 + 14 * 4


def test_a_run_does_not_go_on_with_other_positions_or_heads(
    positions, partly, train, tmp_path
) -> None:
    raw = SMALL | {"positions": positions, "total_steps": 2}
    train(raw, "run")
    point = tmp_path / "run/checkpoints/step_00000002"
    with pytest.raises(ConfigError, match="are not those that the checkpoint has learned from"):
        train(raw | {"positions": partly, "total_steps": 4}, "other", point)
    with pytest.raises(ConfigError, match=r"ssl_pin_weight 0 is not allowed: .* has a head 'pin'"):
        train(raw | {"ssl_pin_weight": 0.0, "total_steps": 4}, "less", point)


def test_it_starts_from_the_average_of_another_run_and_begins_heads_anew(
    positions, train, tmp_path, records
) -> None:
    raw = SMALL | {"positions": positions}
    train(raw | {"ssl_pin_weight": 0.0}, "base")
    base = str(latest_verified(tmp_path / "base/checkpoints"))
    form = {name: value for name, value in raw.items() if name not in ("variant", "n_layers")}
    next_run = form | {"checkpoint": base, "total_steps": 1, "lr": 1e-30}
    with pytest.raises(ConfigError, match="it has no head 'pin'; name 'pin' in new_heads"):
        train(next_run, "refused")
    train(next_run | {"new_heads": "pin"}, "next")
    before, after = (records(tmp_path / name, "eval")[-1] for name in ("base", "next"))
    np.testing.assert_allclose(after["val_loss"], before["val_loss"], rtol=1e-5)
    [begin] = records(tmp_path / "next", "config")
    assert begin["origin"]["source"] == base
    assert begin["new_heads"] == ["pin"]


def test_a_damaged_shard_is_refused_with_its_name(positions, train, tmp_path) -> None:
    copied = made_positions(tmp_path / "copied", 8)
    shard = next((copied / "shards").glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(ConfigError, match=shard.name):
        task_of(str(copied))
