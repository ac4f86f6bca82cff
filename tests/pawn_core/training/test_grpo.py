"""Reinforcement of the smallest policy by the smallest task: what runs do, record and resume."""

import json
import math
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from counting import COUNTING, Counting, register, write_base
from killed import train_until
from tiny import setup_of

from pawn_core.checkpoint import latest_verified, store
from pawn_core.config import ConfigError, parse_config
from pawn_core.language import token_log_probs
from pawn_core.language.completions import _Writing
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.training.policy_batches import PolicyBatch
from pawn_core.training.policy_task import PolicyTask
from pawn_core.training.rollouts import Place, shuffled

CPU = Runtime(torch.device("cpu"), None, compiled=False)


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Return a config whose run takes a second, from an untrained policy."""
    torch.set_num_threads(1)
    register(monkeypatch)
    return COUNTING | {"checkpoint": str(write_base(tmp_path / "base"))}


@pytest.fixture
def build(counting) -> Callable[..., PolicyTask]:
    def build(**fields) -> PolicyTask:
        config = parse_config(counting | fields)
        return PolicyTask(config, setup_of(config, CPU))

    return build


def sample(task: PolicyTask, step: int = 0):
    return task.sampler.collect(task.sampler.prompts(Place(step)), step)


def weights(checkpoint: Path) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in store.load(checkpoint).model.values()])


def end_of(run_dir: Path) -> dict:
    """Return all that the last checkpoint has, the stream's byte offset left out."""
    saved = store.load(latest_verified(run_dir / "checkpoints"))
    state = {k: v for k, v in saved.training_state.items() if k != "metrics"}
    tensors = {f: {n: t.tolist() for n, t in ts.items()} for f, ts in saved.tensors.items()}
    return {"step": saved.step, "state": state, "tensors": tensors}


def test_the_policy_is_the_reference_at_first_and_what_it_sampled_has_ratio_1(
    counting, train, tmp_path, records
) -> None:
    train(counting | {"total_steps": 1, "temperature": 0.6, "lr": 1e-2}, "run")
    (record,) = records(tmp_path / "run", "train")
    assert 0 <= record["kl"] < 1e-6
    assert record["ratio"] == pytest.approx(1, abs=1e-5)
    assert record["loss"] == pytest.approx(record["policy_loss"], abs=1e-6)
    assert record["clip_ratio/low_mean"] == record["clip_ratio/high_mean"] == 0


def test_in_16_bits_ratios_are_1_too(counting, train, tmp_path, records) -> None:
    train(counting | {"total_steps": 1, "amp_dtype": "bfloat16"}, "run")
    (record,) = records(tmp_path / "run", "train")
    assert record["ratio"] == pytest.approx(1, abs=1e-6)
    assert 0 <= record["kl"] < 1e-6


def test_inner_epochs_move_ratios_and_the_clip_bites(counting, train, tmp_path, records) -> None:
    train(counting | {"total_steps": 1, "inner_epochs": 6, "lr": 0.03, "clip_eps": 0.05}, "run")
    (record,) = records(tmp_path / "run", "train")
    assert abs(record["ratio"] - 1) > 1e-3
    assert record["clip_ratio/low_mean"] + record["clip_ratio/high_mean"] > 0


@pytest.mark.parametrize("algorithm", ["grpo", "dr_grpo", "dapo", "gspo", "cispo"])
def test_the_number_of_parts_changes_nothing(build, algorithm: str) -> None:
    found = []
    for parts in (1, 2, 4):
        task = build(algorithm=algorithm, accumulation_steps=parts, beta=0.1, entropy_coef=0.01)
        with torch.no_grad():
            next(iter(task.model.parameters())).add_(0.01)  # ratios and KL are not trivial
        (update,) = task.arrange(sample(build(temperature=0.7)), 1)
        sums = [task.loss_sums(part) for part in update]
        loss = torch.stack([part["loss"] for part in sums]).sum() / update[0].counts.tokens
        gradients = torch.autograd.grad(loss, list(task.model.parameters()))
        found.append(torch.cat([loss.view(1), *(g.flatten() for g in gradients)]).detach())
        assert len(update) == parts
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)
    assert found[0].abs().max() > 1e-3


