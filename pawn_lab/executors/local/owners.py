"""What is done when the owners of a trial, its shim and its guardian, do not answer."""

import signal
from collections.abc import Iterator

from pawn_lab.executors.attempt import Shim
from pawn_lab.shim import identity

ANSWER_S = 30.0
"""How long a kill may wait to be taken before the next in line gets it."""


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
