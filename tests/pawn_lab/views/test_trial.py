"""A trial's page has all of a trial but its curves: config, family, checkpoints, evaluations."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_testing import CONFIG, add_ended_trial, add_measured_trial, make_checkpoint

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError, NoCheckpointError, UnknownTrialError
from pawn_lab.lab import Lab
from pawn_lab.views import answered

EVAL = {"run_type": "eval", "games": 8, "shard_games": 4, "device": "cpu"}
REPORT = {
    "name": "legality",
    "definition": "Share of legal moves.",
    "figures": [{"name": "legal_rate", "value": 0.9, "low": 0.8, "high": 1.0, "n": 40}],
    "tables": [{"name": "By ply", "columns": ["ply", "rate"], "rows": [[1, 0.5], [2, None]]}],
    "facts": {"seed": 3},
}


@pytest.fixture
def lab(workspace: Path) -> Iterator[Lab]:
    with Lab.open(workspace) as lab:
        yield lab.only_looking()


def shown(lab: Lab, number: int) -> dict:
    answer = answered(lab, "trial", {"trial_id": number})
    return json.loads(json.dumps(answer, allow_nan=False))


def found(lab: Lab, number: int) -> list[dict]:
    return answered(lab, "evaluations", {"trial_id": number})["evaluations"]


def continued(lab: Lab, parent: int, **fields) -> int:
    number = add_measured_trial(lab, [2.0], **fields)
    with lab.database.write() as tx:
        tx.update("trials", number, parent=parent, from_step=100)
    return number


def test_its_config_says_what_was_chosen_and_what_each_field_is(lab):
    fields = {f["name"]: f for f in shown(lab, add_measured_trial(lab, [3.0], lr=0.01))["config"]}
    assert fields["lr"]["chosen"]
    assert fields["lr"]["value"] == 0.01
    assert fields["lr"]["default"] == parse_config(CONFIG).model_dump()["lr"]
    assert "learning rate" in fields["lr"]["about"]
    assert not fields["weight_decay"]["chosen"]
    assert not fields["data_seed"]["chosen"]  # which follows from the seed


def test_its_family_is_all_that_goes_back_to_its_oldest_ancestor(lab):
    oldest, stranger = add_measured_trial(lab, [3.0]), add_measured_trial(lab, [3.0])
    child = continued(lab, oldest, lr=0.01)
    sibling, grandchild = continued(lab, oldest), continued(lab, child)
    members = {m["id"]: m for m in shown(lab, child)["family"]["members"]}
    assert members.keys() == {oldest, child, sibling, grandchild}
    assert stranger not in members
    assert members[child]["changed"]["lr"] == [parse_config(CONFIG).model_dump()["lr"], 0.01]
    assert members[sibling]["changed"] == {}


def test_its_checkpoints_have_sizes_the_best_is_marked_and_hashes_are_checked_on_demand(lab):
    number = add_measured_trial(lab, [3.0, 1.0, 2.0])
    folder = lab.paths.trial(number).checkpoints
    for step in (100, 200):
        make_checkpoint(folder, step)
    newest, older = shown(lab, number)["checkpoints"]
    assert (newest["step"], newest["best_of"], newest["finished"]) == (200, [""], True)
    assert older["bytes"] > 0
    assert older["best_of"] == []
    asked = {"trial_id": number, "step": 200}
    assert answered(lab, "checkpoint", asked)["verified"]
    (folder / "step_00000200" / "model.safetensors").write_bytes(b"other")
    refused = answered(lab, "checkpoint", asked)
    assert not refused["verified"]
    assert "model.safetensors does not match its SHA-256" in refused["why"]
    assert str(folder) not in refused["why"]


def test_a_checkpoint_that_is_not_there_is_refused_with_those_that_are(lab):
    number = add_measured_trial(lab, [3.0])
    make_checkpoint(lab.paths.trial(number).checkpoints, 100)
    with pytest.raises(NoCheckpointError, match="no checkpoint of step 50; saved: 100"):
        answered(lab, "checkpoint", {"trial_id": number, "step": 50})


def test_what_eval_trials_found_on_its_weights_is_on_its_page_and_on_theirs(lab):
    measured, other = add_measured_trial(lab, [3.0]), add_measured_trial(lab, [3.0])
    config = parse_config(EVAL | {"weights": f"trial:{measured}@100"}).model_dump(mode="json")
    evaluation = add_ended_trial(lab, config)
    document = {
        "complete": True,
        "weights": {"source": f"trial:{measured}@100", "sha256": "ab" * 32},
        "evaluations": [REPORT],
    }
    lab.paths.trial(evaluation).results.write_text(json.dumps(document))
    assert shown(lab, measured)["predicts_moves"]
    assert not shown(lab, evaluation)["predicts_moves"]
    for number in (measured, evaluation):
        [own] = found(lab, number)
        assert own["id"] == evaluation
        assert own["reports"][0]["figures"][0]["low"] == 0.8
        assert own["reports"][0]["tables"][0]["rows"] == [[1, 0.5], [2, None]]
    assert found(lab, other) == []
    [reader] = shown(lab, measured)["family"]["read_by"]
    assert (reader["id"], reader["run_type"], reader["field"]) == (evaluation, "eval", "weights")


@pytest.mark.parametrize("damage", ["deleted", "torn", "a file"])
def test_a_damaged_run_folder_leaves_the_rest_of_the_page(lab, damage):
    number = add_measured_trial(lab, [3.0], lr=0.01)
    paths = lab.paths.trial(number)
    if damage == "torn":
        paths.metrics.write_bytes(b'{"type": "eval", "st')
        paths.provenance.write_bytes(b"{")
    else:
        paths.metrics.unlink()
        paths.run.rmdir()
    if damage == "a file":
        paths.run.write_text("<script>alert(1)</script>")
    page = shown(lab, number)
    assert page["state"] == "completed"
    assert (page["checkpoints"], page["provenance"]) == ([], None)


def test_a_config_of_another_version_is_shown_as_it_is_written(lab):
    number = add_ended_trial(lab, {"run_type": "<b>quantum</b>", "total_steps": 10, "qubits": 3})
    page = shown(lab, number)
    assert {f["name"]: f["value"] for f in page["config"]}["qubits"] == 3
    assert "<b>quantum</b>" in page["strangeness"]


def test_an_unknown_trial_is_refused_by_its_number(lab):
    for view in ("trial", "evaluations"):
        with pytest.raises(UnknownTrialError, match="trial 7 does not exist"):
            answered(lab, view, {"trial_id": 7})
    with pytest.raises(InvalidRequestError, match="trial needs 'trial_id'"):
        answered(lab, "trial", {})