def test_old_log_probabilities_are_those_of_temperature_1_however_it_was_sampled(build) -> None:
    for sampling in ({"temperature": 0.6}, {"temperature": 1.4, "top_k": 5}, {"top_p": 0.5}):
        task = build(**sampling)
        (update,) = task.arrange(sample(task), 1)
        for part in update:
            assert isinstance(part, PolicyBatch)
            with torch.no_grad():
                expected = token_log_probs(task.model, part)
            np.testing.assert_allclose(part.chunk.old_n, expected, atol=1e-5)


def test_the_prompt_is_outside_of_the_loss_and_the_end_inside(build) -> None:
    task = build(max_new_tokens=24, batch_size=8)
    rollouts = sample(task)
    (update,) = task.arrange(rollouts, 1)
    learned = [c for g in rollouts.groups if g.varies for c in g.completions]
    tokens = np.concatenate([part.targets_n.numpy() for part in update])
    np.testing.assert_array_equal(tokens, np.concatenate([c.tokens_n for c in learned]))
    end = task.text_model.tokenizer.end
    assert [c.tokens_n[-1] == end for c in learned] == [c.ended for c in learned]
    assert any(c.ended for c in learned)
    (part,) = update
    logits = task.model.forward_at(part.tokens_bt, part.positions_n)
    loss = task._objective.loss(logits, part.chunk)[0]
    (gradient_nv,) = torch.autograd.grad(loss, logits)
    moved_n = gradient_nv.abs().amax(dim=1) > 0
    assert torch.equal(moved_n, (part.chunk.advantages_c != 0)[part.chunk.completions_n])
    assert moved_n[part.targets_n == end].any()


def test_nothing_in_a_policy_is_dropped_at_random(build) -> None:
    task = build()
    task.model.train()
    assert not [m for m in task.model.modules() if "dropout" in type(m).__name__.lower()]
    (update,) = task.arrange(sample(task), 1)
    one, other = (token_log_probs(task.model, update[0]) for _ in range(2))
    assert torch.equal(one, other)


def test_a_verifier_that_fails_drops_the_group_and_is_counted(
    counting, train, tmp_path, records, monkeypatch
) -> None:
    train(counting | {"total_steps": 2}, "sound")
    monkeypatch.setattr(Counting, "broken", frozenset({1, 2, 4, 5, 6, 7}))
    train(counting | {"total_steps": 2}, "broken")
    one, two = records(tmp_path / "broken", "train")
    assert (one["invalid_completions"], two["invalid_completions"]) == (8, 16)
    assert one["dropped_groups"] >= 2
    assert one["rewards/counting/mean"] == one["reward"] is not None
    assert (two["reward"], two["rewards/counting.count/mean"]) == (None, None)
    assert "policy_loss" not in two  # no update, and no made-up reward
    found = weights(tmp_path / "broken/checkpoints/step_00000002")
    assert not torch.equal(found, weights(tmp_path / "sound/checkpoints/step_00000002"))


def test_dynamic_sampling_draws_further_prompts_up_to_a_bound_and_counts_them(
    counting, train, tmp_path, records, monkeypatch
) -> None:
    raw = counting | {"total_steps": 1, "dynamic_sampling": True, "most_rounds": 3}
    raw |= {"max_new_tokens": 2, "group_size": 2}
    train(raw, "some")
    monkeypatch.setattr("counting.LETTERS", frozenset())
    train(raw, "none")
    (some,) = records(tmp_path / "some", "train")
    (none,) = records(tmp_path / "none", "train")
    assert none["sampling/rounds"] == 3 >= some["sampling/rounds"] > 1
    assert (none["frac_reward_zero_std"], none["dropped_groups"]) == (1, 12)
    assert none["kl"] < 1e-6  # measured though nothing is learned
    checkpoint = tmp_path / "none/checkpoints/step_00000001"
    assert torch.equal(weights(checkpoint), weights_of_base(tmp_path))


