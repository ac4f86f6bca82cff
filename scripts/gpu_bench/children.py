"""The processes that do the jobs: each its own, so that none leaves memory or a broken GPU behind.

A process that outlives its time, or this program, is killed with all that it started. Its chatter
goes to a log, whose last line says why it ended where it could not. Never imports torch.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
_ROOT = Path(__file__).parents[2]
_CACHE = "PAWN_COMPILED_CACHE"
_CACHES_OF_OTHERS = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


@dataclass(frozen=True)
class Place:
    """Where processes leave what they write."""

    folder: Path

    def environment(self, cache: str) -> dict[str, str]:
        """Return a process's environment, with a cache of compiled code of this name."""
        inherited = {k: v for k, v in os.environ.items() if k not in _CACHES_OF_OTHERS}
        paths = [str(_ROOT), str(_ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
        own = {_CACHE: str(self.folder / cache), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        return inherited | own


def ask(job: Mapping[str, Any], place: Place, cache: str, limit_s: float) -> Iterator[Answer]:
    """Yield a job's answers as they come; the last says why it failed, where the process died."""
    argv = [sys.executable, "-m", "gpu_bench.child", json.dumps(job), repr(time.time())]
    log = place.folder / f"{cache}.log"
    with process(argv, place.environment(cache), log, limit_s, answers=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            with suppress(ValueError):  # cut off where the process was killed
                yield json.loads(line)
        code = running.wait()
    if code:
        yield {"failed": _why(code, log, limit_s)}


@contextmanager
def process(
    argv: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    limit_s: float,
    *,
    answers: bool = False,
) -> Generator[subprocess.Popen[bytes]]:
    """Start a process that has so many seconds, and leave nothing of it behind.

    One that answers does so on its standard output; all else that it says goes to the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        running = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE if answers else errors,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    timer = threading.Timer(limit_s, _kill, [running])
    timer.start()
    try:
        yield running
    finally:
        timer.cancel()
        _kill(running)
        running.wait()
        if running.stdout is not None:
            running.stdout.close()


def _kill(running: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its session that is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)


def _why(code: int, log: Path, limit_s: float) -> str:
    """Return why a process ended badly."""
    if code == -signal.SIGKILL:
        return f"killed, perhaps after its {limit_s:.0f} s"
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    last = lines[-1].strip()[:160] if lines else "nothing said"
    return f"failed: exit code {code}: {last}"
