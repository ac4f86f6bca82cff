"""Processes of a running trial, killed one after the other, and what may become of it."""

import signal

from lab_testing import (
    CONFIG,
    ended,
    eventually,
    guardian_of,
    identity_of,
    nobody_left,
    shim_of,
    trainer_greeting,
)
from soundness import assert_sound

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.shim import identity
from pawn_lab.states import State

ALLOWED_ENDS = {
    "shim": {(State.LOST, None)},
    "trainer": {(State.FAILED, 9)},
    # Of two that die together, the shim may just have recorded the trainer's end.
    "trainer+shim": {(State.LOST, None), (State.FAILED, 9)},
    "guardian+shim": {(State.LOST, None)},
    "guardian+shim+trainer": {(State.LOST, None)},
}


def kill_victims(lab: Lab, trial_id: int, victims: str) -> None:
    """SIGKILL the processes of a running trial that the names stand for, one after the other."""
    shim = shim_of(lab, trial_id)
    pid = trainer_greeting(lab, trial_id)["pid"]
    trainer = identity_of(pid, shim.token)
    processes = {"shim": shim, "trainer": trainer, "guardian": guardian_of(lab, trial_id)}
    for name in victims.split("+"):
        identity.send_signal(processes[name], signal.SIGKILL)


def check_killed(open_lab, victim: str) -> None:
    """Kill processes of a trial; its state must be known and its device free, with no survivor."""
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    kill_victims(lab, trial_id, victim)
    trial = ended(lab, trial_id)
    assert (trial.state, trial.exit.signal) in ALLOWED_ENDS[victim]
    eventually(lambda: nobody_left(lab, trial_id), "end of the trial's processes")
    assert all(device.trial_id is None for device in queries.devices(lab))
    assert_sound(lab)
