"""The destinations: one entry each, named by its config field. Never imports the hub's client."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from pawn_core.config.types import VARIANT
from pawn_core.sinks.sink import RunInfo
from pawn_core.uploads.record import MODEL_MARK, noted_place

if TYPE_CHECKING:
    from pawn_core.uploads.destination import Destination


class DestinationType(NamedTuple):
    """A kind of destination, its class as `module:Class`, imported only where it is used."""

    name: str
    factory: str
    prefix: Callable[[str], str]
    """From the config's value to what the place of each of its runs begins with."""

    def where(self, value: str, run_dir: Path, destination: str) -> str:
        """Return where a run goes: a place of its own, the same after its folder has moved."""
        prefix = self.prefix(value)
        noted = noted_place(run_dir, destination)
        return noted if noted.startswith(prefix) else f"{prefix}{run_name(run_dir)}"

    def build(self, where: str) -> "Destination":
        """Return the destination, which is not open yet."""
        return resolve_name(self.factory)(where)


def run_name(run_dir: Path) -> str:
    """Return a name for a run: its folder's, and what tells it from others of that name."""
    info = RunInfo(run_dir.resolve(), {})
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', info.name).strip('-')}-{info.id[:8]}"


def _branch(repository: str) -> str:
    return f"{repository}@run/"


def _folder(bucket: str) -> str:
    return f"hf://buckets/{bucket.removeprefix('hf://buckets/')}/"


DESTINATIONS: tuple[DestinationType, ...] = (
    DestinationType("hf_repo", "pawn_core.uploads.repository:Repository", _branch),
    DestinationType("hf_bucket", "pawn_core.uploads.bucket:Bucket", _folder),
)


def places(config: Mapping[str, Any], run_dir: Path) -> dict[str, str]:
    """Return where a config wants its run to go, by destination: one, or one for each variant."""
    addresses: dict[str, str] = {}
    for kind in DESTINATIONS:
        for name, value in _destinations(kind.name, config):
            addresses[name] = kind.where(value, run_dir, name)
    return addresses


def _destinations(field: str, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the destinations of a config's field, each with its repository or bucket."""
    value = config.get(field)
    if not value:
        return []
    if VARIANT not in value:
        return [(field, value)]
    variants = config.get("variants") or ()
    return [(f"{field}{MODEL_MARK}{name}", value.replace(VARIANT, name)) for name in variants]


def field_of(destination: str) -> str:
    """Return the config field that asks for a destination."""
    return destination.partition(MODEL_MARK)[0]


def destination_named(name: str) -> DestinationType:
    """Return a destination by its name."""
    return next(kind for kind in DESTINATIONS if kind.name == field_of(name))
