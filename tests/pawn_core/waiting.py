"""What makes the host wait for a GPU, noticed on a CPU."""

from typing import Any

import pytest
import torch

WAITING = ("item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__int__", "__float__")
"""Methods of a tensor. (A dispatch mode would notice more, and import the compiler.)"""


def record_waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each call of such a method adds its name from now on."""
    waits: list[str] = []

    def recording(name: str) -> Any:
        method = getattr(torch.Tensor, name)
        return lambda tensor, *rest, **more: waits.append(name) or method(tensor, *rest, **more)

    for name in WAITING:
        monkeypatch.setattr(torch.Tensor, name, recording(name))
    return waits
