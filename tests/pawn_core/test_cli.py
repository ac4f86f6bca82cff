"""`pawn-train`: one list of options, clear errors, exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pawn_core import cli
from pawn_core.config import RUN_TYPES, PretrainConfig, parse_config
from pawn_core.metrics import read_records
from pawn_core.options import _build_app, given_options
from pawn_core.training.outcome import Outcome

FLAGS = ["--variant=toy", "--local-checkpoints", "--total-steps=2", "--batch-size=2"]
FLAGS += ["--max-seq-len=16", "--val-games=2", "--num-workers=0", "--device=cpu"]
FLAGS += ["--no-compile", "--no-outcome-token"]


def test_every_config_field_is_an_option() -> None:
    options = _build_app().assemble_argument_collection()
    flags = {flag for option in options for flag in option.names}
    for run_type in RUN_TYPES:
        for name in run_type.config.model_fields:
            assert f"--{name.replace('_', '-')}" in flags


def test_flags_give_the_config_and_only_what_was_given_counts_as_set() -> None:
    config, resume = cli._read_config(
        given_options([*FLAGS, "--lr", "1e-3", "--pause-after-steps", "1"])
    )
    assert isinstance(config, PretrainConfig)
    assert resume is None
    assert (config.variant, config.lr, config.pause_after_steps) == ("toy", 1e-3, 1)
    assert (config.no_compile, config.no_outcome_token, config.local_checkpoints) == (True,) * 3
    assert "weight_decay" not in config.model_fields_set
    assert "lr" in config.model_fields_set


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(
        '{"variant": "toy", "local_checkpoints": true, "no_compile": true, "patience": 3}'
    )
    options = given_options(["--config", str(path), "--lr=0.5", "--compile", "--patience", "null"])
    config, _ = cli._read_config(options)
    assert (config.lr, config.no_compile, config.patience) == (0.5, False, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--varient", "toy"], r"--varient is not an option; did you mean '--variant'\?"),
        (["--learning-rate", "1"], r"--learning-rate is not an option; did you mean '--lr'\?"),
        (["--batch_sizes=2"], r"--batch_sizes=2 is not an option; did you mean '--batch-size'\?"),
        (["--outcome_tokens"], r"did you mean '--outcome-token'\?"),
        (
            ["--lr", "nan", "--local-checkpoints"],
            r"lr 'nan' is not allowed: .*allowed: > 0 and <= 1",
        ),
        (
            ["--variant", "huge", "--local-checkpoints"],
            r"variant 'huge' is unknown; one of: toy, small",
        ),
        (["--total-steps", "abc", "--local-checkpoints"], "total_steps 'abc' is not allowed: "),
        (["--lr"], "argument --lr: expected one argument"),
        (["--no-compile=maybe"], '--no-compile: unable to convert "maybe" into bool'),
        (["toy"], "toy is not an option"),
        (["--config", "/no/such/file"], "/no/such/file: No such file or directory"),
        (["--config", "7"], "7: No such file or directory"),
        (["--resume", "/no/such/checkpoint"], "No such file or directory"),
        (["--variant", "toy"], "set exactly one of local_checkpoints"),
        (["--variant", "toy", "--hf-repo", "a/../b"], "hf_repo 'a/../b' is not allowed"),
        ([*FLAGS, "--d-model", "65"], "d_model 65 is not divisible by n_heads 4"),
    ],
)
def test_a_bad_argument_is_one_clear_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(f"^pawn-train: .*{message}", line)


@pytest.mark.parametrize("content", ["", "[1]", "{'a': 1}", "[" * 100_000, "\xff"])
def test_a_config_file_that_is_not_a_json_object_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content.encode("latin-1"))
    assert cli.main(["--config", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_damaged_checkpoint_is_a_clear_line_and_exit_2(
    tiny, train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny, "run")
    checkpoint = tmp_path / "run/checkpoints/step_00000008"
    (checkpoint / "model.safetensors").write_bytes(b"damaged")
    code = cli.main(["--resume", str(checkpoint), "--run-dir", str(tmp_path / "new")])
    assert code == 2
    assert "model.safetensors does not match its SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_checkpoint_alone_is_enough_to_go_on_without_its_pause(tiny, train, tmp_path) -> None:
    paused = train(tiny | {"pause_after_steps": 5}, "run")
    checkpoint = tmp_path / "run/checkpoints" / paused.checkpoint
    run_dir = tmp_path / "new"
    assert cli.main(["--resume", str(checkpoint), "--run-dir", str(run_dir)]) == 0
    outcome = json.loads((run_dir / "outcome.json").read_text())
    assert (outcome["reason"], outcome["step"]) == ("completed", 12)


def test_without_a_run_dir_one_is_made_under_logs_and_the_compiler_stays_out(
    tmp_path: Path,
) -> None:
    """A process of its own: which modules a run, and what fits probes, import is the subject."""
    code = f"""
