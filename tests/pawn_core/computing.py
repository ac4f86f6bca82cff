"""Other ways to compute than a CPU's own, without what takes seconds or is not there."""

import pytest
import torch

from pawn_core import runtime
from pawn_core.model import loss
from pawn_core.training import hidden, objective


def compute_as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute padding, uncompiled, as where nothing may wait for lengths."""
    monkeypatch.setattr(hidden, "skips_padding", lambda _: False)
    monkeypatch.setattr(loss, "may_look_at", lambda _: False)


def pretend_to_compile(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run what is to be compiled as it is; return a list of what is called from now on.

    The real compiler takes seconds to import.
    """
    called: list[str] = []

    def compile_recording(function, **_):
        return lambda *arguments: called.append(function.__name__) or function(*arguments)

    monkeypatch.setattr(torch, "compile", compile_recording)
    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    monkeypatch.setattr(runtime, "set_up_compiler", lambda _: None)
    monkeypatch.setattr(objective, "of_any_size", lambda tensor, *_: tensor)
    return called
