"""A database older than its workspace: no number is given out twice, nothing is forgotten."""

import json
import shutil
from pathlib import Path

import pytest
from lab_testing import CONFIG, ended, eventually, in_state, open_gate, shim_of

from pawn_lab.lab import Lab, killing, launching, queries, resuming, spending, sweeping
from pawn_lab.paths import WorkspacePaths
from pawn_lab.states import State
from pawn_lab.tools.status import lab_status

PLAN = {"config": CONFIG, "arms": [{}], "space": {"lr": [1e-3, 3e-4]}}


@pytest.fixture(autouse=True)
def one_slot(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trial runs at a time, so that others wait."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")


def back_up(lab: Lab) -> None:
    """Copy the database as it is now."""
    backup = lab.paths.root.with_name("backup.db")
    backup.unlink(missing_ok=True)
    with lab.database.read() as tx:
        tx.execute("SELECT 1")
    lab.database._connection.execute("VACUUM INTO ?", (str(backup),))


def restore(paths: WorkspacePaths) -> None:
    """Put the copy in the place of the database, as the documents say."""
    for file in paths.database_files:
        file.unlink(missing_ok=True)
    shutil.copy(paths.root.with_name("backup.db"), paths.database)


def standing(lab: Lab) -> dict[int, tuple]:
    """Return what is known of each trial that does not change by itself."""
    return {
        trial.id: (trial.state, trial.config, trial.tags, trial.parent, trial.from_step, trial.exit)
        for trial in queries.trials(lab)
    }


def test_what_a_restored_database_lacks_is_taken_from_the_folders_as_it_was(open_lab):
    lab = open_lab("study")
    first = ended(lab, launching.launch(lab, CONFIG | {"pause_after_steps": 200}, tags=["old"]).id)
    back_up(lab)
    spending.set_cost(lab, 2.0, budget=50.0)
    second = ended(lab, resuming.resume(lab, first.id, tags=["new"]).id)
    held = launching.launch(open_lab("gate"), CONFIG | {"seed": 3}, idempotency_key="held")
    queued = launching.launch(lab, CONFIG | {"seed": 4}, priority=3, hypothesis="It waits.")
    killing.kill(lab, launching.launch(lab, CONFIG | {"seed": 5}).id, reason="not needed")
    in_state(lab, held.id, State.RUNNING)
    before, cost = standing(lab), spending.cost(lab)
    lab.close()
    restore(lab.paths)

    lab = open_lab("study")
    assert "lacked of trials 2, 3, 4, 5 was taken from their folders" in lab_status(lab).headline
    assert standing(lab) == before
    assert {t.id: t.state for t in queries.trials(lab)}[queued.id] is State.QUEUED
    assert queries.trial(lab, second.id).cost == pytest.approx(cost.by_trial[second.id])
    assert (spending.cost(lab).cost_per_hour, spending.cost(lab).budget.budget) == (2.0, 50.0)
    said = next(
        event for event in queries.events(lab, limit=1000).events if event.kind == "adopted"
    )
    assert said.data["trials"] == [2, 3, 4, 5]
    assert said.data["events_lost"] > 0
    assert launching.launch(lab, CONFIG | {"seed": 3}, idempotency_key="held").id == held.id
    open_gate(lab, held.id)
    assert ended(lab, held.id).state is State.COMPLETED
    assert ended(lab, queued.id).state is State.COMPLETED
    assert launching.launch(lab, CONFIG | {"seed": 6}).id == 6


def test_a_trial_that_a_backup_knows_as_queued_or_running_is_not_run_again(open_lab):
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG | {"seed": 1}).id
    in_state(lab, first, State.RUNNING)
    back_up(lab)
    for trial_id in (first, second):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
    tokens = [shim_of(lab, trial_id).token for trial_id in (first, second)]
    lab.close()
    restore(lab.paths)
    shutil.rmtree(lab.paths.ledger, ignore_errors=True)
    lab = open_lab("gate")
    assert [trial.state for trial in queries.trials(lab)] == [State.COMPLETED] * 2
    assert [shim_of(lab, trial_id).token for trial_id in (first, second)] == tokens


