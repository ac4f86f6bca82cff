"""In what two trials differ, told apart by what it means for a comparison."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from past_trials import trial

from pawn_lab.analysis import differences
from pawn_lab.paths import WorkspacePaths

SMALL, WIDE = {"variant": "toy"}, {"variant": "toy", "lr": 0.01}


@pytest.fixture
def lab(tmp_path: Path) -> SimpleNamespace:
    """Return a workspace without a lab: what is compared here is read from files."""
    return SimpleNamespace(paths=WorkspacePaths(tmp_path))


def write(path: Path, *documents: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), "utf-8")


def evaluation(seq: int, step: int, **metrics) -> dict:
    return {"type": "eval", "seq": seq, "step": step, "time": 100.0 + step} | metrics


def test_what_was_chosen_has_settings_and_seeds_but_neither_devices_nor_what_follows():
    a, b = trial(1, lr=0.1, device="cpu"), trial(2, lr=0.2, seed=7, num_workers=1)
    assert differences.chosen(a, b) == {"seed": [0, 7], "data_seed": [0, 7], "lr": [0.1, 0.2]}
    shorter = trial(3, lr=0.1, total_steps=500)  # its warm-up and decay are shorter too
    assert differences.chosen(a, shorter) == {"total_steps": [1000, 500]}


def test_where_and_when_a_trial_runs_is_listed_apart():
    a, b = trial(1, lr=0.1, device="cpu"), trial(2, lr=0.2, num_workers=1)
    assert differences.incidental(a, b) == {"device": ["cpu", "auto"], "num_workers": [4, 1]}


def test_only_fields_that_decide_the_games_make_the_games_others():
    a, b = trial(1, batch_size=8, data_seed=1), trial(2, batch_size=16, data_seed=2, lr=0.1)
    assert differences.learned_from(a, b) == ["batch_size", "data_seed"]
    assert differences.measured_on(a, b) == []
    boosted = trial(3, mate_boost=0.5)
    assert differences.learned_from(trial(1), boosted) == ["mate_boost"]
    assert differences.measured_on(trial(1), boosted) == ["mate_boost"]


def test_provenance_compares_packages_one_by_one_and_hashes_by_their_first_characters(lab):
    records = (
        {"commit": "a" * 40, "uv_lock_sha256": None, "packages": {"torch": "2.9", "numpy": "2.1"}},
        {"commit": "b" * 40, "uv_lock_sha256": "c" * 64, "packages": {"torch": "2.10"}}
        | {"host": "box", "seeds": {"seed": 1}},
    )
    for number, record in enumerate(records, 1):
        write(lab.paths.trial(number).provenance, record)
    assert differences.provenance(lab, trial(1), trial(2)) == {
        "commit": ["a" * 12, "b" * 12],
        "uv_lock": [None, "c" * 12],
        "torch": ["2.9", "2.10"],
        "numpy": ["2.1", None],
        "host": [None, "box"],
    }


def test_provenance_is_unknown_where_a_trial_has_no_record(lab):
    write(lab.paths.trial(1).provenance, {"commit": "a"})
    assert differences.provenance(lab, trial(1), trial(2)) is None


def test_models_of_one_name_are_set_side_by_side_and_a_single_one_beside_each():
    pair, other = (
        trial(1, variants={"small": SMALL, "wide": WIDE}),
        trial(2, variants={"wide": WIDE, "third": SMALL}),
    )
    assert differences.models(pair, other) == [("wide", "wide")]
    assert differences.models(trial(3), pair) == [("", "small"), ("", "wide")]
    assert differences.models(pair, trial(3)) == [("small", ""), ("wide", "")]
    assert differences.models(trial(3), trial(4)) == [("", "")]


def test_numbers_are_of_the_last_step_at_which_both_were_evaluated(lab):
    write(
        lab.paths.trial(1).metrics,
        evaluation(0, 10, val_loss=5.0, top1=0.1),
        evaluation(1, 20, val_loss=4.0, top1=0.2, top5=None, kl=1.5),
        evaluation(2, 30, val_loss=3.0),
    )
    write(
        lab.paths.trial(2).metrics,
        evaluation(0, 10, val_loss=6.0),
        evaluation(1, 20, val_loss=5.5, top1=None, top5=0.5, kl=1.0),
    )
    step, metrics = differences.measured(lab, trial(1), trial(2), ("", ""))
    assert (step, metrics) == (20, {"val_loss": (4.0, 5.5), "kl": (1.5, 1.0)})
    assert differences.measured(lab, trial(1), trial(3), ("", "")) == (None, {})


def test_numbers_of_variants_are_those_of_the_names_asked_for(lab):
    write(
        lab.paths.trial(1).metrics,
        evaluation(0, 10, val_loss=5.0, variant="small"),
        evaluation(1, 10, val_loss=4.0, variant="wide"),
    )
    pair = trial(1, variants={"small": SMALL, "wide": WIDE})
    step, metrics = differences.measured(lab, pair, pair, ("small", "wide"))
    assert (step, metrics["val_loss"]) == (10, (5.0, 4.0))
