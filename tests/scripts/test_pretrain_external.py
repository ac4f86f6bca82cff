"""scripts/pretrain_external.py takes the command lines of Matrix0's tool of that name."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from made_positions import made_positions

from pawn_core.config import parse_config
from pawn_core.config.position_tasks import POSITION_TASKS

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import pretrain_external
import translated
from pretrain_external import PRESET

SHARED = """--config config.yaml --batch-size 96 --lr 0.001 --weight-decay 1e-4 --ema-decay 0.999
    --ssl-weight 0.15 --ssl-warmup-steps 500 --checkpoint-in checkpoints/enhanced_best.pt
    --save-every 5000 --use-amp --curriculum stockfish --progress-interval 100
    --grad-clip-norm 0.5 """
SEED_40K = f"""{SHARED} --steps 40000 --checkpoint-out checkpoints/pretrained_40k.pt
    --checkpoint-prefix pretrained_40k --auto-resume --accum-steps 1 --ssl-every-n 1
    --ssl-chunk-size 128"""
SEED_100K = f"{SHARED} --steps 100000 --checkpoint-out checkpoints/pretrained_100k.pt"


@pytest.fixture
def as_config(capsys):
    """Return what a command line prints with `--as-config`."""

    def by(line: str) -> dict[str, Any]:
        assert run(f"--as-config {line}") == 0
        return json.loads(capsys.readouterr().out)

    return by


@pytest.fixture
def options(monkeypatch):
    """Return the options that a command line gives `pawn-train`."""

    def by(line: str) -> list[str]:
        given: list[str] = []
        monkeypatch.setattr(translated, "main", lambda arguments: given.extend(arguments) or 0)
        assert run(line) == 0
        return given

    return by


def run(line: str) -> int:
    flags, settled = pretrain_external.flags(), pretrain_external.settled
    return translated.run(flags, PRESET, shlex.split(line), settled)


@pytest.fixture
def enhanced_best(monkeypatch, tmp_path) -> Path:
    """Return the checkpoint of a run that stands for `checkpoints/enhanced_best.pt`."""
    monkeypatch.chdir(tmp_path)
    run = Path("checkpoints/enhanced_best/checkpoints/step_00000002")
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    monkeypatch.setattr(pretrain_external, "latest_verified", lambda saved: run)
    return run


@pytest.mark.parametrize(
    ("line", "preset", "folder"),
    [
        (SEED_40K, "matrix0-40k", "checkpoints/pretrained_40k"),
        (SEED_100K, "matrix0-100k", "checkpoints/pretrained_100k"),
    ],
)
def test_the_commands_of_the_original_are_the_presets(
    as_config, options, enhanced_best, line: str, preset: str, folder: str
) -> None:
    fields, given = as_config(line), options(line)
    assert fields.pop("checkpoint") == str(enhanced_best)
    assert fields == json.loads((translated.PLANS / f"{preset}.json").read_text())
    assert given[given.index("--run-dir") + 1] == folder
    assert ("--auto-resume" in given) == ("--auto-resume" in line)


@pytest.mark.parametrize("preset", ["matrix0-40k", "matrix0-100k"])
def test_a_preset_is_a_config_that_leaves_no_flag_of_the_original_to_a_default(preset) -> None:
    raw = json.loads((translated.PLANS / f"{preset}.json").read_text())
    config = parse_config(raw)
    assert config.model_dump(include=raw.keys()) == raw
    assert {f"ssl_{task.name}_weight" for task in POSITION_TASKS} <= raw.keys()


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("--steps 929 --eval-batches 10", {"total_steps": 929, "val_positions": 960}),
        ("--accum-steps 4", {"accumulation_steps": 4, "batch_size": 384}),
        ("--accum-steps 2 --batch-size 8", {"accumulation_steps": 2, "batch_size": 16}),
        ("--eval-batches 5 --accum-steps 2", {"val_positions": 480, "batch_size": 192}),
        ("--no-ema", {"ema_decay": None}),
        ("--lr-warmup-steps 7 --grad-clip-norm 2", {"warmup_steps": 7, "max_grad_norm": 2.0}),
        ("--use-amp --device cpu", {"amp_dtype": "float16", "device": "cpu"}),
        ("--curriculum mixture", {"domain_order": "mixture"}),
        ("--stockfish-root a/b --phase-workers 3", {"positions": "a/b", "num_workers": 3}),
        ("--value-loss mse --label-smoothing 0", {"value_loss": "mse", "label_smoothing": 0.0}),
        ("--huber-delta 0.5", {"huber_delta": 0.5}),
        ("--ssl-weight 0 --ssl-every-n 2 --clip-every 1", {"ssl_weight": 0.0, "ssl_every_n": 2}),
    ],
)
def test_flags_become_fields(as_config, line: str, fields: dict[str, Any]) -> None:
    config = parse_config(as_config(line))
    assert {name: getattr(config, name) for name in fields} == fields


def test_every_task_has_its_weight(as_config) -> None:
    weights = {f"ssl_{task.name}_weight": 0.1 * k for k, task in enumerate(POSITION_TASKS, 1)}
    line = " ".join(f"--{name.replace('_', '-')} {weight}" for name, weight in weights.items())
    fields = as_config(line)
    assert {name: fields[name] for name in weights} == weights


def test_weights_of_teacher_and_external_stand_beside_the_others(as_config) -> None:
    weights = as_config("--teacher-weight 0 --external-weight 0.2")["domain_weights"]
    usual = as_config("")["domain_weights"]
    assert weights == usual | {"teacher": 0.0, "external": 0.2}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("--source mixed", "--source is refused: .*--domain-weights"),
        ("--phase-prefetch 2", "--phase-prefetch is refused: .*--phase-workers"),
        ("--clip-every 4", "--clip-every 4 is refused"),
        ("--curriculum legacy", "--curriculum legacy is refused: .*--curriculum mixture"),
        ("--checkpoint-in old/best.pt", "old/best.pt: the run in old/best .* no whole checkpoint"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name_with_the_reason(
    capsys, line: str, why: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(line)
    assert ended.value.code == 2
    assert re.search(why, capsys.readouterr().err.replace("\n", " "))


def test_the_originals_file_of_dimensions_is_taken_and_said_to_do_nothing(options, capsys) -> None:
    assert options("--config config.yaml") == ["--config", str(PRESET)]
    assert "--config config.yaml has no effect" in capsys.readouterr().err


def test_a_resumed_run_keeps_what_its_preset_does_not_say_again(options) -> None:
    given = options("--resume-from runs/x --steps 20")
    assert given == ["--resume", "runs/x", "--total-steps", "20"]


def test_one_command_trains_goes_on_and_another_starts_from_what_it_saved(
    monkeypatch, tmp_path, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    made_positions(tmp_path / "positions", count=32)
    small = """--stockfish-root positions --steps 2 --batch-size 4 --accum-steps 2 --save-every 1
        --curriculum stockfish --eval-batches 2 --lr-warmup-steps 1 --variant toy --device cpu
        --amp-dtype none --eval-interval 2 --auto-resume"""
    first = f"{small} --checkpoint-out checkpoints/first.pt"
    assert run(f"{first} --pause-after-steps 1") == 0
    assert run(first) == 0
    assert "goes on from checkpoints/first/checkpoints/step_00000001" in capsys.readouterr().err
    second = f"{small} --checkpoint-in checkpoints/first.pt --checkpoint-out checkpoints/second.pt"
    assert run(second) == 0
    config = json.loads(Path("checkpoints/second/config.json").read_text(encoding="utf-8"))
    assert config["checkpoint"] == "checkpoints/first/checkpoints/step_00000002"
    assert config["batch_size"] == 8
