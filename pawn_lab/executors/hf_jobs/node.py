"""What a job is: it takes a trial's files from the mounted bucket, runs its shim, brings back.

`python -P -m pawn_lab.executors.hf_jobs.node MOUNT ROOT`. The trial runs in a folder of the
container: a mounted bucket has no locks, no renames and no appends. So each file is written anew
as a whole, a checkpoint only once it is finished, its manifest last; and last of all `exit.json`.
Standard library only, beside the trainer's own packages.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pawn_core.prctl import adopt_orphans
from pawn_core.run_paths import SENTINEL
from pawn_lab.documents import load_own, write_json
from pawn_lab.executors.hf_jobs.start import ORDERS_OF_JOB
from pawn_lab.locks import sign, try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import environment, identity
from pawn_lab.shim.guardian import ALONE_VARIABLE
from pawn_lab.shim.identity import TOKEN_VARIABLE, ProcessIdentity
from pawn_lab.shim.reserve import keep_room
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials.code import code_digest

OUT = "out"
POLL_S, _ASK_S = 0.5, 30.0
_PRIVATE = ("request.json", "launch.json", "alive.lock", "exit.reserve", "checkpoints")
"""Of a trial's folder: what was given, or serves this machine; checkpoints go their own way."""


class Refusal(Exception):
    """Why a job does not begin."""


class Mirror:
    """A trial's folder here, and its copy in the bucket."""

    def __init__(self, paths: TrialPaths, workspace: WorkspacePaths, out: Path) -> None:
        self._paths = paths
        self._workspace = workspace
        self._out = out
        self._copied: dict[Path, tuple[int, int]] = {}

    def bring(self, last: bool = False) -> None:
        """Copy what has changed; the end of the trial only at the last time, after all else."""
        for file in _small_files(self._paths.root):
            if file != self._paths.exit:
                self._copy(file, self._paths.root)
        for report in sorted(self._workspace.preflights.glob("*.json")):
            self._copy(report, self._workspace.root)
        self._bring_checkpoints()
        if last:
            self._copy(self._paths.exit, self._paths.root)

    def _bring_checkpoints(self) -> None:
        folder = self._paths.checkpoints
        there = self._out / folder.relative_to(self._paths.root)
        finished = [path.parent for path in sorted(folder.glob(f"step_*/{SENTINEL}"))]
        for checkpoint in finished:
            files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file()]
            for file in sorted(files, key=lambda path: path.name == SENTINEL):
                if file.parent == checkpoint and file.name == SENTINEL:
                    continue
                self._copy(file, self._paths.root)
            self._copy(checkpoint / SENTINEL, self._paths.root)
        kept = {checkpoint.name for checkpoint in finished}
        for old in there.glob("step_*") if there.is_dir() else ():
            if old.name not in kept:  # the trainer keeps so many
                shutil.rmtree(old, ignore_errors=True)

    def _copy(self, file: Path, root: Path) -> None:
        """Write a file anew, if it has changed; one that is gone meanwhile is left out."""
        with contextlib.suppress(FileNotFoundError):
            status = file.stat()
            mark = status.st_mtime_ns, status.st_size
            if self._copied.get(file) == mark:
                return
            target = self._out / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            self._copied[file] = mark


def _small_files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _PRIVATE or entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _small_files(entry)
        elif entry.is_file():
            yield entry


def take(mount: Path, root: Path, order: dict[str, Any]) -> TrialPaths:
    """Copy what was given into the container, with its paths as they are here.

    Raises:
        Refusal: it is not what was sent, or the bucket cannot be written.
    """
    if (digest := code_digest()) != order["code_sha256"]:
        raise Refusal(f"the code here is {digest[:12]}, the lab's is {order['code_sha256'][:12]}")
    try:
        (mount / OUT).mkdir(exist_ok=True)
        (mount / OUT / "writable").write_text("yes\n", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"the bucket cannot be written: {error}") from None
    for folder in ("lab", "data"):
        if (mount / folder).is_dir():
            shutil.copytree(mount / folder, root / folder)
    workspace = WorkspacePaths(root / "lab")
    workspace.preflights.mkdir(exist_ok=True)
    paths = workspace.trial(int(order["trial"]))
    _settle(paths, root, order)
    return paths


def _settle(paths: TrialPaths, root: Path, order: dict[str, Any]) -> None:
    """Let config and command name what they do on the lab's machine, and add our environment."""
    moved = {old: str(root / new) for old, new in order["moved"].items()}
    request = load_own(paths.request)
    write_json(paths.request, {name: _moved(value, moved) for name, value in request.items()})
    launch = load_own(paths.launch)
    argv = [sys.executable if part == order["python"] else part for part in launch["argv"]]
    own = environment.allowed(os.environ)
    launch["argv"] = [_moved(part, moved) for part in argv]
    launch["environment"] = own | launch["environment"]
    write_json(paths.launch, launch, mode=0o600)


