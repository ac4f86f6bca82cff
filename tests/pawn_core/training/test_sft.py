"""Supervised learning of text tasks: what is learned, from where, and what comes back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from analysing import BY_THE_RULES, DIES_OVER_BLACK, write_analyser
from counting import register
from ends import assert_same_end
from killed import train_until
from text_runs import SFT
from tiny import setup_of

from pawn_core.checkpoint import latest_verified
from pawn_core.config import ConfigError, parse_config, tasks
from pawn_core.data.sequences import Batch
from pawn_core.language import (
    CharacterVocabulary,
    TextSampling,
    complete,
    load_text_model,
    token_log_probs,
)
from pawn_core.run_paths import MODEL, OPTIMIZER, TEXT_FILES
from pawn_core.runtime import Runtime
from pawn_core.tasks import Mixture, TaskSettings
from pawn_core.training.held_out import HeldOut, rates
from pawn_core.training.sft import SftTask

CPU = Runtime(torch.device("cpu"), None, compiled=False)
BOTH = {"mix_env_ratio": 0.5}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def by_the_rules(tmp_path: Path) -> dict[str, Any]:
    """Return fields of runs whose `P:` prompts a small program answers."""
    path = write_analyser(tmp_path / "program", answer=BY_THE_RULES)
    return {"stockfish_path": path, "analysis_cache": str(tmp_path / "answers.sqlite")}


def task_of(**fields: Any) -> SftTask:
    config = parse_config(SFT | {"local_checkpoints": True} | fields)
    return SftTask(config, setup_of(config, CPU))  # type: ignore[arg-type]


def texts(task: SftTask, index: int) -> list[str]:
    """Return what the rows of a batch say."""
    [batch] = task.make_batch(index)
    return texts_of(batch)


def texts_of(batch: Batch) -> list[str]:
    """Return what rows say."""
    decode = CharacterVocabulary().decode
    return [decode([i for i in row if i]) for row in batch.tokens_bt.tolist()]


def test_both_tasks_are_learned_and_verified_and_the_model_loads_as_one_of_text(
    train, tmp_path, records, by_the_rules
) -> None:
    raw = SFT | BOTH | by_the_rules
    train(raw, "run")
    first, *_, last = records(tmp_path / "run", "eval")
    assert last["val_loss"] < first["val_loss"]
    losses = (last["policy_loss"], last["environment_loss"])
    assert min(losses) <= last["val_loss"] <= max(losses)
    for name in ("policy_best", "policy_ended", "environment_fen_exact", "environment_exact"):
        assert 0.0 <= last[name] <= 1.0
    [begin] = records(tmp_path / "run", "config")
    assert begin["held_out"].keys() == {"policy", "environment"}
    checkpoint = latest_verified(tmp_path / "run/checkpoints")
    assert {path.name for path in checkpoint.iterdir()} == {*TEXT_FILES, ".complete"}
    model = load_text_model(str(checkpoint), tmp_path)
    assert model.parameters == begin["parameters"]
    written = complete(model, [model.tokenizer.encode("A: ")], TextSampling(4, temperature=0.0))
    assert len(written.tokens[0]) <= 4


def test_the_loss_is_that_of_the_completions_tokens_alone() -> None:
    task = task_of()
    [batch] = task.make_batch(0)
    total = task.loss_sums(batch)["loss"]
    expected = -token_log_probs(task.model, batch).sum()
    np.testing.assert_allclose(total.item(), expected.item(), rtol=1e-5)
    answers = ["+".join(text.split("+")[2:]) for text in texts(task, 0)]  # behind FEN and move
    assert len(batch.targets_n) == sum(len(answer) + 1 for answer in answers)
    assert (batch.targets_n == CharacterVocabulary().end).sum() == len(answers)


def test_a_paused_and_resumed_run_equals_the_uninterrupted_one(train, tmp_path, records) -> None:
    train(SFT, "whole")
    paused = train(SFT | {"pause_after_steps": 5}, "part")
    train(SFT, "part", tmp_path / "part/checkpoints" / paused.checkpoint)
    assert_same_end(tmp_path / "whole", tmp_path / "part", (MODEL, OPTIMIZER))
    whole, part = (records(tmp_path / name)[1:] for name in ("whole", "part"))
    assert part == whole


def test_a_run_killed_in_the_middle_of_a_save_goes_on_bitwise(
    train, tmp_path, records, warm
) -> None:
    train(SFT, "whole")
    raw = SFT | {"num_workers": 0}
    train_until(warm, ("pawn_core.checkpoint.store._publish", 3), raw, tmp_path / "killed")
    train(raw, "killed", latest_verified(tmp_path / "killed/checkpoints"))
    assert_same_end(tmp_path / "whole", tmp_path / "killed", (MODEL, OPTIMIZER))
    assert records(tmp_path / "killed", "train", "eval") == (
        records(tmp_path / "whole", "train", "eval")
    )


def test_it_starts_from_another_runs_weights_whose_dimensions_it_takes(
    train, tmp_path, records
) -> None:
    train(SFT, "base")
    base = str(latest_verified(tmp_path / "base/checkpoints"))
    small = {n: v for n, v in SFT.items() if n not in ("variant", "d_model", "n_layers", "n_heads")}
    train(small | {"checkpoint": base, "lr": 1e-30, "total_steps": 1}, "next")
    before, after = (records(tmp_path / name, "eval")[-1] for name in ("base", "next"))
    np.testing.assert_allclose(after["val_loss"], before["val_loss"], rtol=1e-6)
    [begin] = records(tmp_path / "next", "config")
    assert begin["origin"]["source"] == base
    assert begin["origin"]["step"] == 8


def test_a_curriculum_changes_what_is_learned_from_its_step_on_and_not_what_is_held_out() -> None:
    plain, staged = task_of(), task_of(curriculum={"3": {"men_max": 4}}, max_ply=400)
    few = task_of(men_max=4, max_ply=400)
    whole = task_of(max_ply=400)
    assert texts(staged, 2) == texts(whole, 2) != texts(few, 2)
    assert texts(staged, 3) == texts(few, 3)
    assert plain.describe()["held_out"].keys() == {"environment"}
    assert staged.describe() == whole.describe()


def test_prompts_that_the_chess_program_dies_of_are_left_out(tmp_path) -> None:
    program = write_analyser(tmp_path / "program", on_go=DIES_OVER_BLACK, answer=BY_THE_RULES)
    fields = {"stockfish_path": program, "analysis_cache": str(tmp_path / "answers.sqlite")}
    task = task_of(**fields, mix_env_ratio=0.0, batch_size=6)
    [batch] = task.make_batch(0)
    assert 0 < batch.games < 6
    assert all(" w " in text for text in texts_of(batch))
    task.close()


def test_a_context_too_short_for_the_prompts_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"max_seq_len 64 is too short for .* allowed: \d+ up"):
        task_of(max_seq_len=64)


def test_right_completions_have_rates_of_one_and_a_third_task_is_counted_too(monkeypatch) -> None:
    register(monkeypatch)
    settings = TaskSettings(shares={"environment": 0.5, "counting": 0.5}, val_prompts=24)
    mixture = Mixture(settings)
    held_out = HeldOut(mixture, mixture.held_out(), 100)
    for task, prompts in held_out.prompts.items():
        [scored] = mixture.score(prompts, mixture.completions(prompts))
        found = rates(mixture, scored)
        right = {"environment": 1.0, "counting": 7 / 8}[task]  # "letters" has one letter too few
        assert {value for value in found.values() if value is not None} == {right}
        counts = held_out.counts()[task]
        headline = tasks.task_kind(task).headline
        for stratum, count in counts.items():
            assert (found[f"{task}_{headline}_{stratum}"] is None) == (count == 0)
