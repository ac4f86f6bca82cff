"""Hostile configs, names and environments: refused or harmless, and never told."""

import contextlib
import itertools
import json
import os
import random
import secrets
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lab_testing import CONFIG, ended, open_gate

from pawn_core.config import ConfigError, config_json_schema, parse_config
from pawn_lab.errors import LabError
from pawn_lab.lab import killing, launching, queries
from pawn_lab.states import State
from pawn_lab.tools import TOOLS

MOST_REFUSAL_S = 0.05
SECRETS = 1000
NUMBERS = [0, -1, -0.0, 1e30, -1e30, 1e-320, 2**63, 2**200, float("nan"), float("inf"), True]
TEXTS = ["", "nan", "cuda:99", "../..", "\x00", "\u202e", "x" * 10_000, "cpu\n", "toy "]
NESTED = [[], {}, None, [[[[]]]], {"a": {"a": {}}}, ["toy"], {"type": "toy"}]
PATHS = ["../../escape", "/tmp/escape", "a/../../escape", "..", ".", "~", "-rf", "--help", "$(id)"]
PATHS += ["`id`", "; id", "a b", "a\x00b", "a\nb", "\x1b]0;x\x07", "\u202egnp", "CON", "x" * 300]
PATHS += ["%2e%2e%2fescape", "file:///etc/passwd", "{0}", "%s", "{{x}}", "*", "lab.db", "trials/1"]
WRAPS = ["{}/../..", "./{}", "{}\t", "\ufeff{}", "{}.json", "step_{}", "{}@main", "owner/{}", "-{}"]
WRAPS += ["{}\\..", "plans/{}", "'{}'"]
CORPUS = PATHS + [wrap.replace("{}", path) for wrap in WRAPS for path in PATHS]


RESOLVED = parse_config(CONFIG).model_dump(mode="json")


def hostile_config(rng: random.Random) -> dict[str, Any]:
    """Return a config with up to three fields of any value, or of another name."""
    names = [*sorted(RESOLVED), "lr ", "LR", "__class__", "../x", ""]
    chosen = rng.sample(names, rng.randint(1, 3))
    return CONFIG | {name: hostile_value(rng, name) for name in chosen}


def hostile_value(rng: random.Random, name: str) -> Any:
    """Return a value of any kind, or at times the field's own."""
    own = [RESOLVED[name]] * 20 if name in RESOLVED else []
    return rng.choice([*NUMBERS, *TEXTS, *NESTED, *own])


def check_configs(count: int, seed: int) -> None:
    """Parse hostile configs: what is accepted is in the schema, and refusals are quick."""
    rng = random.Random(seed)
    schema = jsonschema.Draft202012Validator(config_json_schema())
    refusals_s: list[float] = []
    for _ in range(count):
        raw = hostile_config(rng)
        started = time.thread_time()
        try:
            parse_config(raw)
        except ConfigError:
            refusals_s.append(time.thread_time() - started)
        else:
            assert schema.is_valid(raw), (seed, raw)
    assert 0 < len(refusals_s) < count
    assert sorted(refusals_s)[len(refusals_s) * 99 // 100] <= MOST_REFUSAL_S


def test_two_thousand_hostile_configs_are_in_the_schema_or_refused_at_once():
    check_configs(2000, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_hostile_configs_are_in_the_schema_or_refused_at_once():
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    check_configs(100_000, seed)


def test_a_config_of_ten_megabytes_is_refused_at_once(open_lab):
    started = time.thread_time()
    with pytest.raises(LabError, match="is over 65536 bytes"):
        launching.launch(open_lab(), CONFIG | {"variant": "x" * 10_000_000})
    assert time.thread_time() - started <= 10 * MOST_REFUSAL_S  # written as JSON once


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_name_of_a_caller_becomes_a_path(open_lab, workspace: Path, tool):
    lab = open_lab("complete")
    outside = listing(workspace.parent, workspace)
    for name, argument in itertools.product(CORPUS, tool.signature.parameters):
        for value in (name, [name]):
            with contextlib.suppress(LabError, ConfigError):
                tool(lab, {argument: value})
    assert listing(workspace.parent, workspace) == outside
    assert not Path("/tmp/escape").exists()
    assert not [path for path in workspace.rglob("*") if "escape" in path.name]


@pytest.mark.parametrize("field", ["weights", "pgn", "play_opponent"])
def test_whatever_names_a_file_of_an_evaluation_is_refused_or_taken_as_it_is(open_lab, field):
    lab = open_lab("complete")
    config = {"run_type": "eval", "weights": "a/b", "evals": ["accuracy", "play"], "pgn": "x.pgn"}
    for name in [*CORPUS, "x" * 3000, "\ud800"]:
        with contextlib.suppress(LabError):
            launching.estimate(lab, config | {"device": "cpu", field: name})


def test_no_name_of_a_caller_reaches_a_command_line(open_lab, workspace: Path):
    lab = open_lab("gate")
    for name in [path for path in PATHS if "\n" not in path]:
        with contextlib.suppress(LabError):
            launching.launch(lab, CONFIG, idempotency_key=name, tags=[name], hypothesis=name)
    started = [json.loads(path.read_text()) for path in workspace.glob("trials/*/launch.json")]
    assert started
    own = {"request.json", "run", "--config", "--run-dir"}
    assert {part for launch in started for part in launch["argv"][4:]} == own
    for trial in queries.trials(lab, [State.QUEUED]):
        killing.kill(lab, trial.id)
    for trial in queries.trials(lab, [State.RUNNING]):
        open_gate(lab, trial.id)
        ended(lab, trial.id)


def listing(root: Path, *but: Path) -> set[Path]:
    """Return the entries of a folder."""
    return set(root.iterdir()) - set(but)


def test_no_secret_of_the_environment_is_in_a_file_or_an_answer(
    open_lab, workspace: Path, monkeypatch
):
    mark = f"canary-{secrets.token_hex(8)}"
    for number in range(SECRETS):
        kind = ("API_KEY", "TOKEN", "PASSWORD", "URL")[number % 4]
        monkeypatch.setenv(f"SERVICE_{number}_{kind}", f"{mark}-{number}")
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "WANDB_API_KEY", "PAWN_LAB_TOKEN"):
        monkeypatch.setenv(name, mark)
    lab = open_lab("gate:crash")  # it prints its whole environment to its log
    trial_id = launching.launch(lab, CONFIG).id
    open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is State.FAILED
    answers = [tool(lab, arguments).wire() for tool, arguments in readings(trial_id)]
    assert mark not in json.dumps(answers)
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert os.environ["PATH"].encode() in lab.paths.trial(trial_id).log.read_bytes()
    assert not [path for path in files if mark.encode() in path.read_bytes()]


def readings(trial_id: int) -> list[tuple[Any, dict[str, Any]]]:
    """Return calls that tell what there is to know about a trial."""
    arguments: dict[str, dict[str, Any]] = {
        "lab_status": {},
        "lab_events": {},
        "lab_results": {},
        "lab_log": {"trial_id": trial_id},
        "lab_notes": {},
        "lab_audit": {},
    }
    return [(tool, arguments[tool.name]) for tool in TOOLS if tool.name in arguments]
