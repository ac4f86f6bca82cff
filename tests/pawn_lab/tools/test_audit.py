"""lab_audit: the machine may be stopped only when nothing would be lost."""

import shutil

import pytest
from lab_testing import CONFIG, ended, in_state, make_checkpoint, open_gate

from pawn_core.checkpoint.manifest import file_sha256, list_checkpoints
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import places
from pawn_lab.lab import Lab, launching, notebook, resuming
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit


@pytest.fixture
def lab(study, tmp_path):
    """The study's lab, copied, for it is changed."""
    shutil.copytree(study, tmp_path / "runs")
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def blocking(answer):
    return [(row.trial_id, row.finding) for row in answer.findings if row.blocks]


def test_a_finished_and_noted_study_is_ready_and_says_what_was_left(lab):
    notebook.append(lab, "Chose 1e-3; trial 2 stays paused.")
    answer = lab_audit(lab)
    assert answer.ready
    assert (answer.trials, answer.checkpoints_verified) == (4, 3)
    [paused] = answer.findings
    assert paused.trial_id == 2
    assert paused.finding.startswith("paused at step 4 of 8 with learning rate ")
    assert paused.finding.endswith(", not resumed")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            '{"final_lr": 5e-4, "planned_final_lr": 0.0}',
            " with learning rate 0.0005, planned to end at 0",
        ),
        ('{"final_lr": null, "planned_final_lr": 0.0}', ""),
        ("[1e", ""),
    ],
)
def test_a_trial_that_stopped_early_is_told_with_its_learning_rate(lab, document, said):
    lab.paths.trial(2).schedule_health.write_text(document)
    findings = [row.finding for row in lab_audit(lab, trial_ids=[2]).findings if not row.blocks]
    assert findings == [f"paused at step 4 of 8{said}, not resumed"]


def test_notes_older_than_the_last_end_block(lab):
    assert blocking(lab_audit(lab)) == [(None, "the notes are none: lab_notes(append=...)")]


def test_a_checkpoint_with_one_changed_byte_blocks(lab):
    notebook.append(lab, "All done.")
    model = list_checkpoints(lab.paths.trial(4).checkpoints)[-1] / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    answer = lab_audit(lab)
    assert (answer.ready, answer.checkpoints_verified) == (False, 2)
    [(trial_id, finding)] = blocking(answer)
    assert trial_id == 4
    assert "does not match its SHA-256" in finding
    assert lab_audit(lab, trial_ids=[2, 3]).ready


def test_a_running_trial_and_one_without_a_checkpoint_block_and_a_failure_is_told(open_lab):
    failed = launching.launch(lab := open_lab("crash"), CONFIG).id
    ended(lab, failed)
    done = launching.launch(lab := open_lab("complete"), CONFIG).id
    ended(lab, done)
    notebook.append(lab, "Trial 1 crashed.")
    running = launching.launch(lab := open_lab("gate"), CONFIG).id
    in_state(lab, running, State.RUNNING)
    answer = lab_audit(lab)
    assert blocking(answer) == [(done, "completed without a checkpoint"), (running, "is running")]
    assert answer.findings[-2].trial_id == failed
    assert answer.findings[-2].finding.startswith("failed before step 1000")
    assert answer.next_check_s
    assert blocking(lab_audit(lab, trial_ids=[failed])) == [(running, "is running")]
    open_gate(lab, running)
    ended(lab, running)


def test_a_trial_that_runs_blocks_also_when_another_was_forked_from_it(open_lab):
    lab = open_lab("gate")
    parent = launching.launch(lab, CONFIG).id
    in_state(lab, parent, State.RUNNING)
    make_checkpoint(lab.paths.trial(parent).checkpoints, 5)
    fork = resuming.resume(lab, parent, checkpoint=5).id
    in_state(lab, fork, State.RUNNING)
    assert blocking(lab_audit(lab)) == [(parent, "is running"), (fork, "is running")]
    open_gate(lab, parent)
    open_gate(lab, fork)


def test_a_damaged_checkpoint_blocks_until_a_continuation_has_saved_a_later_one(open_lab):
    lab = open_lab("gate")
    parent = launching.launch(lab, CONFIG).id
    in_state(lab, parent, State.RUNNING)
    saved = make_checkpoint(lab.paths.trial(parent).checkpoints, 5)
    open_gate(lab, parent, "pause")
    ended(lab, parent)
    child = resuming.resume(lab, parent).id
    in_state(lab, child, State.RUNNING)
    (saved / "model.safetensors").write_bytes(b"")
    open_gate(lab, child, "crash")
    ended(lab, child)
    notebook.append(lab, "Trial 2 crashed.")
    [(trial_id, finding)] = blocking(lab_audit(lab))
    assert trial_id == parent
    assert finding.startswith("checkpoint step_00000005: ")
    make_checkpoint(lab.paths.trial(child).checkpoints, 10)
    assert lab_audit(lab).ready


def test_a_lab_without_trials_is_ready_and_names_its_folder(open_lab):
    lab = open_lab()
    answer = lab_audit(lab)
    assert answer.ready
    [row] = answer.findings
    assert row.finding == f"the lab at {lab.paths.root} has no trials"


def test_notes_written_before_a_later_end_block(open_lab):
    lab = open_lab("gate")
    trial = launching.launch(lab, CONFIG | {"total_steps": 5}).id
    in_state(lab, trial, State.RUNNING)
    notebook.append(lab, "Begun.")
    make_checkpoint(lab.paths.trial(trial).checkpoints, 5)
    open_gate(lab, trial)
    ended(lab, trial)
    [(trial_id, finding)] = blocking(lab_audit(lab))
    assert trial_id is None
    assert "end before the last trial did" in finding
    notebook.append(lab, "Ended.")
    assert lab_audit(lab).ready


def test_a_newest_checkpoint_that_is_not_where_the_config_wants_it_blocks(open_lab):
    lab = open_lab("gate")
    stored = {"hf_repo": "owner/name", "local_checkpoints": False}
    trial = launching.launch(lab, CONFIG | stored | {"total_steps": 5}).id
    in_state(lab, trial, State.RUNNING)
    paths = lab.paths.trial(trial)
    make_checkpoint(paths.checkpoints, 5)
    open_gate(lab, trial)
    ended(lab, trial)
    notebook.append(lab, "All done.")
    [where] = places(stored, paths.run).values()
    told = f"step_00000005 not uploaded to {where}: python -m pawn_core.uploads {paths.run}"
    assert blocking(lab_audit(lab)) == [(trial, told)]
    record = UploadRecord.read(paths.run, "hf_repo", where)
    newest = list_checkpoints(paths.checkpoints)[-1]
    record.add(newest, file_sha256(newest / ".complete"), "c0ffee", {})
    answer = lab_audit(lab)
    assert answer.ready
    assert f"step_00000005 uploaded to {where}" in [row.finding for row in answer.findings]
