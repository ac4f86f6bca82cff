"""The hub's jobs and buckets on this machine, written after what the real client calls.

A bucket is a folder, and a job that mounts a part of it sees just that folder. A container is a
session of processes with a folder of its own, killed as a whole. What the client sends and
fetches goes through a store, which is a folder too.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import hf_xet
import pytest
from fake_hub import TOKEN, Answer, FakeHub
from hf_blobs import Blobs

from pawn_lab.executors.hf_jobs.hub import LABEL, MOUNT
from pawn_lab.shim import identity

HARDWARE = {
    "cpu-basic": {"prettyName": "CPU Basic", "cpu": "2 vCPU", "ram": "16 GB", "accelerator": None},
    "l4x1": {"prettyName": "1x L4", "cpu": "8 vCPU", "ram": "30 GB"},
    "l4x4": {"prettyName": "4x L4", "cpu": "48 vCPU", "ram": "186 GB"},
}
UNIT_COSTS = {"cpu-basic": 167, "l4x1": 13_333, "l4x4": 63_333}
"""Micro-dollars a minute."""
_GPU = {"type": "gpu", "model": "L4", "quantity": "1", "vram": "24 GB", "manufacturer": "Nvidia"}
_LAST_WORDS_S = 0.5
"""How long a container has between SIGTERM and SIGKILL."""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Container:
    """A job: what was asked for, and its processes."""

    id: str
    spec: dict[str, Any]
    folder: Path
    home: Path
    created: str = field(default_factory=_now)
    process: subprocess.Popen[bytes] | None = None
    is_canceled: bool = False

    @property
    def stage(self) -> str:
        """What the hub calls its state."""
        if self.is_canceled:
            return "CANCELED"
        if self.process is None:
            return "SCHEDULING"
        code = self.process.poll()
        return "RUNNING" if code is None else "ERROR" if code else "COMPLETED"

    def told(self) -> dict[str, Any]:
        """Return what the hub tells of it; secrets by name only."""
        code = self.process.poll() if self.process else None
        message = f"Job failed with exit code: {code}" if code else None
        return {
            "id": self.id,
            "createdAt": self.created,
            "owner": {"id": "1", "name": "owner", "type": "user"},
            "status": {"stage": self.stage, "message": message},
            "labels": self.spec.get("labels"),
            "flavor": self.spec["flavor"],
            "dockerImage": self.spec["dockerImage"],
            "command": self.spec["command"],
            "environment": self.spec["environment"],
            "secrets": dict.fromkeys(self.spec.get("secrets", {})),
        }

    def start(self, mount: Path, url: str) -> None:
        """Start its command, with the mount at its place."""
        home, scratch = self.home, self.folder / "tmp"
        for folder in (home, scratch, mount):
            folder.mkdir(parents=True) if not folder.is_dir() else None
        command = [part.replace(MOUNT, str(mount)) for part in self.spec["command"]]
        argv = [sys.executable if part == "python3" else part for part in command]
        machine = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(scratch)}
        own = {str(n): str(v) for n, v in self.spec["environment"].items()}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=machine | own | self.spec.get("secrets", {}) | {"HF_ENDPOINT": url},
                cwd=self.folder,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End all its processes."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_LAST_WORDS_S)
            self.process.kill()
        while identity.kill_members(self.spec["labels"][LABEL]):
            time.sleep(0.005)
        self.process.wait()

    def vanish(self) -> None:
        """End all its processes, and let none of them say a word."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.kill()


