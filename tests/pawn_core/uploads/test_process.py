"""Training beside its uploads: not held up, not ended by them; the end says what arrived."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_hub import FAULTS, SIGNATURE, TOKEN, Fault

from pawn_core.checkpoint.manifest import list_checkpoints, verify
from pawn_core.config import ConfigError
from pawn_core.metrics import read_records
from pawn_core.signals import StopFlag
from pawn_core.training import loop, uploading
from pawn_core.uploads.__main__ import main as upload_rest
from pawn_core.uploads.record import noted_place
from pawn_core.weights import load_pretrained

REPO = {"local_checkpoints": False, "hf_repo": "owner/name"}
STEPS = ["step_00000004", "step_00000008", "step_00000012"]


def events(run_dir: Path, name: str) -> list[dict]:
    records, _ = read_records(run_dir / "metrics.jsonl")
    return [r for r in records if r["type"] == "event" and r["event"] == name]


def eventually(look, what: str):
    deadline = time.monotonic() + 120
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.01)
    return found


def assert_no_secret(*folders: Path) -> None:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "token":
                assert TOKEN.encode() not in path.read_bytes(), path
                assert SIGNATURE.encode() not in path.read_bytes(), path


@pytest.fixture
def held_s(monkeypatch) -> list[float]:
    """Return how long each step boundary was held by the uploads."""
    seconds: list[float] = []

    def timed(run) -> None:
        begin = time.perf_counter()
        uploading.tell_uploads(run)
        seconds.append(time.perf_counter() - begin)

    monkeypatch.setattr(loop, "tell_uploads", timed)
    return seconds


def test_training_never_waits_for_a_hub_that_hangs_and_its_end_does(
    hub, tiny, train, tmp_path, held_s, capfd
) -> None:
    def open_gate_after_training() -> None:
        eventually(lambda: events(tmp_path / "run", "stop"), "end of training")
        hub.gate.set()

    hub.faults.append(Fault("PUT /lfs/", "hold"))
    opener = threading.Thread(target=open_gate_after_training)
    opener.start()
    outcome = train(tiny | REPO, "run")
    opener.join()
    assert (outcome.reason, outcome.message) == ("completed", "completed 12 steps")
    assert len(held_s) == 12
    assert max(held_s) < 1.0
    done = events(tmp_path / "run", "upload_done")
    where = noted_place(tmp_path / "run", "hf_repo")
    titles = [commit.title for commit in hub.branch(where)]
    assert titles == [each["checkpoint"] for each in done]
    assert titles[-1] == STEPS[-1]
    load_pretrained(where)
    document = json.loads((tmp_path / "run/uploads/hf_repo.json").read_text())
    assert document["uploads"][STEPS[-1]]["revision"] == hub.branch(where)[-1].oid
    assert document["weights"] == {"": STEPS[-1]}
    (tmp_path / "log").write_text("".join(capfd.readouterr()))
    assert_no_secret(tmp_path / "run")
    assert_no_secret(tmp_path)
    assert all(TOKEN.encode() not in data for data in hub.branch(where)[-1].files.values())


@pytest.mark.slow  # waits as long as the hub asks for
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_hub_holds_training_or_commits_a_step_twice(
    hub, tiny, train, tmp_path, held_s, fault: str
) -> None:
    for each in FAULTS[fault]:
        asked = dict.fromkeys(each.headers, "2")
        hub.faults.append(replace(each, headers=asked))
    assert train(tiny | REPO, "run").message == "completed 12 steps"
    titles = [commit.title for commit in hub.branch(noted_place(tmp_path / "run", "hf_repo"))]
    assert len(titles) == len(set(titles))
    assert titles[-1] == STEPS[-1]
    assert max(held_s) < 1.0
    print(f"{fault}: held {1000 * max(held_s):.2f} ms at most, {len(titles)} commits")


@pytest.mark.slow  # starts a trainer and two uploaders: 10 s of processor time
@pytest.mark.parametrize("at", ["PUT /lfs/", "/commit/"])
def test_a_trainer_killed_amid_an_upload_resumes_and_uploads_what_is_missing(
    hub, tiny, train, spawn, tmp_path, at: str
) -> None:
    hub.faults.append(Fault(at, "hold"))
    process = spawn(tiny | REPO | {"total_steps": 1_000_000}, "run")
    eventually(hub.held.is_set, "upload")
    process.kill()
    process.wait()
    hub.gate.set()
    saved = list_checkpoints(tmp_path / "run/checkpoints")[-1]
    step = int(saved.name[5:])
    train(tiny | REPO | {"total_steps": step + 4, "warmup_steps": 0}, "run", saved)
    [where] = {
        each["message"].partition(" is at ")[2] for each in events(tmp_path / "run", "upload_done")
    }
    titles = [commit.title for commit in hub.branch(where)]
    assert len(titles) == len(set(titles)), "at most one commit a step"
    assert {saved.name, f"step_{step + 4:08d}"} <= {*titles} | {saved.name}
    assert titles[-1] == f"step_{step + 4:08d}"


def test_a_stop_by_signal_waits_shortly_and_says_what_did_not_arrive(
    hub, tiny, train, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(uploading, "HURRY_S", 0.2)
    hub.faults.append(Fault("PUT /lfs/", "hold", 100))
    stop = StopFlag()

    def stop_once_held() -> None:
        hub.held.wait(120)
        stop._handle(15, None)

    threading.Thread(target=stop_once_held, daemon=True).start()
    outcome = train(tiny | REPO | {"total_steps": 1_000_000}, "run", stop=stop)
    assert outcome.reason == "signal"
    assert (
        f"{outcome.checkpoint} not uploaded to owner/name@run/"
        in outcome.message.replace(", step_", " step_")
        or outcome.checkpoint in outcome.message
    )
    [failed] = events(tmp_path / "run", "upload_failed")
    assert outcome.checkpoint in failed["checkpoints"]
    assert f"python -m pawn_core.uploads {tmp_path / 'run'}" in failed["message"]
    hub.gate.set()
    monkeypatch.setattr("sys.argv", ["uploads", str(tmp_path / "run")])
    assert upload_rest() == 0
    assert f"upload_done: {outcome.checkpoint} is at owner/name@run/" in capsys.readouterr().out


def test_who_is_not_logged_in_or_not_allowed_is_told_before_the_run_begins(
    hub, tiny, train, tmp_path
) -> None:
    hub.faults.append(Fault("/auth-check/", 403))
    with pytest.raises(ConfigError, match=r"hf_repo 'owner/name' is refused: .*403"):
        train(tiny | REPO, "run")
    (tmp_path / "home/token").unlink()
    bucket = {"hf_bucket": "owner/bucket"}
    with pytest.raises(ConfigError, match=r"hf_bucket 'owner/bucket' .*hf auth login"):
        train(tiny | bucket, "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_hub_that_is_down_at_the_start_is_tried_again_unless_checkpoints_are_in_memory(
    hub, tiny, train, tmp_path
) -> None:
    hub.faults.append(Fault("/repos/create", 503, 3))
    train(tiny | REPO, "run")
    assert "503" in events(tmp_path / "run", "upload_retried")[0]["message"]
    assert events(tmp_path / "run", "upload_done")[-1]["checkpoint"] == STEPS[-1]
    hub.faults.append(Fault("/repos/create", 503, 3))
    with pytest.raises(ConfigError, match="hf_repo 'owner/name' cannot be reached"):
        train(tiny | REPO | {"shm_checkpoints": True}, "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm")
def test_checkpoints_in_memory_are_thinned_as_they_arrive_and_settle_on_the_disk(
    hub, tiny, train, spawn, tmp_path
) -> None:
    raw = tiny | REPO | {"shm_checkpoints": True, "total_steps": 1_000_000, "eval_interval": 100}
    raw |= {"checkpoint_interval": 20}
    process = spawn(raw, "run")
    checkpoints = tmp_path / "run/checkpoints"
    eventually(lambda: len(events(tmp_path / "run", "upload_done")) >= 3, "three uploads")
    assert checkpoints.is_symlink()
    memory = checkpoints.resolve()
    process.terminate()
    assert process.wait(60) == 143
    assert not memory.exists()
    assert not checkpoints.is_symlink()
    kept = list_checkpoints(checkpoints)
    saved = events(tmp_path / "run", "checkpoint")
    assert kept[-1].name == saved[-1]["checkpoint"]
    assert len(kept) <= 2 < len(saved)
    assert all(verify(path) for path in kept)
    train(raw | {"total_steps": verify(kept[-1]).step + 1, "warmup_steps": 0}, "run", kept[-1])


@pytest.mark.slow
def test_an_uploader_that_dies_is_an_event_and_the_next_checkpoint_has_another(
    hub, tiny, train, tmp_path, monkeypatch
) -> None:
    from pawn_core.training.run import Run

    killed = []
    advance = Run.advance

    def advance_and_kill(run: Run) -> None:
        advance(run)
        if run.step == 5:
            run.uploads[0]._child.kill()
            run.uploads[0]._child.wait()
            killed.append(run.step)

    monkeypatch.setattr(Run, "advance", advance_and_kill)
    train(tiny | REPO, "run")
    [failed] = events(tmp_path / "run", "upload_failed")
    assert "ended with exit code -9" in failed["message"]
    assert events(tmp_path / "run", "upload_done")[-1]["checkpoint"] == STEPS[-1]
    assert killed
