"""The first process of a pod's container: prepares it, keeps the lab running, ends it well.

`deploy/entrypoint.py [COMMAND ...]`. With a command, that is run and its exit code is ours; without
one, the lab is served until the container is stopped. Variables:

PAWN_VOLUME          what outlives the container (/workspace): the lab, downloads, output
HF_TOKEN             kept where trainers and ssh sessions find it, on no volume
PAWN_MODEL           model on the hub to fetch before the command is run
PAWN_CMD             command to run in a shell beside the lab; its output is in logs/command.log
PUBLIC_KEY           who may come in by ssh (PAWN_SSH_PORT, 22)
PAWN_LAB_TOKEN       opens the lab's server (PAWN_LAB_PORT, 8321) beyond the container, where it
                     answers to the names in PAWN_LAB_HOSTS
PAWN_WATCH_OPTIONS   of `pawn-lab watch`, for example --stop-when-idle
PAWN_STOP_S          seconds for trainers to save when the container is stopped (600)

SIGTERM: what runs is asked to save and is waited for, nothing is launched any more, and then the
container ends.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sessions import ssh_service, write_private
from supervisor import Service, Supervisor, say

from pawn_lab.locks import try_lock
from pawn_lab.paths import WorkspacePaths

SOURCE = Path(__file__).resolve().parent.parent
NOT_CONFIGURED = 78  # EX_CONFIG of sysexits.h
NOT_STARTED = 125  # as docker says that a command was not run
LEAST_SHARED_MEMORY = 1 << 30
MODEL_TRIES = 3


def main(command: Sequence[str]) -> int:
    """Run a container from start to end; return its exit code."""
    supervisor = Supervisor()  # first of all: SIGTERM waits from now on until we can obey it
    try:
        patience_s = number("PAWN_STOP_S", "600")
        prepare(Path(os.environ.get("PAWN_VOLUME", "/workspace")), Path.home())
    except ValueError as error:
        say(str(error))
        return NOT_CONFIGURED
    except OSError as error:
        say(f"{error}; mount a volume that uid {os.getuid()} can write, or name one in PAWN_VOLUME")
        return NOT_CONFIGURED
    start_services(supervisor)
    given = start_command(supervisor, command) if fetch_model(supervisor) else None
    if given is not None or not command:
        supervisor.run(main=given if command else None)
    stop(supervisor, patience_s)
    if not command:
        return 0
    return NOT_STARTED if given is None else given.code or 0


def number(variable: str, default: str) -> float:
    """Return the number in a variable.

    Raises:
        ValueError: it holds something else.
    """
    given = os.environ.get(variable, default)
    try:
        return float(given)
    except ValueError:
        raise ValueError(f"{variable} {given!r} is not allowed; allowed: a number") from None


def prepare(volume: Path, home: Path) -> None:
    """Make the folders, keep the token, and set the variables that everything below inherits.

    Raises:
        OSError: the volume or the home folder cannot be written.
    """
    for name in ("runs", "logs", "huggingface", "cache"):
        (volume / name).mkdir(parents=True, exist_ok=True)
    if not os.access(volume / "runs", os.W_OK):
        raise PermissionError(f"{volume / 'runs'} cannot be written")
    if not os.path.ismount(volume):
        say(f"{volume} is no mounted volume: what is written there ends with the container")
    os.environ.update(settings(volume, home) | dict(os.environ))
    os.environ["PATH"] = (
        f"{os.environ['PAWN_SOURCE']}/.venv/bin:{os.environ.get('PATH', os.defpath)}"
    )
    if token := os.environ.get("HF_TOKEN"):
        path = Path(os.environ["HF_TOKEN_PATH"])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, token)
    warn_of_shared_memory()
    subprocess.run(["pawn-lab", "init"], check=False, stdout=subprocess.DEVNULL)


def settings(volume: Path, home: Path) -> dict[str, str]:
    """Return the variables that are set where they are not."""
    values = {
        "PAWN_VOLUME": str(volume),
        "PAWN_SOURCE": str(source(volume)),
        "PAWN_WORKSPACE": str(volume / "runs"),
        "PAWN_GAMES_CACHE": str(volume / "cache/games"),
        "HF_HOME": str(volume / "huggingface"),
        "HF_TOKEN_PATH": str(home / ".cache/huggingface/token"),
    }
    if pod := os.environ.get("RUNPOD_POD_ID"):
        values["PAWN_STOP_COMMAND"] = f"runpodctl stop pod {shlex.quote(pod)}"
    return values


def source(volume: Path) -> Path:
    """Return the code to run: what `pod.sh deploy` has set up on the volume, else the image's."""
    deployed = volume / "pawn"
    return deployed if (deployed / ".venv/bin/pawn-lab").exists() else SOURCE