def weights_of_base(tmp_path: Path) -> torch.Tensor:
    from safetensors.torch import load_file

    return torch.cat([t.flatten() for t in load_file(tmp_path / "base/model.safetensors").values()])


def test_places_of_a_run_share_no_prompt(build) -> None:
    task = build(dynamic_sampling=True, most_rounds=3)
    places = [Place(step, round_) for step in range(3) for round_ in range(3)]
    numbers = [p.number for place in places for p in task.sampler.prompts(place)]
    assert numbers == list(range(36))


def test_one_batch_is_learned_over_and_over_from_other_completions(build) -> None:
    task = build(overfit_single_batch=True)
    first, later = sample(task, 0).groups, sample(task, 5).groups
    assert [g.prompt for g in first] == [g.prompt for g in later]
    one, other = ([c.tokens_n.tolist() for g in gs for c in g.completions] for gs in (first, later))
    assert one != other


def test_the_likeliest_completions_are_rewarded_before_and_after_a_step(
    counting, train, tmp_path, records
) -> None:
    raw = counting | {"greedy_every": 2, "total_steps": 3}
    train(raw | {"lr": 1e-30}, "still")
    train(raw | {"lr": 0.1}, "moving")
    still, moving = (records(tmp_path / name, "train") for name in ("still", "moving"))
    for one, two, three in (still, moving):
        assert {"greedy/reward_before", "greedy/reward_after"} <= one.keys() & three.keys()
        assert "greedy/reward_before" not in two
    assert all(r["greedy/reward_before"] == r["greedy/reward_after"] for r in still[::2])
    assert any(r["greedy/reward_before"] != r["greedy/reward_after"] for r in moving[::2])


def test_a_policy_learns_what_is_rewarded_and_a_control_does_not(
    counting, train, tmp_path, records
) -> None:
    raw = counting | {"total_steps": 30, "lr": 1e-2, "eval_interval": 30, "group_size": 8}
    raw |= {"lr_schedule": "constant", "checkpoint_interval": 30, "kl_stop": None}
    gains = {}
    for name, shuffle in (("learning", False), ("control", True)):
        train(raw | {"shuffle_rewards": shuffle}, name)
        rewards = [r["reward"] for r in records(tmp_path / name, "train")]
        gains[name] = np.mean(rewards[-5:]) - np.mean(rewards[:5])
    assert gains["learning"] > 0.3 > 0.1 > abs(gains["control"])


def test_shuffled_rewards_stay_in_their_group_and_mean_nothing() -> None:
    rewards = np.random.default_rng(3).random((5, 8))
    rewards[1, 2] = np.nan
    moved = shuffled(rewards, seed=7, first=40)
    np.testing.assert_array_equal(np.sort(moved), np.sort(rewards))
    assert np.isnan(moved[1, 2])
    assert (moved != rewards).any(axis=1).all()
    np.testing.assert_array_equal(moved[2:], shuffled(rewards[2:], seed=7, first=42))


def test_a_step_too_far_warns_stops_and_can_be_gone_on_from(
    counting, train, tmp_path, records
) -> None:
    raw = counting | {"lr": 1e-3 * 1000, "total_steps": 8, "checkpoint_interval": 8}
    raw |= {"kl_warn": 1.0, "kl_stop": 2.0}  # from a uniform policy it is log 97 at most
    outcome = train(raw, "run")
    assert (outcome.reason, outcome.exit_code) == ("diverged", 3)
    assert "past kl_stop 2" in outcome.message
    events = [record["event"] for record in records(tmp_path / "run", "event")]
    assert events == ["start", "kl_warn", "kl_stop", "checkpoint", "stop"]
    assert records(tmp_path / "run", "train")[-1]["kl"] > 2
    checkpoint = tmp_path / "run/checkpoints" / outcome.checkpoint
    again = train(raw, "other", checkpoint)
    assert (again.reason, again.step) == ("diverged", outcome.step + 1)
    resumed = train(raw | {"kl_stop": None, "lr": 1e-6}, "run", checkpoint)
    assert (resumed.reason, resumed.step) == ("completed", 8)


