"""The command line for pods, over a provider and a pod that are folders of a test."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
POD_SH = HERE.parents[1] / "deploy/pod.sh"
TOKEN = "hf_CanaryCanaryCanaryCanary"


class Account:
    """`pod.sh` as a person calls it, and what the provider was asked for."""

    def __init__(self, root: Path, volume: Path) -> None:
        self.root, self.home = root / "account", root / "home"
        self._programs = root / "programs"
        for folder in (self.root, self.home, self._programs):
            folder.mkdir()
        (self._programs / "runpodctl").symlink_to(HERE / "fake_runpodctl.py")
        (self._programs / "ssh").symlink_to(HERE / "fake_ssh.sh")
        path = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: os.environ[name] for name in os.environ if not name.startswith("PAWN_")}
        self.environment = kept | {
            "PATH": path,
            "HOME": str(self.home),
            "FAKE_ACCOUNT": str(self.root),
            "PYTHON": sys.executable,
            "PAWN_POD_POLL_S": "0",
            "PAWN_VOLUME": str(volume),
            "PAWN_WORKSPACE": str(volume / "runs"),
            "PAWN_CPU_SLOTS": "1",
            "PAWN_IMAGE": "example/pawn:1",
            "HF_TOKEN": TOKEN,
        }

    def __call__(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr; none of them ever shows the token."""
        done = subprocess.run(
            [POD_SH, *words],
            input=typed,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=120,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def program(self, name: str, script: str) -> None:
        """Put a program in front of those of this machine."""
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def create(self, name: str = "exp") -> tuple[int, str, str]:
        """Make a pod on volume `vol1`."""
        return self("create", name, "--gpu", "h100", "--volume", "vol1")

    def befall(self, **faults: str) -> None:
        """Say what befalls verbs from now on."""
        (self.root / "faults.json").write_text(json.dumps(faults))

    def calls(self) -> list[list[str]]:
        """Return what runpodctl was called with, without its noun."""
        path = self.root / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)[1:] for line in lines]

    def verbs(self) -> list[str]:
        """Return the verbs that change something, in order."""
        return [verb for verb, *_ in self.calls() if verb not in ("get", "list")]

    def pods(self) -> dict[str, Any]:
        """Return the provider's pods by id."""
        path = self.root / "pods.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def handle(self, name: str = "exp") -> str | None:
        """Return the file that is kept of a pod."""
        path = self.home / f".config/pawn/pods/{name}.env"
        return path.read_text() if path.exists() else None
