"""Random generator states as JSON: python, numpy, torch and each CUDA device."""

import base64
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor


def capture_rng() -> dict[str, Any]:
    """Return the state of every global generator."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, _encode(np.asarray(keys).tobytes()), position, has_gauss, cached],
        "torch": _encode_tensor(torch.get_rng_state()),
        "cuda": [_encode_tensor(state) for state in _cuda_states()],
    }


def restore_rng(state: dict[str, Any]) -> None:
    """Put every global generator back; CUDA states only as far as there are devices."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    words = np.frombuffer(base64.b64decode(keys), dtype=np.uint32)
    np.random.set_state((kind, words, position, has_gauss, cached))
    torch.set_rng_state(_decode_tensor(state["torch"]))
    for device, encoded in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
        torch.cuda.set_rng_state(_decode_tensor(encoded), device)


def _cuda_states() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _encode_tensor(state: Tensor) -> str:
    return _encode(state.numpy().tobytes())


def _decode_tensor(encoded: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(encoded)), dtype=torch.uint8)