def test_in_16_bits_the_kl_in_the_reward_is_nothing_at_first(counting) -> None:
    config = parse_config(counting | {"amp_dtype": "bfloat16", "kl_in": "reward", "beta": 0.1})
    runtime = Runtime(torch.device("cpu"), torch.bfloat16, compiled=False)
    task = PolicyTask(config, setup_of(config, runtime))
    assert (task._penalties(sample(task).groups) == 0).all()


def test_an_update_that_is_not_finite_is_refused_and_ten_in_a_row_end_the_run(
    counting, train, tmp_path, records, monkeypatch
) -> None:
    original, calls = PolicyTask.loss_sums, []

    def broken(self, batch):
        calls.append(batch)
        sums = original(self, batch)
        bad = len(calls) in (2, *range(4, 30))
        return sums | {"loss": sums["loss"] * (math.nan if bad else 1)}

    monkeypatch.setattr(PolicyTask, "loss_sums", broken)
    outcome = train(counting | {"total_steps": 20}, "run")
    assert (outcome.reason, outcome.step) == ("non_finite", 13)
    refused = [record["refused_updates"] for record in records(tmp_path / "run", "train")]
    assert refused == [0, 1, 0, *[1] * 10]
    saved = [weights(tmp_path / f"run/checkpoints/step_{s:08}") for s in (3, 6, 9)]
    assert all(x.isfinite().all() for x in saved)
    assert torch.equal(saved[1], saved[2])


VARIATIONS = {
    "plain": {},
    "several updates a step": {"inner_epochs": 2, "minibatches": 2, "algorithm": "dapo"},
    "a target": {"target_kl": 0.01, "beta": 0.1, "beta_warmup_steps": 1, "log_interval": 4},
    "in the reward": {"kl_in": "reward", "beta": 0.1, "greedy_every": 2, "num_workers": 0},
    "bfloat16": {"amp_dtype": "bfloat16", "echo_coef": 0.1, "algorithm": "gspo"},
}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_a_paused_and_resumed_run_equals_the_uninterrupted_one(
    counting, train, tmp_path, records, variation: str
) -> None:
    raw = counting | {"lr": 1e-2} | VARIATIONS[variation]
    train(raw, "whole")
    paused = train(raw | {"pause_after_steps": 2}, "same")
    train(raw, "same", tmp_path / "same/checkpoints" / paused.checkpoint)
    assert end_of(tmp_path / "same") == end_of(tmp_path / "whole")
    assert records(tmp_path / "same")[1:] == records(tmp_path / "whole")[1:]


def test_a_run_killed_in_the_middle_of_a_rollout_goes_on_bitwise(
    counting, train, warm, tmp_path, records
) -> None:
    raw = counting | {"lr": 1e-2, "num_workers": 0, "target_kl": 0.01, "beta": 0.1}
    train(raw, "whole")
    call = "pawn_core.language.completions:_Writing.write", 8 * 6 - 3
    train_until(warm, call, raw, tmp_path / "killed", prepare="counting:register")
    checkpoint = latest_verified(tmp_path / "killed/checkpoints")
    assert checkpoint.name == "step_00000003"
    before = len(records(tmp_path / "killed"))
    train(raw, "killed", checkpoint)
    assert before < len(records(tmp_path / "killed"))
    assert end_of(tmp_path / "killed") == end_of(tmp_path / "whole")
    assert records(tmp_path / "killed") == records(tmp_path / "whole")


def test_a_run_asked_to_stop_while_it_samples_has_not_begun_the_step(
    counting, train, tmp_path, records, monkeypatch
) -> None:
    train(counting, "whole")
    stop, original, writes = StopFlag(), _Writing.write, []

    def write(self, logits_bv):
        writes.append(None)
        if len(writes) == 8 * 3 - 4:
            stop.signal = signal.SIGTERM
        original(self, logits_bv)

    monkeypatch.setattr(_Writing, "write", write)
    outcome = train(counting, "same", stop=stop)
    assert (outcome.reason, outcome.step) == ("signal", 1)
    monkeypatch.setattr(_Writing, "write", original)
    train(counting, "same", tmp_path / "same/checkpoints" / outcome.checkpoint)
    assert end_of(tmp_path / "same") == end_of(tmp_path / "whole")


