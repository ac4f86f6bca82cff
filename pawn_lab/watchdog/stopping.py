"""Ends an idle machine: past the gate, and after a time in which that can be called off.

Idle is what this process has seen of the machine for long enough: every device free and answering,
nobody else computing on it, and no event but its own. So a watch that was started again begins to
count anew, and a lab without a trial, which may be the wrong one, stops no machine.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from pawn_lab.alarms.idling import BUSY_PERCENT
from pawn_lab.analysis.audit import audit
from pawn_lab.clock import uptime_s
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, noting, queries
from pawn_lab.lab.closing import nothing_starts
from pawn_lab.text import clean, mask_secrets

COMMAND_VARIABLE = "PAWN_STOP_COMMAND"
GATE_EVERY_S = 300.0
"""The gate reads checkpoints whole, so one that is closed is tried again only after a while."""
COMMAND_TIMEOUT_S = 120.0
_OWN = frozenset({"disk", "idle", "stop"})
_MOST_SAID = 200
_MOST_DOUBLINGS = 4


def stop_command(given: str | None) -> str:
    """Return the command that stops the machine: the given one, else that of the environment.

    Raises:
        InvalidRequestError: there is none.
    """
    command = (given or os.environ.get(COMMAND_VARIABLE) or "").strip()
    if not command:
        raise InvalidRequestError(
            f"--stop-when-idle needs --stop-command, or {COMMAND_VARIABLE} in the environment: "
            "what ends this machine, as 'runpodctl stop pod $RUNPOD_POD_ID'"
        )
    return command


@dataclass
class Stopper:
    """Stops the machine once it has been idle for `idle_s`, `grace_s` after saying so."""

    command: str
    idle_s: float
    grace_s: float
    deliver: Callable[[Lab], None]
    """Tells of it at once."""
    clock: Callable[[], float] = uptime_s
    _cursor: int | None = field(default=None, init=False)
    _idle_from: float | None = field(default=None, init=False)
    _announced: float | None = field(default=None, init=False)
    _gate_at: float | None = field(default=None, init=False)
    """When the gate was closed last."""
    _told: bool = field(default=False, init=False)
    """Whether it was said, in this episode, that the gate is closed."""
    _failures: int = field(default=0, init=False)

    def look(self, lab: Lab) -> None:
        """Go a step further towards the stop, or back to the beginning."""
        now, why = self.clock(), self._activity(lab)
        if why is not None:
            self._begin_anew(lab, why)
            return
        self._idle_from = now if self._idle_from is None else self._idle_from
        if self._announced is not None:
            if now - self._announced >= self._wait_s():
                self._stop(lab, now)
        elif now - self._idle_from >= self.idle_s and self._passes(lab, now):
            self._announced = now
            self._tell(lab, "announced", self._announcement(now))

    def _activity(self, lab: Lab) -> str | None:
        """Say what has happened, or goes on, on the machine; None where it idles."""
        before, self._cursor = self._cursor, queries.latest_event(lab)
        if before is not None:
            for page in queries.event_pages(lab, before):
                for event in page.events:
                    if event.kind not in _OWN:
                        return f"{event.kind}: {event.message}"
        return busy(lab)

    def _begin_anew(self, lab: Lab, why: str) -> None:
        was_announced = self._announced is not None
        self._idle_from = self._announced = self._gate_at = None
        self._told, self._failures = False, 0
        if was_announced:
            self._tell(lab, "kept", f"the machine goes on: {why}")

    def _passes(self, lab: Lab, now: float) -> bool:
        """Ask the gate; where it is closed, say so once, and ask again after a while."""
        if self._gate_at is not None and now - self._gate_at < GATE_EVERY_S:
            return False
        reasons = closed(lab)
        self._gate_at = now if reasons else None
        if reasons and not self._told:
            self._told = True
            more = f", and {len(reasons) - 1} more (lab_audit)" if len(reasons) > 1 else ""
            message = f"the machine idles and is not stopped: {reasons[0]}{more}"
            self._tell(lab, "blocked", message)
        return not reasons

    def _announcement(self, now: float) -> str:
        assert self._idle_from is not None
        return (
            f"the machine stops in {self.grace_s / 60:.3g} min: idle for "
            f"{(now - self._idle_from) / 60:.0f} min, and the gate is open; a launch or "
            "`pawn-lab watch --keep` keeps it"
        )

    def _stop(self, lab: Lab, now: float) -> None:
        """Stop the machine, if nothing has changed; where it still runs, again after a while."""
        if not self._passes(lab, now):
            self._announced = None
            return
        with nothing_starts(lab):
            if not noting.note_stop(lab, "the machine stops now", {"what": "stops"}):
                return  # asked for just now; the next look says so
            self.deliver(lab)
            failure = run(self.command)
        self._announced, self._failures = now, self._failures + 1
        how = failure or "its stop command succeeded, and yet this process still runs"
        again = f"tried again in {self._wait_s() / 60:.3g} min"
        self._tell(lab, "failed", f"the machine is not stopped: {how}; {again}")

    def _wait_s(self) -> float:
        """Return how long a stop that was announced, or came to nothing, waits."""
        return self.grace_s * 2 ** min(self._failures, _MOST_DOUBLINGS)

    def _tell(self, lab: Lab, what: str, message: str) -> None:
        noting.note(lab, "stop", message, {"what": what})
        self.deliver(lab)


def busy(lab: Lab) -> str | None:
    """Say why the machine cannot be called idle; None where it can."""
    if not lab.executor.idle_costs:
        return "trials run on other machines"
    seen = {device.id: device for device in queries.devices(lab)}
    if not lab.devices or any(device.id not in seen for device in lab.devices):
        return "a device does not answer"
    for device in seen.values():
        if device.trial_id is not None:
            return f"trial {device.trial_id} is on {device.id}"
        if (device.utilization or 0) >= BUSY_PERCENT:
            return f"another program uses {device.id}"
    return None


def closed(lab: Lab) -> list[str]:
    """Return what stands against stopping the machine: in a new lab, that it is new."""
    trials = queries.trials(lab)
    if not trials:
        return ["the lab has had no trial yet, and may be the wrong one"]
    return [
        finding.text if finding.trial_id is None else f"trial {finding.trial_id} {finding.text}"
        for finding in audit(lab, trials).findings
        if finding.blocks
    ]


def run(command: str) -> str | None:
    """Run a command of the shell; return why it failed. It may well be the end of this process."""
    argv = ["/bin/sh", "-c", command]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its stop command did not end within {COMMAND_TIMEOUT_S:g} s"
    except OSError as error:
        return f"its stop command cannot be run: {error.strerror}"
    if done.returncode == 0:
        return None
    said = mask_secrets(clean(done.stdout.decode(errors="replace")).strip())[-_MOST_SAID:]
    return f"its stop command ended with {done.returncode}{f': {said}' if said else ''}"
