"""The study's journal: it survives its writers, and forgets nothing it was told."""

from pathlib import Path

import optuna
import pytest

from pawn_lab.sweeps.plan import Range
from pawn_lab.sweeps.study import Study, Told

SPACE = {"lr": Range(low=1e-5, high=1e-1, log=True), "optimizer": ["adamw", "muon"]}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "sweeps" / "0001.journal"


def trials_in(journal: Path) -> list[optuna.trial.FrozenTrial]:
    """Read the journal as Optuna does."""
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name="sweep", storage=storage).trials


def test_a_point_that_was_asked_for_and_never_used_is_used_next(journal):
    first = Study(journal, SPACE, seed=0).ask(0)
    assert Study(journal, SPACE, seed=1).ask(0) == first
    assert Study(journal, SPACE, seed=1).ask(1) != first
    assert len(trials_in(journal)) == 2


def test_values_are_told_once_and_pruned_points_keep_their_step(journal):
    study = Study(journal, SPACE, seed=0)
    for number in range(3):
        study.ask(number)
    told = [Told(0, 2.5, None), Told(1, 3.5, 100), Told(2, None, None)]
    study.tell(told)
    Study(journal, SPACE, seed=0).tell(told)
    completed, pruned, failed = trials_in(journal)
    assert (completed.state.name, completed.value) == ("COMPLETE", 2.5)
    assert (pruned.state.name, pruned.intermediate_values) == ("PRUNED", {100: 3.5})
    assert failed.state.name == "FAIL"


def test_a_torn_last_line_is_cut_and_the_study_goes_on(journal):
    Study(journal, SPACE, seed=0).ask(0)
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "torn')
    asked = Study(journal, SPACE, seed=0).ask(1)
    assert asked.number == 1
    assert len(trials_in(journal)) == 2


def test_a_journal_cut_at_any_byte_can_be_asked(journal):
    study = Study(journal, SPACE, seed=0)
    study.ask(0)
    study.tell([Told(0, 1.0, None)])
    study.ask(1)
    whole = journal.read_bytes()
    for size in range(0, len(whole), 97):
        journal.write_bytes(whole[:size])
        asked = Study(journal, SPACE, seed=0).ask(0)
        assert set(asked.values) == set(SPACE)
