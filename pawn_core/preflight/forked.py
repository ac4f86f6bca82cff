"""Work in a process of its own, which may hang, be killed or hold a device, and is then gone.

Forked, so that torch is not imported twice. For that the parent must not have used torch's threads
or a GPU, nor have imported the engine, whose threads do not survive a fork: the work is named as
`module:function` and imported by the child. What it prints goes to a file.
"""

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from pawn_core.prctl import die_with_parent

_LOOK_S = 0.2
_OF_TORCHRUN = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK")


class Ended(NamedTuple):
    """How the work ended: by its result, an error, or neither."""

    result: dict[str, Any] | None = None
    error: str | None = None
    """`Type: message` of what it raised."""
    signal: int | None = None
    """What killed it."""
    timed_out: bool = False
    stopped: bool = False
    """Whether `watch` ended it."""


def run_forked(
    work: str,
    arguments: Sequence[Any],
    log: Path,
    limit_s: float,
    watch: Callable[[float], bool] = lambda _: True,
    is_excused: Callable[[], bool] = lambda: False,
) -> Ended:
    """Call `module:function` in a fork and return how it ended; after so many seconds it is killed.

    `watch` is called now and then with the seconds so far; what is not true ends the work.
    Time in which `is_excused` does not count.
    """
    assert "chess_engine" not in sys.modules, "its threads do not survive a fork"
    import_module("torch")
    answers, answer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _work(work, arguments, log, answer)
    os.close(answer)
    try:
        return _awaited(pid, answers, limit_s, watch, is_excused)
    finally:
        os.close(answers)


def _work(work: str, arguments: Sequence[Any], log: Path, answer: int) -> None:
    """Do it and say so; never returns."""
    try:
        _settle_in(log)
        told = {"result": resolve_name(work)(*arguments)}
    except BaseException as error:
        traceback.print_exc()
        told = {"error": f"{type(error).__name__}: {error}"}
    with suppress(OSError):
        os.write(answer, json.dumps(told).encode())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def _settle_in(log: Path) -> None:
    """Be a process of its own: alone, killed with its parent, and writing to the log."""
    if sys.platform == "linux":
        die_with_parent()
    os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for name in _OF_TORCHRUN:
        os.environ.pop(name, None)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _awaited(
    pid: int,
    answers: int,
    limit_s: float,
    watch: Callable[[float], bool],
    is_excused: Callable[[], bool],
) -> Ended:
    begin = looked = time.monotonic()
    data, status, excused = b"", None, 0.0
    while status is None:
        if select.select([answers], [], [], _LOOK_S)[0]:
            data += (part := os.read(answers, 1 << 16))
            if not part:  # it is about to end
                time.sleep(0.005)
        ended, code = os.waitpid(pid, os.WNOHANG)
        status = code if ended else None
        before, looked = looked, time.monotonic()
        excused += looked - before if is_excused() else 0.0
        passed = looked - begin
        stopped = status is None and not watch(passed)
        if status is None and (stopped or passed - excused > limit_s):
            _kill(pid)
            return Ended(timed_out=not stopped, stopped=stopped)
    _kill_group(pid)  # what it has started and left
    if os.WIFSIGNALED(status):
        return Ended(signal=os.WTERMSIG(status))
    told = json.loads(data) if data else {"error": "it ended without a word"}
    return Ended(told.get("result"), told.get("error"))


def _kill(pid: int) -> None:
    """End it with all that it has started; a process that hangs in the kernel is left behind."""
    _kill_group(pid)
    for _ in range(50):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.1)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
