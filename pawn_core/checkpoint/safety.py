"""Refuse a file by its first bytes, before any parser sees it. Never imports torch.

A safetensors file is a little-endian u64 header length, the JSON header, then the tensors' bytes:
`{"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, "__metadata__": {..}}`.
"""

import json
import math
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.errors import CheckpointIntegrityError, UnsafeFileError

MAX_HEADER_BYTES = 16 << 20
MAX_DIMENSIONS = 8

_DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
_DTYPE_BYTES |= {"U8": 1, "BOOL": 1}
_ZIP_MAGIC = b"PK\x03\x04"  # torch.save since 1.6: a zip archive around a pickle


def is_pickle(head: bytes) -> bool:
    """Tell a pickle stream (protocol 2 and up) or a zip around one by its first 8 bytes.

    A safetensors file can also begin with 0x80 and a small number, the low bytes of its header
    length; but then bytes 3 to 7 are zero, since no header is over 16 MiB.
    """
    if head.startswith(_ZIP_MAGIC):
        return True
    return len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and any(head[3:8])


def check_tensor_file(path: Path) -> None:
    """Check that a file can only be safetensors, with a header in bounds and sizes that add up.

    Raises:
        UnsafeFileError: a pickle, or a header over the limits.
        CheckpointIntegrityError: header and file size contradict each other.
    """
    _checked_header(path)


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a file, by name, from its checked header alone.

    Raises:
        UnsafeFileError, CheckpointIntegrityError: see `check_tensor_file`.
    """
    return {name: tuple(entry["shape"]) for name, entry in _checked_header(path).items()}


def _checked_header(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if is_pickle(head):
            raise UnsafeFileError(f"{path} is a pickle; pickles run code and are never loaded")
        if len(head) < 8:
            raise CheckpointIntegrityError(f"{path} is too short for a safetensors file")
        length = int.from_bytes(head, "little")
        if length > min(MAX_HEADER_BYTES, size - 8):
            raise UnsafeFileError(f"{path} claims a header of {length} bytes")
        header = file.read(length)
    entries = _parse_header(path, header)
    _check_spans(path, entries, size - 8 - length)
    return entries


def _parse_header(path: Path, header: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(header)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        raise CheckpointIntegrityError(f"{path} has a header that is not a JSON object")
    return {name: entry for name, entry in entries.items() if name != "__metadata__"}


def _check_spans(path: Path, entries: dict[str, Any], data_bytes: int) -> None:
    """Check that the tensors cover the data exactly, in some order, without overlap."""
    end = 0
    spans = sorted(_span(path, name, entry) for name, entry in entries.items())
    for begin, stop in spans:
        if begin != end:
            raise CheckpointIntegrityError(f"{path} has a gap or an overlap at byte {end}")
        end = stop
    if end != data_bytes:
        raise CheckpointIntegrityError(f"{path} holds {data_bytes} bytes, its header says {end}")


def _span(path: Path, name: str, entry: Any) -> tuple[int, int]:
    try:
        begin, end = entry["data_offsets"]
        shape, width = entry["shape"], _DTYPE_BYTES[entry["dtype"]]
        numbers = (begin, end, *shape)
    except (TypeError, KeyError, ValueError):
        raise CheckpointIntegrityError(f"{path}: tensor {name[:80]!r} is malformed") from None
    if not all(type(n) is int and n >= 0 for n in numbers) or len(shape) > MAX_DIMENSIONS:
        raise UnsafeFileError(f"{path}: tensor {name[:80]!r} has a shape out of bounds")
    if end - begin != width * math.prod(shape):
        raise CheckpointIntegrityError(f"{path}: tensor {name[:80]!r} does not fit its bytes")
    return begin, end
