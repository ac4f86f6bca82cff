"""The view of the launch form: every field of every run type once, with what it takes."""

import pytest
from lab_testing import CONFIG, add_ended_trial

from pawn_core.config import RUN_TYPES, ConfigError, config_json_schema, parse_config
from pawn_lab.lab import Lab
from pawn_lab.views import answered


@pytest.fixture
def lab(tmp_path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def fields_of(lab: Lab, **asked: object) -> dict[str, dict]:
    groups = answered(lab, "launch_form", asked)["groups"]
    return {field["name"]: field for group in groups for field in group["fields"]}


@pytest.mark.parametrize("run_type", [run_type.name for run_type in RUN_TYPES])
def test_every_field_of_a_run_type_is_asked_for_once(lab, run_type):
    form = answered(lab, "launch_form", {"run_type": run_type})
    names = [field["name"] for group in form["groups"] for field in group["fields"]]
    assert sorted([*names, "run_type"]) == sorted(config_json_schema(run_type)["properties"])
    assert all(group["title"] and group["about"] for group in form["groups"])
    length = {"eval": "total_shards", "import": None}.get(run_type, "total_steps")
    assert length is None or length in {field["name"] for field in form["groups"][0]["fields"]}
    kinds = {field["kind"] for group in form["groups"] for field in group["fields"]}
    assert kinds <= {"integer", "number", "boolean", "text", "choice", "choices", "json"}


def test_a_field_says_what_it_takes_and_which_are_decided_by_a_checkpoint(lab):
    fields = fields_of(lab)
    assert fields["lr"]["limits"] == "> 0.0 and <= 1.0"
    assert (fields["lr"]["default"], fields["lr"]["optional"]) == (0.0003, False)
    assert fields["lr_schedule"]["choices"][:2] == ["cosine", "wsd"]
    assert fields["max_grad_norm"]["optional"]
    assert fields["wandb"]["rare"]
    assert fields["d_model"]["fixed_on_resume"]
    assert fields_of(lab, run_type="eval")["evals"]["kind"] == "choices"


def test_a_trial_brings_its_run_type_and_what_it_sets(lab):
    trial = add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
    values = answered(lab, "launch_form", {"trial": trial})["values"]
    assert CONFIG.items() <= values.items()
    assert "lr" not in values


def test_an_unknown_run_type_is_refused_with_those_there_are(lab):
    with pytest.raises(ConfigError, match="run_type 'pretrian' is unknown; one of: pretrain"):
        answered(lab, "launch_form", {"run_type": "pretrian"})
