"""Columns of positions as safetensors files, whose hashes are compared before they are parsed."""

from hashlib import sha256
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from pawn_core.durable import replace_file
from pawn_core.positions.manifest import SHARDS, SUFFIX, DamagedPositionsError, Shard
from pawn_core.positions.records import PositionColumns


def write_shard(
    folder: Path, source: str, split: str, number: int, columns: PositionColumns
) -> Shard:
    """Write a file of positions, whole or not at all; its name has a part of its hash."""
    data = save(columns.arrays())
    digest = sha256(data).hexdigest()
    file = f"{file_stem(source)}-{split}-{number:05d}-{digest[:8]}{SUFFIX}"
    replace_file(folder / SHARDS / file, data)
    return Shard(file, digest, len(data), source, split, len(columns))


def read_shard(folder: Path, shard: Shard, *, verify: bool = True) -> PositionColumns:
    """Return the positions of a file.

    Raises:
        DamagedPositionsError: it is missing, or not what was written.
    """
    path = folder / SHARDS / shard.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedPositionsError(f"{path} cannot be read: {error.strerror}") from None
    if verify and (actual := sha256(data).hexdigest()) != shard.sha256:
        raise DamagedPositionsError(
            f"{path} is damaged: its SHA-256 is {actual}, not {shard.sha256} as in the manifest"
        )
    try:
        columns = PositionColumns(**load(data))
    except (SafetensorError, TypeError) as error:
        raise DamagedPositionsError(f"{path} holds no columns of positions: {error}") from None
    if len(columns) != shard.positions:
        raise DamagedPositionsError(
            f"{path} has {len(columns)} positions, not {shard.positions} as in the manifest"
        )
    return columns


def file_stem(source: str) -> str:
    """Return how the names of a source's files begin."""
    return source.replace(":", "-").replace("/", "-")
