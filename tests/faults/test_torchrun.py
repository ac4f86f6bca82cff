"""kill -9 of one of the processes that train a model on several devices."""

import signal
from pathlib import Path

import psutil
import pytest
from lab_testing import ended, eventually, guardian_of, identity_of, nobody_left, shim_of

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.shim import identity
from pawn_lab.shim.identity import ProcessIdentity
from pawn_lab.states import State

ENDLESS = {"variant": "toy", "max_seq_len": 32, "batch_size": 4, "total_steps": 1_000_000}
ENDLESS |= {"log_interval": 1, "eval_interval": 1_000_000, "val_games": 4, "num_workers": 0}
ENDLESS |= {"device": "cpu", "gpus": 2, "no_compile": True, "local_checkpoints": True}

ENDS = {
    "rank": (State.FAILED, None),
    "torchrun": (State.FAILED, 9),
    "shim": (State.LOST, None),
    "guardian+shim": (State.LOST, None),
}

LONE = ("torchrun", "shim")
"""Left to the long tier: in every run a shim, and a trainer, is killed alone on one device."""
VICTIMS = [
    pytest.param(victims, marks=pytest.mark.slow if victims in LONE else ()) for victims in ENDS
]


def trainers(token: str) -> dict[str, ProcessIdentity]:
    """Return torchrun and one of the ranks below it."""
    ranks = [
        pid for pid in identity.members(token) if "LOCAL_RANK" in psutil.Process(pid).environ()
    ]
    named = {"rank": ranks[-1], "torchrun": psutil.Process(ranks[-1]).ppid()}
    return {name: identity_of(pid, token) for name, pid in named.items()}


@pytest.mark.parametrize(
    "repetition", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))]
)
@pytest.mark.parametrize("victims", VICTIMS)
def test_a_trial_on_two_devices_leaves_no_process_whichever_is_killed(
    workspace: Path, victims, repetition
) -> None:
    with Lab.open(workspace) as lab:
        trial_id = launching.launch(lab, ENDLESS).id
        metrics = lab.paths.trial(trial_id).metrics
        eventually(lambda: metrics.exists() and '"train"' in metrics.read_text(), "first steps")
        shim = shim_of(lab, trial_id)
        processes = {"shim": shim, "guardian": guardian_of(lab, trial_id), **trainers(shim.token)}
        for victim in victims.split("+"):
            assert identity.send_signal(processes[victim], signal.SIGKILL)
        # Nobody looks at the workspace until then: no front end has to end what is left.
        eventually(lambda: nobody_left(lab, trial_id), "end of every rank")
        trial = ended(lab, trial_id)
        assert (trial.state, trial.exit.signal) == ENDS[victims]
        assert all(device.trial_id is None for device in queries.devices(lab))
