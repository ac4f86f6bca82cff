"""The scripts that take the command lines of other trainers of GRPO."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from pawn_core.config import RunConfig, parse_config
from pawn_core.options import config_fields

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import manual_grpo_debug
import train_rookworld_grpo
import translated


def trained(monkeypatch, script, line: str) -> tuple[RunConfig, list[str]]:
    """Return the config that a command line comes to, and the arguments of `pawn-train`."""
    given: list[str] = []
    monkeypatch.setattr(translated, "main", lambda arguments: given.extend(arguments) or 0)
    assert translated.run(script.flags(), script.PRESET, shlex.split(line), script.settled) == 0
    assert given[:2] == ["--config", str(script.PRESET)]
    preset = json.loads(script.PRESET.read_text())
    return parse_config(preset | config_fields(given[2:])), given


def test_the_command_of_the_experiments_log_is_the_run_that_it_names(monkeypatch) -> None:
    line = "--overfit_single_batch --steps 50 --batch_size 8 --gens 24"
    config, _ = trained(monkeypatch, manual_grpo_debug, line)
    named = config.model_dump()
    assert {n: named[n] for n in ("total_steps", "batch_size", "group_size")} == {
        "total_steps": 50,
        "batch_size": 8,
        "group_size": 24,
    }
    assert named["overfit_single_batch"]
    assert (named["reward_scheme"], named["mix_env_ratio"], named["beta"]) == ("trl", 0.0, 0.005)
    assert set(config.no_effect()) <= {"beta_warmup_steps"}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("--ga 4 --task_type A", {"accumulation_steps": 4, "mix_env_ratio": 1.0}),
        ("--steps 300", {"total_steps": 300, "eval_interval": 300, "checkpoint_interval": 300}),
        ("--eval_every 10 --checkpoint_every -1", {"eval_interval": 10, "checkpoint_interval": 50}),
        ("--beta_adapt", {"target_kl": 1.0, "beta_max": 0.05}),
        ("--learning_rate 3e-6 --entropy_coef 0.003", {"lr": 3e-6, "entropy_coef": 0.003}),
        ("--checkpoint runs/base --device cpu", {"checkpoint": "runs/base", "device": "cpu"}),
    ],
)
def test_flags_of_the_manual_script_become_fields(monkeypatch, line, fields) -> None:
    config, _ = trained(monkeypatch, manual_grpo_debug, line)
    assert {name: getattr(config, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("", {"total_steps": 1000, "reward_scheme": "rookworld", "advantage": "mean"}),
        ("--batch-positions 4 --group-size 16", {"batch_size": 4, "group_size": 16}),
        ("--kl-coef 0.02 --clip-range 0.1", {"beta": 0.02, "clip_eps": 0.1}),
        ("--mix-env-ratio 0.5 --kl-estimator kl3", {"mix_env_ratio": 0.5, "kl_estimator": "k2"}),
        ("--kl-warmup-steps 100 --kl-warmup-factor 0", {"beta_warmup_steps": 100}),
        ("--no-mixed-precision --no-torch-compile", {"amp_dtype": "none", "no_compile": True}),
        ("--torch-compile --model a/b", {"no_compile": False, "checkpoint": "a/b"}),
    ],
)
def test_flags_of_the_training_script_become_fields(monkeypatch, line, fields) -> None:
    config, _ = trained(monkeypatch, train_rookworld_grpo, line)
    assert {name: getattr(config, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("script", "line", "why"),
    [
        (manual_grpo_debug, "--eval_file x.json", "--eval_file is refused: held-out prompts"),
        (manual_grpo_debug, "--save_eval_samples", "--save_eval_samples is refused"),
        (manual_grpo_debug, "--lr_schedule advanced", "--lr_schedule advanced is refused"),
        (manual_grpo_debug, "--target_kl 2", "no effect without --beta_adapt"),
        (train_rookworld_grpo, "--n-parallel-games 4", "--n-parallel-games is refused: it has no"),
        (train_rookworld_grpo, "--stockfish-time 0.1", "--stockfish-depth"),
        (train_rookworld_grpo, "--kl-estimator kl1", "kl1 is refused: .* no gradient"),
        (train_rookworld_grpo, "--kl-estimator kl2", "kl2 is refused: .* estimates no KL"),
        (train_rookworld_grpo, "--kl-warmup-factor 0.5", "--kl-warmup-factor is refused"),
        (train_rookworld_grpo, "--auto-resume", "--auto-resume is refused: .*--resume RUN"),
    ],
)
def test_flags_without_a_meaning_are_refused_by_name_with_the_reason(
    script, line, why, capsys
) -> None:
    with pytest.raises(SystemExit) as ended:
        translated.run(script.flags(), script.PRESET, shlex.split(line), script.settled)
    assert ended.value.code == 2
    assert re.search(why, capsys.readouterr().err.replace("\n", " "))


def test_a_flag_of_neither_is_refused_by_the_trainer(capsys) -> None:
    flags = manual_grpo_debug.flags()
    assert translated.run(flags, manual_grpo_debug.PRESET, ["--gamma", "1"]) == 2
    assert "--gamma is not an option" in capsys.readouterr().err


def test_the_config_is_printed_for_a_launch(capsys) -> None:
    arguments = ["--as-config", "--gens", "24", "--checkpoint", "trial:3@best"]
    flags, preset = manual_grpo_debug.flags(), manual_grpo_debug.PRESET
    assert translated.run(flags, preset, arguments, manual_grpo_debug.settled) == 0
    config = parse_config(json.loads(capsys.readouterr().out))
    assert config.weights_named() == {"checkpoint": "trial:3@best"}


def test_a_resumed_run_keeps_what_its_preset_does_not_say_again(monkeypatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(translated, "main", lambda arguments: given.extend(arguments) or 0)
    line = ["--resume-from-checkpoint", "runs/x", "--steps", "2000"]
    flags, preset = train_rookworld_grpo.flags(), train_rookworld_grpo.PRESET
    translated.run(flags, preset, line, train_rookworld_grpo.settled)
    assert given == ["--resume", "runs/x", "--total-steps", "2000"]