def _moved(value: Any, moved: dict[str, str]) -> Any:
    """Return a value with the path that it is, or is below, as it is here."""
    for old, new in moved.items() if isinstance(value, str) else ():
        if value == old or value.startswith(f"{old}/"):
            return new + value[len(old) :]
    return value


def keep_token() -> None:
    """Leave the secret that we got where `hf auth login` does: trainers get no token otherwise."""
    if token := os.environ.pop("HF_TOKEN", None):
        home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
        home.mkdir(parents=True, exist_ok=True)
        kept = home / "token"
        kept.touch(mode=0o600)
        kept.write_text(token, encoding="utf-8")


def describe(paths: TrialPaths, token: str) -> None:
    """Record where the trial runs: what a later reader tells one run's speed by."""
    query = ("nvidia-smi", "--query-gpu=uuid,name", "--format=csv,noheader")
    try:
        gpus = subprocess.run(query, capture_output=True, text=True, timeout=_ASK_S, check=True)
        named = gpus.stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        named = []
    cores = sorted(os.sched_getaffinity(0))
    record = {"token": token, "node": socket.gethostname(), "cores": cores, "gpus": named}
    write_json(paths.node, record | {"started_at": time.time()})


def start_shim(paths: TrialPaths, workspace: Path, token: str) -> subprocess.Popen[bytes]:
    """Start the trial's shim, whose descendants become ours."""
    adopt_orphans()
    lock = try_lock(paths.alive_lock)
    assert lock is not None, "nobody else is here"
    sign(lock)
    keep_room(paths.reserve)
    own = environment.for_shim() | {TOKEN_VARIABLE: token, ALONE_VARIABLE: "1"}
    argv = [sys.executable, "-P", "-m", "pawn_lab.shim.shim", str(paths.root), str(workspace)]
    with paths.shim_log.open("ab") as log:
        shim = subprocess.Popen(
            [*argv, str(lock)], stdout=log, stderr=log, env=own, pass_fds=[lock]
        )
    os.close(lock)
    return shim


class Orders:
    """What the job is told: a stop by the lab or the platform, the moment of the budget's end."""

    def __init__(self, mount: Path, paths: TrialPaths, workspace: WorkspacePaths) -> None:
        self._folder = mount / "orders"
        self._paths = paths
        self._budget = workspace.budget_stop
        self._obeyed: set[Path] = set()
        self.stop = False
        signal.signal(signal.SIGTERM, self._stop_asked)

    def _stop_asked(self, *_: object) -> None:
        self.stop = True

    def obey(self) -> None:
        """Pass on what is new."""
        with contextlib.suppress(OSError):
            for order in sorted(set(self._folder.iterdir()) - self._obeyed):
                self._obeyed.add(order)
                self.stop = self.stop or order.name == "stop"
                if order.name.startswith("budget"):
                    shutil.copyfile(order, self._budget)
        if self.stop and self._paths.identity.exists():
            shim = ProcessIdentity.from_dict(json.loads(self._paths.identity.read_bytes()))
            self.stop = not identity.send_signal(shim, signal.SIGTERM)


def run(mount: Path, root: Path) -> None:
    """Run the trial to its end.

    Raises:
        Refusal: it does not begin.
    """
    order = load_own(mount / ORDERS_OF_JOB)
    workspace = WorkspacePaths(root / "lab")
    paths = take(mount, root, order)
    keep_token()
    describe(paths, order["token"])
    orders, mirror = Orders(mount, paths, workspace), Mirror(paths, workspace, mount / OUT)
    start_shim(paths, workspace.root, order["token"])
    due, poll_s = 0.0, min(POLL_S, order["every_s"])
    while _has_children():
        orders.obey()
        if paths.identity.exists() and time.monotonic() >= due:
            mirror.bring()
            due = time.monotonic() + order["every_s"]
        time.sleep(poll_s)
    mirror.bring(last=True)


def _has_children() -> bool:
    """Reap what has ended; say whether anything of the trial is left."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def main() -> None:
    """Run from the arguments that `start` gives; what hinders that is in the shim's log there."""
    mount, root = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        run(mount, root)
    except (Refusal, OSError) as error:
        with contextlib.suppress(OSError):
            (mount / OUT).mkdir(exist_ok=True)
            (mount / OUT / "shim.log").write_text(f"the job did not go on: {error}\n", "utf-8")
        sys.exit(f"the job did not go on: {error}")


if __name__ == "__main__":
    main()
