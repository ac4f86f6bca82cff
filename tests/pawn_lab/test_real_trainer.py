"""The lab with the real trainer: pause, resume, loss of every process, resume again."""

import pytest
from lab_testing import ended, eventually, shim_of

from pawn_core.checkpoint import verify
from pawn_lab.lab import Lab
from pawn_lab.processes import identity
from pawn_lab.trials.states import State

CONFIG = {
    "variant": "toy",
    "local_checkpoints": True,
    "total_steps": 12,
    "batch_size": 2,
    "max_seq_len": 32,
    "eval_interval": 4,
    "val_games": 4,
    "log_interval": 2,
    "num_workers": 0,
    "warmup_steps": 2,
}


@pytest.fixture
def lab(workspace):
    with Lab.open(workspace) as lab:
        yield lab


def test_a_paused_and_a_lost_trial_both_resume_from_their_last_checkpoint(lab):
    paused = lab.launch(CONFIG | {"pause_after_steps": 4, "mate_boost": 1.0})
    lost = lab.launch(CONFIG | {"total_steps": 1_000_000})
    saved = lab.paths.trial(lost.id).checkpoints / "step_00000004"
    eventually(saved.exists, "a checkpoint")
    identity.kill_members(shim_of(lab, lost.id).token)
    paused, lost = ended(lab, paused.id), ended(lab, lost.id)
    assert (paused.state, paused.exit.code, paused.exit.step) == (State.PAUSED, 0, 4)
    assert lost.state is State.LOST

    completed = lab.resume(paused.id)
    again = lab.resume(lost.id, pause_after_steps=lab.progress(lost.id).step + 100)
    completed, again = ended(lab, completed.id), ended(lab, again.id)
    assert (completed.state, completed.exit.step) == (State.COMPLETED, 12)
    assert (completed.parent, completed.from_step) == (paused.id, 4)
    assert (again.state, again.parent) == (State.PAUSED, lost.id)
    assert again.from_step >= 4

    first, _, second, _ = lab.results()
    assert (first.last.step, second.last.step) == (4, 12)
    assert second.last.metrics["val_loss"] < first.last.metrics["val_loss"]
    assert lab.progress(completed.id).step == 12


def test_a_cotrained_trial_is_launched_paused_and_resumed_like_any_other(lab):
    shared = {k: v for k, v in CONFIG.items() if k != "variant"} | {"run_type": "cotrain"}
    variants = {"toy": {}, "thin": {"variant": "toy", "d_model": 32, "lr": 1e-3}}
    paused = lab.launch(shared | {"variants": variants, "pause_after_steps": 4})
    assert ended(lab, paused.id).state is State.PAUSED
    completed = ended(lab, lab.resume(paused.id).id)
    assert (completed.state, completed.exit.step) == (State.COMPLETED, 12)
    saved = lab.paths.trial(completed.id).checkpoints / "step_00000012"
    assert set(verify(saved).members) == {"toy", "thin"}
