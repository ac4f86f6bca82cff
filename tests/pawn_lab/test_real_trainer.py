"""The lab with the real trainer: pause, resume, loss of every process, resume again."""

import json

import pytest
from lab_testing import ended, eventually, shim_of

from pawn_core.checkpoint import verify
from pawn_lab.lab import Lab, launching, queries, resuming
from pawn_lab.shim import identity
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.results import lab_results

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
    paused = launching.launch(lab, CONFIG | {"pause_after_steps": 4, "mate_boost": 1.0})
    lost = launching.launch(lab, CONFIG | {"total_steps": 1_000_000})
    saved = lab.paths.trial(lost.id).checkpoints / "step_00000004"
    eventually(saved.exists, "a checkpoint")
    identity.kill_members(shim_of(lab, lost.id).token)
    paused, lost = ended(lab, paused.id), ended(lab, lost.id)
    assert (paused.state, paused.exit.code, paused.exit.step) == (State.PAUSED, 0, 4)
    assert lost.state is State.LOST
    assert "; its newest checkpoint is of step" in lost.exit.message

    completed = resuming.resume(lab, paused.id)
    again = resuming.resume(
        lab, lost.id, pause_after_steps=queries.progress(lab, lost.id).step + 100
    )
    completed, again = ended(lab, completed.id), ended(lab, again.id)
    assert (completed.state, completed.exit.step) == (State.COMPLETED, 12)
    assert (completed.parent, completed.from_step) == (paused.id, 4)
    assert (again.state, again.parent) == (State.PAUSED, lost.id)
    assert again.from_step >= 4

    first, _, second, _ = queries.results(lab)
    assert (first.last.step, second.last.step) == (4, 12)
    assert second.last.metrics["val_loss"] < first.last.metrics["val_loss"]
    assert queries.progress(lab, completed.id).step == 12


def test_a_cotrained_trial_is_launched_paused_and_resumed_like_any_other(lab):
    shared = {k: v for k, v in CONFIG.items() if k != "variant"} | {"run_type": "cotrain"}
    variants = {"toy": {}, "thin": {"variant": "toy", "d_model": 32, "lr": 1e-3}}
    paused = launching.launch(lab, shared | {"variants": variants, "pause_after_steps": 4})
    assert ended(lab, paused.id).state is State.PAUSED
    completed = ended(lab, resuming.resume(lab, paused.id).id)
    assert (completed.state, completed.exit.step) == (State.COMPLETED, 12)
    saved = lab.paths.trial(completed.id).checkpoints / "step_00000012"
    assert set(verify(saved).members) == {"toy", "thin"}
    assert_variants_are_told_apart(lab, completed.id)


def assert_variants_are_told_apart(lab, trial_id):
    """The readers of metrics give each variant a row, a curve, a group and a line of its own."""
    rows = lab_results(lab, trial_ids=[trial_id]).rows
    assert {row.variant for row in rows} == {"toy", "thin"}
    assert len({row.last_value for row in rows}) == 2
    curves = lab_plot(lab, trial_ids=[trial_id]).curves
    assert curves[0].label == f"{trial_id} toy lr=0.0003"
    assert curves[1].label.startswith(f"{trial_id} thin ")
    assert [[x for x, _ in curve.points] for curve in curves] == [[4, 8, 12]] * 2
    compared = lab_compare(lab, trial_ids=[trial_id], factor="d_model,lr")
    assert len(compared.groups) == 2
    health = lab.paths.trial(trial_id).schedule_health
    document = json.loads(health.read_text())
    document["variants"]["thin"] |= {"reason": "patience", "actual_steps": 8}
    health.write_text(json.dumps(document))
    findings = [row.finding for row in lab_audit(lab, trial_ids=[trial_id]).findings]
    assert "variant thin stopped at step 8 of 12: patience" in findings
