"""Who owns a trial, and what is done when its owner does not answer."""

import signal
from collections.abc import Iterator
from typing import NamedTuple

from pawn_lab.clock import Moment
from pawn_lab.documents import read_json_object
from pawn_lab.executors.executor import Attempt
from pawn_lab.paths import TrialPaths
from pawn_lab.shim import identity
from pawn_lab.shim.identity import ProcessIdentity

ANSWER_S = 30.0
"""How long a kill may wait to be taken before the next in line gets it."""


class Shim(NamedTuple):
    """A trial's shim, the guardian above it, and when it started the trainer, in which folder."""

    identity: ProcessIdentity
    guardian: ProcessIdentity
    started: Moment
    folder: list[int] | None

    def is_of_copy(self, paths: TrialPaths) -> bool:
        """Say whether the trial's folder is a copy of that in which the shim was started."""
        return self.folder is not None and self.folder != identity.folder_id(paths.root)

    def lives(self) -> bool:
        """Say whether the shim or its guardian does."""
        return identity.is_alive(self.identity) or identity.is_alive(self.guardian)


def shim_of(attempt: Attempt) -> Shim | None:
    """Return who the shim of this attempt is, or None before it has said so."""
    try:
        record = read_json_object(attempt.paths.identity) or {}
        ours = ProcessIdentity.from_dict(record)
        guardian = ProcessIdentity.from_dict(record.get("guardian", record))
        uptime = record.get("uptime")
        started = Moment(float(record["started_at"]), ours.boot_id, uptime and float(uptime))
        shim = Shim(ours, guardian, started, record.get("folder"))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return shim if shim.identity.token == attempt.token else None


def continue_stopped(shim: Shim) -> Iterator[str]:
    """Let a shim or guardian that a signal has stopped go on: its trainer would have no owner."""
    for name, owner in (("shim", shim.identity), ("guardian", shim.guardian)):
        if identity.is_stopped(owner) and identity.send_signal(owner, signal.SIGCONT):
            yield f"its {name} was stopped (SIGSTOP): continued"


def escalate(token: str, shim: Shim | None, waited_s: float) -> Iterator[str]:
    """Pass a kill that its owner does not take to the next in line; yield what was done.

    From the shim, killed, to its guardian, which ends what a dead shim leaves; from there to the
    token and the mark of the trial's processes. A shim that has taken the kill is left to its work.
    """
    if waited_s <= ANSWER_S:
        return
    if shim is None:
        yield from _kill_members(token, "who its shim is cannot be read")
    elif identity.is_alive(shim.identity):
        if identity.ignores(shim.identity, signal.SIGTERM):
            yield f"its shim has not taken the kill in {waited_s:.0f} s: SIGKILL to it"
            identity.send_signal(shim.identity, signal.SIGKILL)
    elif identity.is_alive(shim.guardian) and waited_s > 2 * ANSWER_S:
        yield from _kill_members(token, "its guardian does not end what the shim left")


def _kill_members(token: str, why: str) -> Iterator[str]:
    if identity.kill_members(token):
        yield f"{why}: SIGKILL to all that carries the trial's token"