import sys
import torch
from pawn_core.cli import main
from pawn_core.evaluation.probes.fit import Fit
from pawn_core.evaluation.probes.heads import LinearHeads
from pawn_core.evaluation.probes.moments import CLASSIFICATIONS
code = main({FLAGS!r})
Fit(LinearHeads(CLASSIFICATIONS, 1, 8), torch.device("cpu"))
assert "torch._dynamo" not in sys.modules, "importing the compiler costs seconds"
sys.exit(code)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    (run_dir,) = (tmp_path / "logs").iterdir()
    assert re.fullmatch(r"run_\d{8}_\d{6}_[a-z]+-[a-z]+", run_dir.name)
    assert (run_dir / "checkpoints" / "step_00000002").is_dir()


def test_the_script_is_the_same_entry(capfd: pytest.CaptureFixture[str]) -> None:
    script = Path(__file__).parents[2] / "scripts" / "train.py"
    found = subprocess.run([sys.executable, script, "--lr", "2"], capture_output=True, text=True)
    assert found.returncode == 2
    assert found.stderr.startswith("pawn-train: ")


def test_sigterm_saves_and_exits_143_and_a_second_one_changes_nothing(
    tiny, spawn, tmp_path: Path
) -> None:
    process = spawn(tiny | {"total_steps": 100_000, "checkpoint_interval": 50_000}, "run")
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 280
    while not any(r["type"] == "train" for r in read_records(metrics)[0]):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(280) == 143
    outcome = json.loads((tmp_path / "run" / "outcome.json").read_text())
    assert (outcome["reason"], outcome["message"]) == ("signal", "stopped by SIGTERM")
    assert outcome["checkpoint"] == f"step_{outcome['step']:08d}"
    assert (tmp_path / "run/checkpoints" / outcome["checkpoint"] / ".complete").is_file()


@pytest.mark.parametrize("place", ["", "run", "run/checkpoints/step_00000012"])
def test_a_run_folder_means_its_newest_whole_checkpoint(
    tiny, train, tmp_path: Path, place: str
) -> None:
    train(tiny, "trial/run")
    options = given_options(["--resume", str(tmp_path / "trial" / place), "--total-steps=20"])
    newest = tmp_path / "trial/run/checkpoints/step_00000012"
    assert cli._read_config(options)[1] == newest
    if not place.endswith("12"):
        (newest / "model.safetensors").write_bytes(b"damaged")
        assert cli._read_config(options)[1] == newest.with_name("step_00000008")


def test_a_run_folder_without_a_whole_checkpoint_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoints/step_00000004").mkdir(parents=True)
    assert cli.main(["--resume", str(tmp_path)]) == 2
    assert "checkpoints holds no whole checkpoint" in capsys.readouterr().err


def test_a_person_reads_where_the_run_is_how_far_it_got_and_how_to_go_on(
    tiny, spawn_warm, tmp_path: Path
) -> None:
    process = spawn_warm(tiny | {"pause_after_steps": 8}, "run")
    lines = process.communicate(timeout=280)[1].splitlines()
    run = tmp_path / "run"
    assert lines[0] == f"pawn-train: run folder {run}, 1 threads; loading torch"
    assert lines[1] == "pawn-train: Ctrl-C saves a checkpoint at the end of a step and stops"
    trained = [line for line in lines if " train loss " in line]
    assert re.search(r"step 6/8 train loss .*, \d:\d\d:\d\d left$", trained[1])
    assert lines[-1] == (
        f"pawn-train: paused after 8 steps; newest checkpoint {run}/checkpoints/step_00000008; "
        f"to go on: pawn-train --resume {run} --run-dir {run}"
    )
    command = lines[-1].partition("to go on: pawn-train ")[2].split()
    assert cli.main(command) == 0
    outcome = json.loads((run / "outcome.json").read_text())
    assert (outcome["reason"], outcome["step"]) == ("completed", 12)


@pytest.mark.parametrize(
    ("reason", "more"), [("patience", " --patience N"), ("completed", " --total-steps N")]
)
def test_a_run_that_has_ended_is_told_which_option_lets_it_go_on(
    tiny, tmp_path: Path, reason: str, more: str
) -> None:
    ended = Outcome(reason, 8, f"ended by {reason}", "step_00000008")
    farewell = cli._farewell(ended, parse_config(tiny), tmp_path)
    assert farewell.endswith(f"--resume {tmp_path} --run-dir {tmp_path}{more}")


def test_a_supervised_run_is_not_told_how_to_go_on_by_hand(tiny, spawn_warm, monkeypatch) -> None:
    monkeypatch.setenv("PAWN_TRIAL_TOKEN", "t")
    assert "pawn-train:" not in spawn_warm(tiny, "run").communicate(timeout=280)[1]