def warn_of_shared_memory() -> None:
    """Say that data workers will die by a bus error, before they do."""
    size = shutil.disk_usage("/dev/shm").total if Path("/dev/shm").is_dir() else 0
    if size < LEAST_SHARED_MEMORY:
        say(f"/dev/shm has {size >> 20} MiB: run the container with --shm-size 1g or more")


def start_services(supervisor: Supervisor) -> None:
    """Start sshd, the lab's server and its watch."""
    try:
        sshd = ssh_service(Path.home(), os.environ.get("PUBLIC_KEY"))
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"no sessions by ssh: {error}")
    else:
        if sshd is not None:
            supervisor.add(sshd)
    host = "0.0.0.0" if os.environ.get("PAWN_LAB_TOKEN") else "127.0.0.1"
    port = os.environ.get("PAWN_LAB_PORT", "8321")
    serve = ["pawn-lab", "serve", "--host", host, "--port", port]
    for name in os.environ.get("PAWN_LAB_HOSTS", "").split():
        serve += ["--allowed-host", name]
    supervisor.add(Service("server", serve))
    options = shlex.split(os.environ.get("PAWN_WATCH_OPTIONS", ""))
    supervisor.add(Service("watch", ["pawn-lab", "watch", *options]))


def fetch_model(supervisor: Supervisor) -> bool:
    """Fetch the model of PAWN_MODEL into the hub's cache on the volume; say whether it is there."""
    model = os.environ.get("PAWN_MODEL")
    for attempt in range(MODEL_TRIES if model else 0):
        fetch = Service("model", ["hf", "download", "--quiet", str(model)], keep=False)
        supervisor.run(main=supervisor.add(fetch))
        if fetch.code == 0 or supervisor.stopped_by is not None:
            return fetch.code == 0
        say(f"fetching {model} failed, {attempt + 1} of {MODEL_TRIES} times")
    return not model


def start_command(supervisor: Supervisor, command: Sequence[str]) -> Service | None:
    """Start what the container was given to run, if anything."""
    if command:
        return supervisor.add(Service("command", command, keep=False))
    if not (shell := os.environ.get("PAWN_CMD")):
        return None
    log = Path(os.environ["PAWN_VOLUME"]) / "logs/command.log"
    script = f"exec >>{shlex.quote(str(log))} 2>&1\n{shell}"
    return supervisor.add(Service("command", ["bash", "-c", script], keep=False))


def stop(supervisor: Supervisor, patience_s: float) -> None:
    """Let everything save and end: first what trains, and last what looks after it."""
    say("stopping: what trains saves first")
    with contextlib.suppress(OSError):  # a full disk
        # Ours until the container ends: no pass of a trial that ends launches the next one.
        try_lock(WorkspacePaths(Path(os.environ["PAWN_WORKSPACE"])).closing_lock)
    for service in (s for s in supervisor.services if s.name == "command"):
        service.ask_to_end()
    close = ["pawn-lab", "close", "--wait-s", str(patience_s)]
    close += ["--reason", "the container is being stopped"]
    supervisor.add(Service("close", close, keep=False))
    supervisor.end_strangers(patience_s)
    supervisor.await_end([s for s in supervisor.services if not s.keep], patience_s)
    for service in supervisor.services:
        service.ask_to_end()
    supervisor.await_end(supervisor.services, patience_s=10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
