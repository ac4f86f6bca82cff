"""deploy/pod.sh: no pod is lost, none is deleted with what it alone has, and none costs unseen."""

import json
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from account import TOKEN, Account
from lab_testing import CONFIG, ended, eventually, stand_in, trainer_greeting

from pawn_lab.lab import Lab, launching, notebook, queries, spending
from pawn_lab.states import State

ROOT = Path(__file__).parents[2]
VERBS = ("start", "stop", "delete", "ssh", "status", "setup", "deploy")


@pytest.fixture
def account(tmp_path, volume) -> Account:
    return Account(tmp_path, volume)


@pytest.fixture
def lab(volume, monkeypatch):
    """The lab of the pod, on whose one device a trial runs, with a second in the queue."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with Lab.open(volume / "runs", trainer=stand_in("hang")) as lab:
        for seed in range(2):
            launching.launch(lab, CONFIG | {"seed": seed})
        trainer_greeting(lab, 1)
        yield lab


def states(lab: Lab) -> list[State]:
    return [trial.state for trial in queries.selected(lab.only_looking())]


def test_a_pod_is_ordered_with_its_volume_and_the_token_and_known_from_then_on(account):
    code, _, said = account.create()
    assert (code, account.verbs()) == (0, ["create"])
    _, *words = account.calls()[0]
    order = dict(zip(words[::2], words[1::2], strict=True))
    assert order["--gpu-id"] == "NVIDIA H100 80GB HBM3"
    assert (order["--network-volume-id"], order["--image"]) == ("vol1", "example/pawn:1")
    assert json.loads(order["--env"]) == {"HF_TOKEN": TOKEN}
    [pod] = account.pods().values()
    handle = account.handle()
    assert handle is not None
    for line in (f"POD_REMOTE_NAME={pod['name']}", f"POD_ID={pod['id']}", "POD_PORT=2222"):
        assert line in handle.splitlines()
    path = account.home / ".config/pawn/pods/exp.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "pod exp lets you in" in said


def test_the_lab_of_a_pod_is_told_what_an_hour_costs(account, volume):
    Lab.open(volume / "runs").close()
    account.befall(priced="yes")
    assert account.create()[0] == 0
    with Lab.look(volume / "runs") as lab:
        assert spending.cost(lab).cost_per_hour == 2.5


def test_a_look_at_a_pod_is_its_full_checkin(account, volume):
    Lab.open(volume / "runs").close()
    account.create()
    done = subprocess.run(
        [ROOT / "scripts/monitor_training.sh", "exp", "--json"],
        capture_output=True,
        text=True,
        env=account.environment,
    )
    assert done.returncode == 0, done.stderr
    assert "headline" in json.loads(done.stdout)


def test_a_pod_whose_creation_was_killed_is_found_again_and_not_ordered_twice(account):
    account.befall(create="kill")
    assert account.create()[0] == -signal.SIGKILL
    handle = account.handle()
    assert handle is not None
    assert "POD_ID=''" in handle.splitlines()
    account.befall(listed="late")
    assert account.create()[0] == 0
    [pod_id] = account.pods()
    assert f"POD_ID={pod_id}" in str(account.handle())
    assert account.verbs() == ["create"]


def test_an_order_that_failed_and_made_a_pod_all_the_same_is_known(account):
    account.befall(create="late: context deadline exceeded")
    assert account.create()[0] == 0
    assert f"POD_ID={next(iter(account.pods()))}" in str(account.handle())


def test_an_order_that_cannot_be_had_leaves_nothing(account):
    account.befall(create="There are no longer any instances available")
    code, _, said = account.create()
    assert (code, account.handle(), account.pods()) == (2, None, {})
    assert "no longer any instances" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "exp", "--gpu", "h100"), "--volume is missing"),
        (("create", "exp", "--gpu", "h101", "--volume", "v"), "one of: b200, h200, h100,"),
        (("create", "../exp", "--volume", "v"), "allowed: a-z, 0-9 and -"),
        (("stop", "other"), "no pod 'other' is known here; known: none"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_paid(account, words, reason):
    code, _, said = account(*words)
    assert (code, account.calls()) == (2, [])
    assert reason in said


def test_a_pod_that_is_there_is_not_ordered_again(account):
    account.create()
    code, _, said = account.create()
    assert (code, len(account.pods())) == (2, 1)
    assert "start, stop or delete it" in said


def test_a_provider_that_does_not_answer_says_nothing_about_a_pod(account):
    account.create()
    account.befall(list="api unreachable", get="api unreachable")
    for words in (("list",), ("status", "exp"), ("delete", "exp"), ("create", "exp")):
        code, _, said = account(*words, *(["--volume", "v"] if words[0] == "create" else []))
        assert code == 2
        assert "api unreachable" in said
    assert "POD_ID=pod" in str(account.handle())
    assert account.verbs() == ["create"]


def test_a_pod_is_deleted_only_when_its_lab_says_that_nothing_is_lost(account, lab):
    account.create()
    code, _, said = account("delete", "exp")
    assert code == 2
    assert "not ready to go: trial 1: " in said
    (account.root / "unreachable").touch()
    code, _, said = account("delete", "exp")
    assert code == 2
    assert "does not say what runs on it: ssh: connect to host" in said
    (account.root / "unreachable").unlink()
    assert len(account.pods()) == 1

    assert account("stop", "exp")[0] == 0
    assert states(lab) == [State.KILLED, State.QUEUED]
    code, _, said = account("delete", "exp")
    assert code == 2
    assert "its gate had not passed" in said
    assert account.verbs() == ["create", "stop"]


def test_a_pod_whose_gate_has_passed_is_deleted_and_forgotten(account, volume):
    with Lab.open(volume / "runs") as lab:
        notebook.append(lab, "Nothing was run.")
    account.create()
    assert account("delete", "exp")[0] == 0
    assert (account.pods(), account.handle()) == ({}, None)


def test_force_needs_the_typed_name(account, lab):
    account.create()
    code, _, said = account("delete", "exp", "--force", typed="yes\n")
    assert (code, len(account.pods())) == (2, 1)
    assert "nothing was deleted" in said
    assert account("delete", "exp", "--force", typed="exp\n")[0] == 0
    assert account.pods() == {}


def test_a_deleted_pod_that_is_still_listed_stays_known(account):
    account.create()
    account.befall(gone="late")
    code, _, said = account("delete", "exp", "--force", typed="exp\n")
    assert code == 2
    assert "is deleted and still listed" in said
    assert account.handle() is not None


def test_a_host_without_a_gpu_left_leads_to_a_new_pod_on_the_volume(account):
    account.create()
    (account.root / "unreachable").touch()
    code, _, said = account("stop", "exp")
    assert code == 0
    assert "its container is asked to save by the stop itself" in said
    (account.root / "unreachable").unlink()
    account.befall(start="There are not enough free GPUs on the host machine to start this pod.")
    code, _, said = account("start", "exp")
    assert code == 2
    assert "pod.sh create exp-2 --gpu h100 --volume vol1" in said
    account.befall()
    assert account("start", "exp")[0] == 0


def test_a_command_that_was_launched_saves_before_the_pod_stops(account, volume):
    Lab.open(volume / "runs").close()
    account.create()
    account.environment["PAWN_SOURCE"] = str(volume)
    (volume / "save.sh").write_text(
        f"trap 'echo saved >{volume}/saved; exit' TERM\ntouch {volume}/ready\n"
        "while :; do sleep 0.05; done\n"
    )
    assert account("launch", "exp", "bash", "save.sh")[0] == 0
    eventually((volume / "ready").exists, "start")
    assert "not ready to go: bash still runs" in account("delete", "exp")[2]
    assert account("stop", "exp")[0] == 0
    assert (volume / "saved").read_text() == "saved\n"


def test_a_config_that_fails_its_preflight_is_not_launched(account, volume, tmp_path):
    Lab.open(volume / "runs").close()
    account.create()
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG | {"variant": "gigantic"}))
    (volume / "logs").mkdir()
    code, _, said = account("launch", "exp", str(config))
    assert code == 2
    assert "the preflight failed" in said
    with Lab.look(volume / "runs") as lab:
        assert queries.selected(lab) == []
    config.write_text("{")
    assert "cannot be read as JSON" in account("launch", "exp", str(config))[2]


@pytest.mark.slow
def test_a_config_that_passes_its_preflight_is_launched_with_its_options(account, volume, tmp_path):
    Lab.open(volume / "runs").close()
    account.create()
    (volume / "logs").mkdir()
    config = tmp_path / "config.json"
    small = {"batch_size": 2, "max_seq_len": 32, "val_games": 4, "num_workers": 0}
    small |= {"total_steps": 4, "eval_interval": 4, "device": "cpu", "no_compile": True}
    config.write_text(json.dumps(CONFIG | small))
    code, out, said = account("launch", "exp", str(config), "--tags", "study")
    assert code == 0, out + said
    with Lab.look(volume / "runs") as lab:
        assert ended(lab, 1).tags == ["study"]


def test_pods_that_nobody_knows_and_handles_without_a_pod_are_listed(account):
    account.create("one")
    account.create("two")
    account.befall()
    (account.home / ".config/pawn/pods/two.env").unlink()
    pods = account.pods()
    out = account("list")[1].splitlines()
    assert [line.split()[0] for line in out] == ["one", "unknown"]
    assert out[1].endswith("2.50 $/h  <- nobody's: delete it?")
    (account.root / "pods.json").write_text("{}")
    assert len(pods) == 2
    assert account("list")[1] == "one  no such pod any more\n"
    assert account("delete", "one")[0] == 0
    assert account.handle("one") is None
    assert "delete" not in account.verbs()


def test_the_code_as_it_is_here_is_set_up_on_the_volume(account, volume):
    account.create()
    account.program("make", f'echo "$PWD $*" >{volume}/made')
    account.program("cargo", "true")
    assert account("deploy", "exp")[0] == 0
    assert (volume / "made").read_text() == f"{volume}/pawn setup\n"
    for name in ("deploy/pod.sh", "uv.lock"):
        assert (volume / "pawn" / name).read_bytes() == (ROOT / name).read_bytes()
    assert not (volume / "pawn/.venv").exists()


def test_a_dry_run_shows_the_commands_and_runs_none(account):
    code, out, _ = account("create", "exp", "--volume", "v", "--dry-run")
    assert (code, account.calls(), account.handle()) == (0, [], None)
    assert out.startswith("runpodctl pod create --name pawn-exp-")
    account.create()
    before, pods = account.calls(), account.pods()
    for verb in VERBS:
        code, out, _ = account("--dry-run", verb, "exp")
        assert code == 0
        assert out.startswith(("runpodctl pod ", "ssh -o ", "bash -o "))
    assert (account.calls(), account.pods()) == (before, pods)


def test_the_table_of_gpus_stands_in_the_documentation(account):
    page = (ROOT / "docs/pods.md").read_text(encoding="utf-8")
    assert account("gpus")[1] in page
