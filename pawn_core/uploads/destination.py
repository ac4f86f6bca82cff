"""What a destination has to offer."""

from typing import Protocol

from pawn_core.uploads.package import Package


class Destination(Protocol):
    """A place on the hub; every method may raise, see `pawn_core.uploads.errors`."""

    def open(self) -> None:
        """Make sure that the place exists and may be written; cheap once it has succeeded."""
        ...

    def try_to_write(self) -> None:
        """Write a tiny file and take it away again; the place has been opened."""
        ...

    def upload(self, package: Package) -> str | None:
        """Bring a package there, its manifest last, and compare what has arrived.

        What is there already is not sent again. Returns the revision that has it, if any.
        """
        ...
