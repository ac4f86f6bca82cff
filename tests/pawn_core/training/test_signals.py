"""SIGTERM, twice, in each phase of a run: it ends, saved, and a resumed run is none the worse."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pawn_core.checkpoint import latest_verified, manifest
from pawn_core.data.stream import Stream
from pawn_core.signals import StopFlag
from pawn_core.training.update import Updater
from pawn_core.validation import validation_set

DEADLINE_S = 280

PHASES: dict[str, tuple[Any, str, int]] = {
    "data wait": (Stream, "_take", 5),
    "step": (Updater, "_step", 5),
    "evaluation": (validation_set, "score", 3),
    "save": (manifest, "seal", 1),
}
"""What a run calls in the middle of each phase, and at which of these calls it is signalled."""


@pytest.fixture
def stop():
    """A stop flag that the process's own signals set."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield StopFlag().install()
    for number, handler in before.items():
        signal.signal(number, handler)


def signal_twice() -> None:
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)


def signalled_in(phase: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a phase be signalled as it begins; return the list that says so afterwards."""
    owner, name, due = PHASES[phase]
    original, calls, done = getattr(owner, name), iter(range(1, 1000)), []

    def signalled(*arguments: Any, **options: Any) -> Any:
        if next(calls) == due:
            signal_twice()
            done.append(phase)
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, signalled)
    return done


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_signalled_twice_in_a_phase_is_saved_and_goes_on_as_if_nothing_had_been(
    tiny, train, tmp_path, records, stop, phase, monkeypatch
) -> None:
    train(tiny, "whole")
    with monkeypatch.context() as patched:
        done = signalled_in(phase, patched)
        outcome = train(tiny, "run", stop=stop)
    assert done
    assert (outcome.reason, outcome.exit_code) == ("signal", 143)
    newest = latest_verified(tmp_path / "run/checkpoints")
    assert newest is not None
    assert newest.name == outcome.checkpoint == f"step_{outcome.step:08d}"
    train(tiny, "run", newest)
    assert records(tmp_path / "run") == records(tmp_path / "whole")


def test_a_run_signalled_twice_while_it_is_compiled_is_saved(
    tiny, train, tmp_path, stop, monkeypatch
) -> None:
    """The compiler's front half; what it compiles runs as it is."""
    compiled = []

    def signalling(module: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        compiled.append(module)
        signal_twice()
        return module.forward

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **_: real(f, backend=signalling))
    outcome = train(tiny | {"no_compile": False}, "run", stop=stop)
    assert compiled
    assert (outcome.reason, outcome.checkpoint) == ("signal", "step_00000001")
    assert latest_verified(tmp_path / "run/checkpoints") is not None


@pytest.fixture
def signalled_at_import(tiny, tmp_path) -> Callable[..., int]:
    """Return a function that trains in a process signalled when it imports a module."""

    def run(module: str, config: dict[str, Any], deadline_s: float) -> int:
        code = f"""
import os, signal, sys
class Signal:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Signal())
from pawn_core.cli import main
sys.exit(main())
"""
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        command = [sys.executable, "-c", code, "--config", str(path)]
        compiled_anew = {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "inductor")}
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | compiled_anew
        command += ["--run-dir", str(tmp_path / "run")]
        return subprocess.run(command, env=environment, timeout=deadline_s).returncode

    return run


def test_sigterm_during_the_imports_leaves_no_half_run(tiny, signalled_at_import, tmp_path) -> None:
    code = signalled_at_import("torch", tiny | {"total_steps": 1_000_000}, DEADLINE_S)
    assert code == 143
    outcome = json.loads((tmp_path / "run/outcome.json").read_text())
    assert (outcome["reason"], outcome["step"]) == ("signal", 0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++: on a CPU nothing can be compiled")
def test_sigterm_while_the_real_compiler_runs_saves_the_step(
    tiny, signalled_at_import, tmp_path
) -> None:
    endless = tiny | {"total_steps": 1_000_000, "no_compile": False}
    amid = "torch._inductor.fx_passes.pad_mm"  # imported by the first compilation, no sooner
    assert signalled_at_import(amid, endless, 3500) == 143
    outcome = json.loads((tmp_path / "run/outcome.json").read_text())
    assert (outcome["reason"], outcome["checkpoint"]) == ("signal", "step_00000001")
    assert latest_verified(tmp_path / "run/checkpoints") is not None