def test_a_trial_on_hold_that_a_backup_lacks_stays_on_hold(open_lab):
    lab = open_lab()
    back_up(lab)
    launching.launch(lab, CONFIG, hold=True)
    lab.close()
    restore(lab.paths)
    assert [(t.state, t.on_hold) for t in queries.trials(open_lab())] == [(State.QUEUED, True)]


def test_a_queued_trial_whose_folder_says_that_it_ran_is_not_run_again(open_lab):
    """Of a whole workspace put back over a newer one, only what is newer alone tells."""
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG | {"seed": 1}).id
    in_state(lab, first, State.RUNNING)
    back_up(lab)
    older = {f: f.read_bytes() for f in (lab.paths.ledger, lab.paths.trial(second).record)}
    for trial_id in (first, second):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
    token = shim_of(lab, second).token
    lab.close()
    restore(lab.paths)
    for file, content in older.items():
        file.write_bytes(content)
    lab = open_lab("gate")
    assert ended(lab, second).state is State.COMPLETED
    assert shim_of(lab, second).token == token


@pytest.mark.parametrize("name", ["0007", "12", "0007.part"])
def test_no_number_is_given_out_whose_folder_exists(open_lab, name):
    lab = open_lab("complete")
    theirs = lab.paths.trials / name
    theirs.mkdir(parents=True)
    trial_id = launching.launch(lab, CONFIG).id
    assert trial_id == int(name.partition(".")[0]) + 1
    assert list(theirs.iterdir()) == []
    ended(lab, trial_id)


def test_a_sweep_of_which_the_database_knows_nothing_goes_on_under_its_number(open_lab):
    lab = open_lab("study")
    back_up(lab)
    sweep, _ = sweeping.start(lab, PLAN)
    eventually(lambda: sweeping.get(lab, sweep.id).state == "completed", "end of the sweep")
    before = sweeping.get(lab, sweep.id)
    lab.close()
    restore(lab.paths)
    lab = open_lab("study")
    assert sweeping.get(lab, sweep.id) == before
    other, _ = sweeping.start(lab, PLAN | {"space": {"lr": [1e-4]}})
    assert other.id == sweep.id + 1


def test_a_record_that_cannot_be_read_hinders_no_other(open_lab):
    lab = open_lab("complete")
    back_up(lab)
    for seed in range(3):
        ended(lab, launching.launch(lab, CONFIG | {"seed": seed}).id)
    lab.close()
    lab.paths.trial(1).record.write_text("{")
    lab.paths.trial(2).record.write_text(json.dumps({"seq": 99, "row": {"state": 1}, "leases": []}))
    restore(lab.paths)
    lab = open_lab("complete")
    assert [trial.id for trial in queries.trials(lab)] == [3]
    newest = queries.latest_event(lab)
    assert queries.latest_event(open_lab("complete")) == newest
    assert launching.launch(lab, CONFIG | {"seed": 9}).id == 4


def test_a_database_restored_under_an_open_lab_is_read_anew(open_lab):
    lab = open_lab("complete")
    back_up(lab)
    first = ended(lab, launching.launch(lab, CONFIG).id)
    restore(lab.paths)
    assert queries.trial(lab, first.id) == first
    assert launching.launch(lab, CONFIG | {"seed": 1}).id == 2


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_of_the_database_that_somebody_deleted_loses_no_trial(open_lab, suffix):
    lab = open_lab("complete")
    first = ended(lab, launching.launch(lab, CONFIG).id)
    Path(f"{lab.paths.database}{suffix}").unlink()
    assert queries.trial(lab, first.id).state is State.COMPLETED
    second = ended(lab, launching.launch(lab, CONFIG | {"seed": 1}).id)
    assert [trial.id for trial in queries.trials(open_lab())] == [first.id, second.id]


def test_a_workspace_of_before_there_was_a_ledger_gets_one(open_lab):
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG).id)
    lab.close()
    for file in (lab.paths.ledger, lab.paths.trial(1).record):
        file.unlink()
    lab = open_lab("complete")
    assert lab.paths.trial(1).record.exists()
    assert lab.paths.ledger.exists()
