"""What every source of positions is: settings, and parcels of labelled positions in an order."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Protocol

from pawn_core.config.base import BaseConfig
from pawn_core.positions.records import LabelledPosition


class Parcel(NamedTuple):
    """The next positions of a source, perhaps none."""

    positions: list[LabelledPosition]
    place: Any
    """Where the source goes on behind them, as JSON."""
    counts: "Counter[str]"
    """What was looked at for them and not taken, by reason."""
    share: float | None = None
    """Of the source that has been read with them; None: not known, or it has no end."""


class SourceConfig(BaseConfig):
    """Settings of a source. Its fields are the flags of scripts/make_positions.py."""

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset()
    """Fields that decide nothing of what comes of it."""

    def lasting(self) -> dict[str, Any]:
        """Return what decides which positions come of the source, as JSON."""
        return self.model_dump(mode="json", exclude=set(self.INCIDENTAL))


class PositionSource(Protocol):
    """Where labelled positions are from.

    The parcels of the same settings are the same again: whoever is stopped goes on from the place
    of the last parcel that was kept.
    """

    Config: ClassVar[type[SourceConfig]]
    ENDLESS: ClassVar[bool]
    """Whether there are as many positions as one waits for."""

    def __init__(self, name: str, config: Any) -> None:
        """Begin a source that is registered by a name.

        Raises:
            ConfigError: there is nothing to make positions of.
        """
        ...

    @property
    def versions(self) -> dict[str, Any]:
        """What decides, beside the settings, which positions come of it: programs, files."""
        ...

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        """Yield positions from a place on; None: from the beginning."""
        ...

    def close(self) -> None:
        """End the programs it uses."""
        ...
