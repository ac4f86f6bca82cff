"""Putting the lab into a host, and taking it out: all changes are known before one is made."""

from pawn_lab.hosts.changes import FileChange
from pawn_lab.hosts.host import Host, Place


def install(host: Host, place: Place) -> list[FileChange]:
    """Return what has to change for the lab to be in a host; nothing where it is.

    Raises:
        InvalidRequestError: a file cannot be changed without losing something, or holds what is
            somebody else's.
    """
    host.check(place)
    return [change for piece in host.pieces(place) for change in piece.put()]


def remove(host: Host, place: Place) -> list[FileChange]:
    """Return what has to change for the lab to be gone from a host; nothing where it is.

    Raises:
        InvalidRequestError: a file cannot be changed without losing something.
    """
    return [change for piece in host.pieces(place) for change in piece.taken()]
