"""The checks of a preflight, one after the other, up to the first that fails."""

import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from pawn_core.checkpoint.volatile import MEMORY
from pawn_core.config import RunConfig
from pawn_core.durable import make_directory
from pawn_core.preflight.forked import Ended, run_forked
from pawn_core.preflight.report import Check, CheckName, PreflightReport
from pawn_core.run_paths import RunPaths
from pawn_core.untrusted import parse_object, read_end, read_file

STEPS = 3
LIMIT_S = 1800.0
"""For all steps: a compilation may take half of it."""
_DEVICE_S, _HUB_S, _READ_BACK_S = 120.0, 120.0, 600.0
_SILENT_S = 120.0
"""Games that are read say so more often than that."""
_GIB, _MIB = 1 << 30, 1 << 20
_CONTAINERS_DEFAULT = 64 << 20
"""Bytes of /dev/shm in a container that was not given more; NCCL dies of a bus error in it."""
_VOLATILE_AT_ONCE = 3
"""Checkpoints in memory: the newest, the best and the one that is written."""
_MOST_LOG_LINES, _MOST_LOG_BYTES = 30, 1 << 16

_WORK = "pawn_core.preflight.trying"
_OF_STEPS = ("steps", "step_s", "start_s", "memory_bytes", "memory_limit_bytes")
"""Fields of the report that the steps fill in."""

Say = Callable[[str], bool]
"""Told what is done at present; says whether to go on."""

_SYMPTOMS: Mapping[CheckName, str] = MappingProxyType(
    {
        "memory": r"out of memory|OutOfMemoryError|MemoryError|t allocate memory",
        "disk": r"No space left on device|Disk quota exceeded",
        "shared memory": r"[Bb]us error|SIGBUS",
        "loss": r"not finite|diverged|KL to the reference",
        "device": r"CUDA driver|NVIDIA driver|no kernel image|CUDA error",
    }
)
"""What the end of a try says of its reason, in the order in which it is believed."""


class FailedError(Exception):
    """A check failed; there is no use in going on."""


class StoppedError(Exception):
    """The preflight was asked to stop."""


