"""What a folder of positions holds: `manifest.json`, and below `shards/` what it lists.

A shard is a safetensors file with the columns of positions of one source, on one side of the split.
A file that the manifest does not list does not count. Planes are not kept: the engine makes them
from the FEN faster than a file with them is read, and a copy could contradict its position.
"""

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pawn_core.config import ConfigError
from pawn_core.durable import replace_file
from pawn_core.untrusted import parse_object

MANIFEST, SHARDS, LOCK = "manifest.json", "shards", "lock"
TRAIN, VAL = "train", "val"
SUFFIX = ".safetensors"
FORMAT = 1


class DamagedPositionsError(ConfigError):
    """A folder of positions does not hold what its manifest says."""


@dataclass(frozen=True)
class Shard:
    """A file of positions."""

    file: str
    """Below `shards/`."""
    sha256: str
    bytes: int
    source: str
    split: str
    """`train` or `val`."""
    positions: int

    def __post_init__(self) -> None:
        if Path(self.file).name != self.file:
            raise ValueError(f"shard {self.file!r} is no file's name")
        if self.split not in (TRAIN, VAL):
            raise ValueError(f"split {self.split!r}; allowed: {TRAIN}, {VAL}")


@dataclass
class SourceRecord:
    """How the positions of a source were made, and how far that has come."""

    made_by: list[dict[str, Any]] = field(default_factory=list)
    """Commands, versions and options, in their order."""
    place: Any = None
    """Where its maker goes on; None: at the beginning."""
    counts: dict[str, int] = field(default_factory=dict)
    """Positions that were kept, and that were dropped by reason."""


@dataclass
class ShardManifest:
    """All that counts of a folder."""

    val_share: float
    shards: list[Shard] = field(default_factory=list)
    sources: dict[str, SourceRecord] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "ShardManifest":
        """Return a folder's manifest.

        Raises:
            ConfigError: there is none.
            DamagedPositionsError: it cannot be read.
        """
        path = folder / MANIFEST
        try:
            document = parse_object(path.read_bytes(), path)
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}; allowed: {FORMAT}")
            return cls(
                document["val_share"],
                [Shard(**shard) for shard in document["shards"]],
                {name: SourceRecord(**each) for name, each in document["sources"].items()},
            )
        except (FileNotFoundError, NotADirectoryError):
            raise ConfigError(
                f"{folder} is no folder of positions: it has no {MANIFEST}; "
                "scripts/make_positions.py makes one"
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedPositionsError(f"{path} is damaged: {error}") from None

    def write(self, folder: Path) -> None:
        """Replace a folder's manifest in one step."""
        document = {"format": FORMAT, **asdict(self)}
        replace_file(folder / MANIFEST, json.dumps(document, indent=1).encode() + b"\n")

    def shards_of(self, split: str, source: str | None = None) -> list[Shard]:
        """Return the shards of a side, of one source or of all."""
        return [s for s in self.shards if s.split == split and source in (None, s.source)]

    @property
    def digest(self) -> str:
        """SHA-256 of the shards' hashes: the same positions in the same order."""
        return sha256("".join(shard.sha256 for shard in self.shards).encode()).hexdigest()
