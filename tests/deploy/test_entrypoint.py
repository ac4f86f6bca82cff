"""The first process of a container: what it prepares, keeps running, and ends well."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from lab_fixtures import command_line
from lab_testing import PAWN_LAB, ended, eventually

from pawn_core.checkpoint import verify
from pawn_lab.lab import Lab, queries
from pawn_lab.states import State

CONFIG = {
    "variant": "toy",
    "local_checkpoints": True,
    "total_steps": 1_000_000,
    "batch_size": 2,
    "max_seq_len": 32,
    "eval_interval": 1_000_000,
    "val_games": 4,
    "log_interval": 1,
    "num_workers": 0,
    "warmup_steps": 2,
    "device": "cpu",
    "no_compile": True,
}
TOKEN = "hf_CanaryCanaryCanary"


@pytest.fixture
def said(tmp_path):
    """Return a function that reads what the container has printed."""
    return (tmp_path / "container.log").read_text


def lab_command(volume, *arguments: str) -> dict:
    command = [PAWN_LAB, *arguments, "--json", "--workspace", volume / "runs"]
    environment = os.environ | {"PAWN_CPU_SLOTS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trained(metrics) -> bool:
    return metrics.exists() and '"type": "train"' in metrics.read_text()


def launch(volume, tmp_path, **fields) -> int:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG | fields))
    return lab_command(volume, "launch", "--config", str(config))["trial_id"]


def test_a_container_that_is_stopped_leaves_a_verified_checkpoint(container, volume, tmp_path):
    process = container(PAWN_CMD="echo out; echo err >&2")
    eventually((volume / "runs/lab.db").exists, "lab")
    assert [launch(volume, tmp_path, seed=seed) for seed in range(2)] == [1, 2]
    assert (volume / "logs/command.log").read_text() == "out\nerr\n"  # its end did not end us
    run = volume / "runs/trials/0001/run"
    eventually(lambda: trained(run / "metrics.jsonl"), "steps")
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    saved = sorted((run / "checkpoints").glob("step_*"))
    assert verify(saved[-1]).step > 0
    with Lab.look(volume / "runs") as lab:
        first, second = queries.selected(lab.only_looking())
    assert (first.state, second.state) == (State.KILLED, State.QUEUED)
    assert first.exit.message == "killed: the container is being stopped"


def test_a_command_finds_the_token_gives_its_exit_code_and_its_orphans_save(
    container, volume, tmp_path
):
    orphan = f"(trap 'touch {volume}/saved; exit' TERM; touch {volume}/ready; sleep 60 & wait) &"
    wait = f"until [ -e {volume}/ready ]; do sleep 0.05; done"
    show = 'cat "$HF_TOKEN_PATH"; echo; echo "$PAWN_STOP_COMMAND"'
    script = f"{show}; set -m; {orphan} {wait}; exit 7"
    process = container("bash", "-c", script, HF_TOKEN=TOKEN, RUNPOD_POD_ID="abc123")
    assert process.wait(120) == 7
    assert (volume / "saved").exists()
    printed = (tmp_path / "container.log").read_text()
    assert f"{TOKEN}\nrunpodctl stop pod abc123\n" in printed
    kept = tmp_path / "home/.cache/huggingface/token"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


@pytest.mark.slow
def test_a_server_that_dies_is_started_again(container, said):
    process = container()
    served = re.compile(r"serving http://\S+")
    eventually(lambda: served.search(said()), "server")
    [server] = [pid for pid in children(process.pid) if "serve" in command_line(pid).split("\0")]
    os.kill(server, signal.SIGKILL)
    eventually(lambda: len(served.findall(said())) == 2, "second server")
    assert "server ended with -9; again in 1 s" in said()


@pytest.mark.slow
def test_a_pod_that_idles_after_its_last_trial_is_stopped_once_its_gate_has_passed(
    container, volume, tmp_path, said
):
    options = "--stop-when-idle --idle-min 0.02 --grace-min 0.01 --interval-s 0.5"
    stop = f"touch {volume}/stopped"
    process = container(PAWN_WATCH_OPTIONS=options, PAWN_STOP_COMMAND=stop)
    eventually(lambda: "watching" in said(), "watch")
    launch(volume, tmp_path, total_steps=4, eval_interval=4)
    with Lab.look(volume / "runs") as lab:
        assert ended(lab, 1).state is State.COMPLETED
    lab_command(volume, "notes", "--append", "It fell as expected.")
    lab_command(volume, "set-cost", "3")
    eventually((volume / "stopped").exists, "stop command")
    assert process.poll() is None


@pytest.mark.skipif(
    shutil.which("sshd", path="/usr/sbin") is None, reason="no sshd: apt-get install openssh-server"
)
def test_a_session_by_ssh_has_the_variables_of_the_container(container, tmp_path, said):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_name("key.pub").read_text()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    quoted = 'a "b" \\ c'
    container(PUBLIC_KEY=public, PAWN_SSH_PORT=port, HF_TOKEN=TOKEN, PAWN_CMD=":", PAWN_NOTE=quoted)
    eventually(lambda: "Server listening" in said(), "sshd")
    options = "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path / 'known'}"
    show = 'echo "$HF_TOKEN"; echo "$PAWN_NOTE"; echo "$PAWN_WORKSPACE"; command -v pawn-lab'
    user = f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1"
    done = subprocess.run(
        ["ssh", "-F", "none", *options, "-i", key, "-p", port, user, show],
        capture_output=True,
        text=True,
        timeout=120,
    )
    token, note, workspace, program = done.stdout.splitlines()
    assert (token, note, workspace) == (TOKEN, quoted, str(tmp_path / "volume/runs"))
    assert Path(program) == PAWN_LAB


@pytest.mark.slow
def test_a_model_that_cannot_be_fetched_keeps_the_command_from_running(container, volume, said):
    offline = {"HF_HUB_OFFLINE": "1", "PAWN_MODEL": "nobody/nothing"}
    process = container("touch", str(volume / "ran"), **offline)
    assert process.wait(120) == 125
    assert not (volume / "ran").exists()
    assert "fetching nobody/nothing failed, 3 of 3 times" in said()


def test_a_volume_that_cannot_be_written_is_refused_with_what_mends_it(container, volume, said):
    (volume / "runs").write_text("")
    assert container().wait(120) == 78
    assert f"mount a volume that uid {os.getuid()} can write" in said()


def test_a_setting_that_is_no_number_is_refused_with_its_name(container, said):
    assert container(PAWN_STOP_S="soon").wait(120) == 78
    assert "PAWN_STOP_S 'soon' is not allowed; allowed: a number" in said()
