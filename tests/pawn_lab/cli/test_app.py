"""`pawn-lab`: the same tools at the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_command import Command
from lab_testing import CONFIG, ended, in_state

from pawn_lab.cli.app import NOT_CLEAR, app
from pawn_lab.cli.arguments import command_parameters
from pawn_lab.lab import Lab, killing, launching, queries
from pawn_lab.states import State
from pawn_lab.tools import TOOLS
from pawn_lab.tools.questions import settled

PAWN_LAB = Path(sys.executable).with_name("pawn-lab")
READ_ONLY_CALLS = [
    ("schema", [], {}),
    ("schema", ["--full"], {"full": True}),
    ("status", ["--trial-id", "1"], {"trial_id": 1}),
    ("events", ["--since", "2", "--limit", "3"], {"since": 2, "limit": 3}),
    ("results", [], {}),
    ("results", ["--trial-ids", "1", "2"], {"trial_ids": [1, 2]}),
    ("results", ["--tag", "plain"], {"tag": "plain"}),
    ("compare", ["--tag", "plain"], {"tag": "plain"}),
    ("audit", ["--tag", "plain"], {"tag": "plain"}),
    ("wait", ["--until", "ended"], {"until": "ended"}),
    ("log", ["1", "--lines", "3"], {"trial_id": 1, "lines": 3}),
    ("notes", [], {}),
]


@pytest.fixture
def command(tmp_path, capsys, monkeypatch) -> Command:
    return Command(tmp_path / "runs", capsys, monkeypatch)


@pytest.fixture
def on_study(study, capsys, monkeypatch) -> Command:
    return Command(study, capsys, monkeypatch)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_a_command_with_the_same_arguments(tool):
    assert tool.verb in set(app)
    given = {p.name.removeprefix("set_") for p in command_parameters(tool)}
    assert given == set(tool.signature.parameters)


@pytest.mark.parametrize(("verb", "options", "arguments"), READ_ONLY_CALLS)
def test_a_command_answers_what_its_tool_answers(on_study, study, verb, options, arguments):
    tool = next(tool for tool in TOOLS if tool.verb == verb)
    with Lab.open(study) as lab:
        answer = tool(lab, arguments)
    code, out, err = on_study(verb, *options, "--json")
    assert (settled(json.loads(out)), err) == (settled(answer.wire()), "")
    assert code == (0 if answer.all_clear else NOT_CLEAR)


_NEEDED = {"log": ["1"], "diff": ["1", "2"], "view": ["notes"]}


@pytest.mark.parametrize("verb", [tool.verb for tool in TOOLS if tool.read_only])
def test_a_person_gets_text_without_braces_or_tracebacks(on_study, verb):
    code, out, err = on_study(verb, *_NEEDED.get(verb, []))
    assert (code, err) == (NOT_CLEAR if verb == "audit" else 0, "")
    assert out.strip()
    assert not out.startswith("{")


@pytest.mark.parametrize("options", [[], ["--tag", "plain"], ["--json"]])
def test_an_audit_that_is_not_ready_says_so_and_lets_no_shutdown_follow(
    study_copy, options, command
):
    command.workspace = study_copy
    code, out, err = command("audit", *options)
    assert (code, err) == (NOT_CLEAR, "")
    assert "ready: no\n" in out or '"ready":false' in out
    command("notes", "--append", "All is told.")
    code, out, _ = command("audit", *options)
    assert code == 0
    assert "ready: yes\n" in out or '"ready":true' in out


@pytest.mark.parametrize("verb", ["audit", "status", "results", "compare", "plot"])
def test_a_tag_of_no_trial_is_refused_with_exit_code_2(on_study, verb):
    code, out, err = on_study(verb, "--tag", "plian")
    assert (code, out) == (2, "")
    assert "did you mean 'plain'?" in err


def test_a_config_file_and_settings_make_one_config(command, tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"variant": "toy", "local_checkpoints": true, "lr": 1}')
    code, _, err = command("launch", "--config", file, "--set", "lr=2", "--set", "d_model=65")
    assert code == 2
    assert "lr 2 is not allowed" in err


def test_settings_are_json_where_they_read_as_json(command):
    launched = command.json(
        "launch", "--set", "variant=toy", "--set", "local_checkpoints=true", "--set", "lr=1e-3",
        "--set", "total_steps=1", "device=cpu", "--tags", "a", "b",
    )  # fmt: skip
    with Lab.open(command.workspace) as lab:
        trial = queries.trial(lab, launched["trial_id"])
        killing.kill(lab, trial.id)
    assert (trial.config["lr"], trial.config["variant"], trial.tags) == (1e-3, "toy", ["a", "b"])


def test_notes_and_cost_are_kept_between_commands(command):
    command.json("notes", "--append", "resume 3 next", "--section", "Plan")
    command.json("set-cost", "2.31")
    assert "resume 3 next" in command.json("notes", "--section", "Plan")["notes"]
    assert command.json("status")["cost_per_hour"] == 2.31


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["statu"], 'Did you mean "status"?'),
        (["kill", "one"], "TRIAL_IDS"),
        (["kill"], "name trials to kill, or --tag TAG, or --all"),
        (["kill", "7", "--all"], "one of the three"),
        (["kill", "7"], "trial 7 does not exist"),
        (["log", "1", "--lins", "3"], "Did you mean --lines?"),
        (["launch", "--set", "lr"], "--set 'lr' is not FIELD=VALUE"),
        (["launch", "--set", "lr=NaN"], "lr"),
        (["launch", "--set", "variant=huge"], "one of: toy, small, base, large, custom"),
        (["launch", "--set", "learning_rate=1"], "did you mean 'lr'?"),
        (["launch", "--config", "/nowhere.json"], "--config /nowhere.json: No such file"),
        (["launch", "--config", __file__], "is not JSON"),
        (["schema", "--run-type", "pretrian"], "did you mean 'pretrain'?"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(command, arguments, message):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("pawn-lab: ")
    assert err.count("\n") <= 2


def test_several_trials_are_killed_at_once_by_number_or_tag_or_all(open_lab, command):
    lab = open_lab("gate")
    command.workspace = lab.paths.root
    for tags in (["a"], ["a"], ["b"], [], []):
        launching.launch(lab, CONFIG, tags=tags)
    assert [row[0] for row in command.json("kill", 4, 5)["trials"]["rows"]] == [4, 5]
    assert [row[0] for row in command.json("kill", "--tag", "a")["trials"]["rows"]] == [1, 2]
    assert 3 in [row[0] for row in command.json("kill", "--all")["trials"]["rows"]]
    assert [str(ended(lab, trial.id).state) for trial in queries.trials(lab)] == ["killed"] * 5


def test_a_refusal_and_a_headline_are_in_the_words_of_the_command_line(command):
    command("init")
    _, out, _ = command("status")
    assert "pawn-lab launch" in out
    assert "lab_" not in out
    code, _, err = command("results", "--trial-ids", "7", "--tag", "")
    assert code == 2
    assert "lab_" not in err


def test_a_flag_takes_true_or_false_as_the_help_writes_it(on_study):
    whole, brief, same = (
        on_study.json("events", *options)["events"]["rows"]
        for options in ([], ["--routine", "false"], ["--routine=false"])
    )
    assert len(brief) < len(whole)
    assert brief == same


def test_the_path_of_a_picture_leads_from_where_one_stands(study_copy, command, monkeypatch):
    command.workspace = study_copy
    monkeypatch.chdir(study_copy.parent)
    _, out, _ = command("plot", "--trial-ids", "1")
    (path,) = (line.partition(": ")[2] for line in out.splitlines() if line.startswith("png: "))
    assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_a_log_is_followed_until_its_trial_ends(open_lab, command):
    lab = open_lab("gate")
    command.workspace = lab.paths.root
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    log, gate = lab.paths.trial(1).log, lab.paths.trial(1).root / "gate"
    process = subprocess.Popen(
        [PAWN_LAB, "log", "1", "--follow", "--workspace", lab.paths.root],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        seen = process.stdout.readline()
        with log.open("a", encoding="utf-8") as file:
            file.write("one more line\n")
        gate.touch()
        rest = process.stdout.read()
    assert process.returncode == 0
    assert (seen + rest).count("one more line") == 1


def test_a_workspace_that_cannot_be_made_is_one_clear_line(command, tmp_path):
    (tmp_path / "file").touch()
    command.workspace = tmp_path / "file" / "runs"
    code, _, err = command("status")
    assert code == 2
    assert str(command.workspace) in err
    assert "Traceback" not in err


def test_events_are_followed_a_json_line_each_until_interrupted(study):
    process = subprocess.Popen(
        [PAWN_LAB, "events", "--follow", "--json", "--workspace", study],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    with process, Lab.open(study) as lab:
        events = queries.events(lab, limit=1000).events
        assert process.stdout
        followed = [json.loads(process.stdout.readline()) for _ in events]
        process.terminate()
    assert [event["seq"] for event in followed] == [event.seq for event in events]


def test_a_reader_that_has_gone_is_no_error(study):
    script = f"{PAWN_LAB} schema --full --json --workspace {study} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