@dataclass
class Preflight:
    """A preflight of a run in `run_dir`, which need not exist; it works in a folder beside it."""

    config: RunConfig
    run_dir: Path
    say: Say = lambda _: True
    steps: int = STEPS
    limit_s: float = LIMIT_S
    from_step: int = 0
    """What the run has done already."""
    checks: list[Check] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    """Of the report's fields what is known so far."""

    @property
    def folder(self) -> Path:
        """Where it works: on the run's own volume; gone when it ends."""
        return self.run_dir.with_name(f"{self.run_dir.name}.preflight")

    @property
    def log(self) -> Path:
        """What the work has printed."""
        return self.folder / "log"

    def run(self, known: PreflightReport | None = None) -> PreflightReport:
        """Make every check, less the steps where a run of this shape has passed them; report.

        Raises:
            StoppedError: it was asked to stop.
        """
        begin = time.monotonic()
        try:
            with self._workplace():
                self._check_all(known)
        except FailedError:
            pass
        return self._report(time.monotonic() - begin, is_known=known is not None)

    def last_lines(self) -> str:
        """Return the end of what the work printed."""
        lines = str(self.found.get("log", "")).splitlines(keepends=True)
        return "".join(lines[-_MOST_LOG_LINES:])

    def _check_all(self, known: PreflightReport | None) -> None:
        self._use_device()
        if self.config.shm_checkpoints or self.config.gpus > 1:
            self._check_shared_memory()
        if self.config.hf_repo or self.config.hf_bucket:
            self._write_to_hub()
        if known is not None:
            self._take_over(known)
        else:
            self._train()
            self._read_back()
        self._check_disk()

    @contextmanager
    def _workplace(self) -> Iterator[None]:
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            make_directory(self.folder)
        except OSError as error:
            self._fail("disk", f"{self.folder} cannot be made: {error.strerror}")
        try:
            yield
        finally:
            if self.log.exists():
                self.found["log"] = read_end(self.log, _MOST_LOG_BYTES).decode(errors="replace")
            shutil.rmtree(self.folder, ignore_errors=True)

    def _use_device(self) -> None:
        ended = self._forked("device", "use_device", [self.config], _DEVICE_S)
        if ended.result is None:
            self._fail("device", _why(ended, _DEVICE_S))
        self._pass("device", ended.result["device"])

    def _check_shared_memory(self) -> None:
        try:
            there = shutil.disk_usage(MEMORY)
        except OSError:
            self._fail("shared memory", f"{MEMORY} is not there")
        found = f"{_size(there.free)} of {_size(there.total)} of {MEMORY} free"
        if self.config.gpus > 1 and there.total <= _CONTAINERS_DEFAULT:
            self._fail("shared memory", found)
        self._pass("shared memory", found)

    def _write_to_hub(self) -> None:
        """Try it; a hub that cannot be reached now is no reason to stop a run that can wait."""
        ended = self._forked("hub", "write_to_hub", [self.config, self.run_dir], _HUB_S)
        told = ended.result or {"written": [], "refused": [], "unreachable": [_why(ended, _HUB_S)]}
        missing = told["refused"] + told["unreachable"]
        if told["refused"] or (missing and self.config.shm_checkpoints):
            self._fail("hub", "; ".join(missing))
        parts = [f"written to {where} and removed" for where in told["written"]]
        parts += [f"not reached, to be tried again: {why}" for why in missing]
        self._pass("hub", "; ".join(parts))

    def _train(self) -> None:
        tried = [self.config.tried(self.steps), self.folder]
        ended = self._forked("steps", "train_steps", tried, self.limit_s, self._phase)
        if ended.timed_out:
            self._fail("time", f"{self._phase() or 'start'}: not over within {self.limit_s:g} s")
        told = ended.result
        if told is None or told["reason"] not in ("paused", "completed", "patience"):
            self._fail_as_told("steps", told["message"] if told else _why(ended, self.limit_s))
        self.found |= {name: told[name] for name in _OF_STEPS}
        limit = told["memory_limit_bytes"]
        share = f", {told['memory_bytes'] / limit:.0%} of what there is" if limit else ""
        self._pass("memory", f"{_size(told['memory_bytes'])}{share}")
        if told["not_finite"]:
            self._fail("loss", f"not finite in {told['not_finite']} records")
        if told["losses"]:
            self._pass("loss", f"finite in {told['losses']} records")
        counted = self.config.progress.counted(told["steps"])
        self._pass("steps", f"{counted}, {told['step_s'] or 0.0:.3g} s each at best")

    def _read_back(self) -> None:
        ended = self._forked("checkpoint", "read_back", [self.folder], _READ_BACK_S)
        if ended.result is None:
            self._fail_as_told("checkpoint", _why(ended, _READ_BACK_S))
        self.found["checkpoint_bytes"] = size = ended.result["bytes"]
        self._pass("checkpoint", f"{_size(size)} written, verified, read back bit by bit")

    def _fail_as_told(self, name: CheckName, why: str) -> NoReturn:
        """Fail a check, or that which its reason is known to be a matter of."""
        known = (symptom for symptom, pattern in _SYMPTOMS.items() if re.search(pattern, why))
        self._fail(next(known, name), why)

    def _take_over(self, known: PreflightReport) -> None:
        """Take what another run of this shape has shown."""
        self.found |= {name: getattr(known, name) for name in (*_OF_STEPS, "checkpoint_bytes")}
        self._pass("steps", "a run of this shape has passed them on this device")

    def _check_disk(self) -> None:
        """Ask for room for every checkpoint that the run will keep, where it keeps them."""
        size, count = self.found.get("checkpoint_bytes") or 0, _kept(self.config, self.from_step)
        place = MEMORY if self.config.shm_checkpoints else self.run_dir.absolute().parent
        free = shutil.disk_usage(place).free
        self.found.update(checkpoints=count, free_bytes=free)
        found = f"{count} x {_size(size)} to come, {_size(free)} free in {place}"
        if size * count > free:
            self._fail("disk", found)
        self._pass("disk", found)

    def _forked(
        self,
        name: CheckName,
        work: str,
        arguments: list[Any],
        limit_s: float,
        doing: Callable[[], str] = str,
    ) -> Ended:
        def watch(passed_s: float) -> bool:
            what = ", ".join(filter(None, (name, doing())))
            return self.say(f"{what}, {passed_s:.0f} s")

        if not watch(0.0):
            raise StoppedError
        call = f"{_WORK}:{work}", arguments, self.log, limit_s
        ended = run_forked(*call, watch, self._reads_games)
        if ended.stopped:
            raise StoppedError
        return ended

    def _phase(self) -> str:
        """Return what the steps are at, as the run in the folder says."""
        return str(self._told().get("phase", ""))

    def _reads_games(self) -> bool:
        """Say whether it reads games for the first time, which may take long, and gets on."""
        told = self._told()
        return told.get("phase") == "games" and time.time() - told.get("told", 0.0) < _SILENT_S

    def _told(self) -> dict[str, Any]:
        try:
            file = RunPaths(self.folder).phase
            return parse_object(read_file(file), file)
        except (OSError, ValueError):
            return {}

    def _pass(self, name: CheckName, found: str) -> None:
        self.checks.append(Check(name=name, ok=True, found=found))

    def _fail(self, name: CheckName, found: str) -> NoReturn:
        self.checks.append(Check(name=name, ok=False, found=found))
        raise FailedError

    def _report(self, took_s: float, *, is_known: bool) -> PreflightReport:
        found = {name: value for name, value in self.found.items() if name != "log"}
        remaining = max(0, self.config.target - self.from_step)
        step_s, start_s = found.get("step_s"), found.get("start_s")
        whole = None if step_s is None else (start_s or 0.0) + step_s * max(0, remaining - 1)
        return PreflightReport(
            checks=tuple(self.checks),
            unit=self.config.progress.unit,
            known=is_known,
            remaining=remaining,
            whole_s=whole,
            took_s=took_s,
            **found,
        )


def _size(count: int) -> str:
    """Return bytes as a person reads them."""
    return f"{count / _GIB:.2f} GiB" if count >= _GIB else f"{count / _MIB:.2f} MiB"


def _kept(config: RunConfig, from_step: int) -> int:
    """Return how many checkpoints a run will have at once where it keeps them."""
    if config.shm_checkpoints:
        return _VOLATILE_AT_ONCE
    interval = config.checkpoint_interval or config.length
    return max(1, -(-(config.target - from_step) // interval))


def _why(ended: Ended, limit_s: float) -> str:
    """Say why work has no result."""
    if ended.timed_out:
        return f"no answer within {limit_s:g} s: it hangs"
    if ended.signal is not None:
        name = signal.Signals(ended.signal).name
        return f"killed by {name}" + (", as of a system out of memory" if name == "SIGKILL" else "")
    return ended.error or "it said nothing"