def test_other_weights_in_the_place_of_the_reference_are_refused(counting, train, tmp_path) -> None:
    paused = train(counting | {"pause_after_steps": 2}, "run")
    checkpoint = tmp_path / "run/checkpoints" / paused.checkpoint
    document = json.loads((checkpoint / "reference.json").read_text())
    assert document["source"] == counting["checkpoint"]
    (tmp_path / "base").rename(tmp_path / "old")
    with pytest.raises(ConfigError, match=r"reference that this run is held to .* Put it at"):
        train(counting, "run", checkpoint)
    write_base(tmp_path / "base", seed=2)
    with pytest.raises(ConfigError, match=document["sha256"]):
        train(counting, "run", checkpoint)
    (tmp_path / "base").rename(tmp_path / "wrong")
    (tmp_path / "old").rename(tmp_path / "base")
    assert train(counting, "run", checkpoint).reason == "completed"


def test_a_context_too_short_is_refused_by_field(counting, train) -> None:
    with pytest.raises(ConfigError, match=r"max_new_tokens 30 and prompts of 5 tokens .* 1 to 27"):
        train(counting | {"max_new_tokens": 30}, "run")


def test_echo_learns_right_completions_in_the_same_updates(build) -> None:
    task = build(echo_coef=0.5)
    rollouts = sample(task)
    (update,) = task.arrange(rollouts, 1)
    *parts, echo = update
    right = [8] * 4
    assert len(echo.targets_n) == sum(right)
    assert echo.counts.tokens == sum(len(part.targets_n) for part in update)
    expected = -0.5 * token_log_probs(task.model, echo).mean()
    found = task.loss_sums(echo)["loss"] / echo.counts.tokens
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert task.loss_sums(parts[0]).keys() == task.loss_sums(echo).keys()


def test_a_record_has_every_number_that_a_run_is_judged_by(counting, train, tmp_path) -> None:
    from pawn_core.metrics import MOST_FIELDS, read_records

    train(counting | {"beta": 0.1, "lr": 0.02, "log_interval": 3}, "run")
    found, _ = read_records(tmp_path / "run/metrics.jsonl")
    last = [record for record in found if record["type"] == "train"][-1]
    wanted = {
        "reward",
        "reward_std",
        "frac_reward_zero_std",
        "kl",
        "kl_loss",
        "policy_loss",
        "beta",
    }
    wanted |= {"entropy", "clip_ratio/low_mean", "clip_ratio/high_mean", "ratio", "grad_norm", "lr"}
    wanted |= {"rewards/counting/mean", "rewards/counting.count/mean", "sampling/rounds"}
    wanted |= {f"completions/{kind}_length" for kind in ("mean", "min", "max", "mean_terminated")}
    wanted |= {"completions/clipped_ratio", "tokens_per_s", "flops_per_s", "mfu", "step_s"}
    wanted |= {
        f"{phase}_s" for phase in ("generation", "rewards", "advantages", "scoring", "update")
    }
    assert wanted <= last.keys()
    assert len(last) < MOST_FIELDS
    assert last["kl_loss"] == pytest.approx(0.1 * last["kl"], rel=0.2)  # by completion, by token
    assert last["kl_loss"] < last["kl"]
    assert 0 < last["entropy"] < math.log(97)
    phases = sum(last[f"{phase}_s"] for phase in ("generation", "rewards", "scoring", "update"))
    assert phases <= last["step_s"]
    config = found[0]
    assert (config["tokenizer"], config["held_out"]) == (
        "characters",
        {"counting": {"plain": 2, "odd": 2}},
    )
    evals = [record["step"] for record in found if record["type"] == "eval"]
    assert evals == [0, 3, 6]
    assert found[-1]["type"] == "event"
