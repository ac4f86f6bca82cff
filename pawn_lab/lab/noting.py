"""Events of what is about the machine, not about a trial."""

from typing import Any

from pawn_lab.lab.workspace import Lab
from pawn_lab.states import ACTIVE
from pawn_lab.store import events, trials


def note(lab: Lab, kind: str, message: str, data: dict[str, Any]) -> None:
    """Append an event.

    Raises:
        WorkspaceNotWritableError: nothing can be recorded.
    """
    with lab.database.write() as tx:
        events.append(tx, kind, message, data=data)


def note_stop(lab: Lab, message: str, data: dict[str, Any]) -> bool:
    """Append the event of the machine's stop, unless a trial runs or waits; say whether it was."""
    with lab.database.write() as tx:
        if trials.select(tx, ACTIVE):
            return False
        events.append(tx, "stop", message, data=data)
    return True


def keep(lab: Lab) -> None:
    """Ask whoever watches to keep the machine: it has to be idle for as long again."""
    lab.check_exists()
    with lab.database.write() as tx:
        events.append_asked(tx, "keep", "the machine is to be kept", None, lab.launcher.caller)