def test_ctrl_c_says_at_once_what_it_does_and_a_later_one_ends_at_once() -> None:
    """A process that never comes to the end of its step."""
    code = """
import time
from pawn_core import signals
stop = signals.StopFlag().install()
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == (
            "SIGINT: a checkpoint is saved at the end of this step; Ctrl-C again ends at once, "
            "unsaved\n"
        )
        process.send_signal(signal.SIGINT)  # within the same second: a launcher's copy of it
        process.send_signal(signal.SIGTERM)
        time.sleep(1.1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().startswith("SIGINT again: ends unsaved")


def test_help_names_choices_defaults_and_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--lr FLOAT Peak learning rate. [> 0, <= 1] [default: 0.0003]" in text
    assert (
        "--run-type CHOICE Kind of run. [choices: pretrain, cotrain, adapter, sft, grpo, "
        "multitask, eval, import] [default: pretrain]" in text
    )
    assert "--resume PATH Checkpoint directory to go on from, or a run's folder: its newest" in text
    assert "pawn-train --variant toy --local-checkpoints --total-steps 200 --device cpu" in text


def test_help_lists_the_fields_of_one_run_type_under_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shared, *panels = re.split(r" Of run_type (.*) only ", capsys.readouterr().out)
    only = dict(zip(panels[::2], panels[1::2], strict=True))
    assert ("--seed " in shared, "--lr " in shared, "--weights " in shared) == (True, False, False)
    assert "--lr " in only["pretrain, cotrain, adapter, sft, grpo, multitask"]
    assert "--variants " in only["cotrain"]
    assert "--variant " in only["pretrain, sft, multitask"]
    assert "--strategy " in only["adapter"]
    assert "--weights " in only["eval, import"]


def test_a_list_of_names_is_one_option_and_a_field_without_default_shows_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "[default: legality]" in text
    assert "--empty-evals" not in text
    assert "Undefined" not in text
    assert given_options(["--evals", "legality,generation"]) == {"evals": "legality,generation"}


def test_help_never_imports_torch() -> None:
    """A process of its own: which modules it imports is the subject."""
    code = """
import contextlib, sys
from pawn_core.cli import main
with contextlib.suppress(SystemExit):
    main(["--help"])
assert "torch" not in sys.modules, "its import takes seconds"
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_flag_may_be_spelled_as_its_field_and_the_last_of_several_counts() -> None:
    assert given_options(["--batch_size=2", "--lr=1", "--no_amp", "--lr", "-2e-3"]) == {
        "batch_size": 2,
        "lr": -0.002,
        "no_amp": True,
    }


def test_a_place_on_the_command_line_takes_the_configs_place(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"variant": "toy", "local_checkpoints": true}')
    pushed, _ = cli._read_config(given_options(["--config", str(path), "--hf-repo", "o/n"]))
    assert (pushed.hf_repo, pushed.local_checkpoints) == ("o/n", False)
    path.write_text('{"variant": "toy", "hf_repo": "o/n"}')
    kept, _ = cli._read_config(given_options(["--config", str(path), "--local-checkpoints"]))
    assert (kept.hf_repo, kept.local_checkpoints) == (None, True)


def test_auto_resume_starts_where_there_is_nothing_and_goes_on_where_there_is(
    tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, run_dir = tmp_path / "c.json", tmp_path / "run"
    command = ["--config", str(config), "--run-dir", str(run_dir), "--auto-resume"]
    config.write_text(json.dumps(tiny | {"pause_after_steps": 4}))
    assert cli.main(command) == 0
    assert f"starts, for {run_dir} holds no checkpoint" in capsys.readouterr().err
    config.write_text(json.dumps(tiny))
    assert cli.main(command) == 0
    assert f"goes on from {run_dir}/checkpoints/step_00000004" in capsys.readouterr().err
    assert json.loads((run_dir / "outcome.json").read_text())["step"] == 12


def test_auto_resume_begins_anew_what_ended_before_its_first_checkpoint(
    tiny, train, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("pawn_core.training.observers.store.save", _full_disk)
    assert train(tiny, "run").reason == "error"
    monkeypatch.undo()
    config, run_dir = tmp_path / "c.json", tmp_path / "run"
    config.write_text(json.dumps(tiny))
    command = ["--config", str(config), "--run-dir", str(run_dir)]
    assert cli.main(command) == 2  # without the flag it holds a run
    assert cli.main([*command, "--auto-resume"]) == 0
    steps = [r["step"] for r in read_records(run_dir / "metrics.jsonl")[0] if r["type"] == "train"]
    assert steps == [3, 6, 9, 12]


def _full_disk(*_) -> None:
    raise OSError("no space left")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--auto-resume"], "--auto-resume needs --run-dir"),
        (["--auto-resume", "--run-dir", "x", "--resume", "y"], "give one"),
    ],
)
def test_auto_resume_says_what_it_lacks(capsys, arguments: list[str], message: str) -> None:
    assert cli.main([*FLAGS, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_auto_resume_does_not_begin_anew_over_damaged_checkpoints(
    tiny, train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny | {"total_steps": 4}, "run")
    (tmp_path / "run/checkpoints/step_00000004/model.safetensors").write_bytes(b"damaged")
    assert cli.main([*FLAGS, "--auto-resume", "--run-dir", str(tmp_path / "run")]) == 2
    assert "holds no whole checkpoint: step_00000004" in capsys.readouterr().err
    assert (tmp_path / "run/metrics.jsonl").exists()