class XetStore:
    """A store of the storage library itself, for one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._xet, self._endpoint = hf_xet.XetSession(), f"local://{folder}"

    def keep(self, source: Path) -> tuple[str, int]:
        """Keep a file; return its hash and size."""
        with self._xet.new_upload_commit(endpoint=self._endpoint) as commit:
            upload = commit.start_upload_file(str(source), sha256=hf_xet.SKIP_SHA256)
        info = upload.result().xet_info
        return info.hash, info.file_size

    def place(self, name: str, target: Path) -> None:
        """Write contents that are kept."""
        target.touch()
        with self._xet.new_file_download_group(endpoint=self._endpoint) as group:
            group.start_download_file(hf_xet.XetFileInfo(name, None), str(target))

    def serve(self, patch: pytest.MonkeyPatch) -> None:
        """Do nothing: the client finds it by the token that it is given."""


class HfCloud(FakeHub):
    """A hub with jobs and buckets; use as a context manager.

    workspace: the lab whose tests open gates in trials' folders; a gate is carried to the job.
    """

    def __init__(
        self, folder: Path, workspace: Path, store: Blobs | XetStore | None = None
    ) -> None:
        super().__init__(xet_store=folder / "xet")
        self.folder, self.workspace = folder, workspace
        self.jobs: dict[str, Container] = {}
        self.specs: list[dict[str, Any]] = []
        self.is_full = False
        """Jobs wait in the queue while it is."""
        self.store = store or Blobs(folder / "blobs")
        self._known: dict[Path, tuple[tuple[int, int], str, int]] = {}
        self._ended = threading.Event()
        self._hand = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> "HfCloud":
        super().__enter__()
        self._hand.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._hand.join()
        for job in list(self.jobs.values()):
            job.kill()
        super().__exit__()

    def bucket(self, name: str) -> Path:
        """Return the folder that a bucket is."""
        return self.folder / "buckets" / name

    def live(self) -> list[str]:
        """Return the jobs that wait or run, which somebody pays for."""
        return [job.id for job in self.jobs.values() if job.stage in ("SCHEDULING", "RUNNING")]

    def lose(self, token: str) -> None:
        """Lose the jobs of an attempt, as if there had never been any."""
        for job in list(self.jobs.values()):
            if job.spec["labels"][LABEL] == token:
                job.vanish()
                del self.jobs[job.id]

    def answer(self, method: str, path: str, body: bytes, token: str) -> Answer:
        """Return the answer to a request."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[:2] not in (["api", "jobs"], ["api", "buckets"]) and parts[0] != "buckets":
            return super().answer(method, path, body, token)
        if token != f"Bearer {TOKEN}":
            return Answer(401, {"error": "Invalid credentials"})
        if parts[1] == "jobs":
            return self._jobs(method, parts[2:], body)
        if parts[0] == "buckets":
            return self._resolve("/".join(parts[1:3]), parts[4])
        return self._files("/".join(parts[2:4]), parts[4:], body)

    def _jobs(self, method: str, parts: list[str], body: bytes) -> Answer:
        match method, parts:
            case "GET", ["hardware"]:
                return Answer(200, [_hardware(name) for name in HARDWARE])
            case "POST", [_]:
                return Answer(200, self._run(json.loads(body)).told())
            case "GET", [_]:
                return Answer(200, [job.told() for job in self._matching()])
        job = self.jobs.get(parts[1])
        if job is None:
            return Answer.missing("JobNotFound")
        if parts[2:] == ["cancel"]:
            job.is_canceled = True
            job.kill()
        return Answer(200, job.told())

    def _matching(self) -> list[Container]:
        wanted = [pair.split("=", 1) for pair in self.asked.query.get("label", [])]
        return [
            job
            for job in self.jobs.values()
            if all(job.spec["labels"].get(name) == value for name, value in wanted)
        ]

    def _run(self, spec: dict[str, Any]) -> Container:
        self.specs.append(spec)
        number = f"{len(self.specs):024x}"
        home = self.workspace.parent.parent / "home-of-jobs"  # code is unpacked there once
        job = Container(number, spec, self.folder / "containers" / number, home)
        job.folder.mkdir(parents=True)
        self.jobs[number] = job
        self._admit(job)
        return job

    def _admit(self, job: Container) -> None:
        with self._lock:
            if not self.is_full and job.stage == "SCHEDULING":
                volume = job.spec["volumes"][0]
                job.start(self.bucket(volume["source"]) / volume["path"], self.url)

    def _carry(self) -> None:
        """Admit jobs that wait, and bring gates from trials' folders into containers."""
        while not self._ended.wait(0.01):
            for job in list(self.jobs.values()):
                self._admit(job)
                number = int(job.spec["labels"]["name"].rpartition("-")[2])
                gate = self.workspace / "trials" / f"{number:04d}" / "gate"
                for trial in job.folder.glob(f"tmp/pawn-job-*/lab/trials/{number:04d}"):
                    if gate.exists() and not (trial / "gate").exists():
                        shutil.copy(gate, trial / "part")
                        (trial / "part").rename(trial / "gate")

    def _files(self, name: str, verb: list[str], body: bytes) -> Answer:
        root = self.bucket(name)
        match verb:
            case []:
                status = 409 if root.is_dir() else 200
                root.mkdir(parents=True, exist_ok=True)
                return Answer(status, {"url": f"{self.url}/buckets/{name}"})
            case ["xet-write-token" | "xet-read-token"]:
                return self._xet_token()
            case ["batch"]:
                for line in body.splitlines():
                    self._place(root, json.loads(line))
                return Answer(200, {"success": True, "failed": []})
            case ["tree", prefix]:
                folder = root / prefix
                files = [path for path in folder.rglob("*") if path.is_file()]
                return Answer(200, [self._info(root, path) for path in files])
        return Answer(404, {"error": f"no {verb}"})

    def _place(self, root: Path, item: dict[str, Any]) -> None:
        assert item["type"] == "addFile"
        target = root / item["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        self.store.place(item["xetHash"], part)
        part.rename(target)

    def _info(self, root: Path, path: Path) -> dict[str, Any]:
        """Return what the hub tells of a file, which is in the store from then on."""
        status = path.stat()
        mark = status.st_mtime_ns, status.st_size
        if self._known.get(path, (None,))[0] != mark:
            self._known[path] = mark, *self.store.keep(path)
        _, xet_hash, size = self._known[path]
        name = path.relative_to(root).as_posix()
        return {"type": "file", "path": name, "size": size, "xetHash": xet_hash}

    def _resolve(self, name: str, path: str) -> Answer:
        root = self.bucket(name)
        if not (root / path).is_file():
            return Answer.missing("EntryNotFound")
        info = self._info(root, root / path)
        route = f"{self.url}/api/buckets/{name}/xet-read-token"
        headers = {"X-Xet-Hash": info["xetHash"], "X-Xet-Refresh-Route": route}
        return Answer(200, b"", headers | {"X-Linked-Size": str(info["size"])})


def _hardware(name: str) -> dict[str, Any]:
    cost = UNIT_COSTS[name]
    price = {"unitCostMicroUSD": cost, "unitCostUSD": cost / 1e6, "unitLabel": "minute"}
    return {"name": name, "accelerator": _GPU} | HARDWARE[name] | price
