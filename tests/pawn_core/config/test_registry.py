"""What each run type says of itself."""

import pytest

from pawn_core.config import RUN_TYPES, RunType, TrainingConfig, parse_config
from pawn_core.config.facts import Merit, Progress
from pawn_core.config.run import RunConfig

CONFIGS = {
    "pretrain": {},
    "cotrain": {"run_type": "cotrain", "variants": {"toy": {}, "wide": {"variant": "base"}}},
}


@pytest.fixture(params=RUN_TYPES, ids=lambda run_type: run_type.name)
def run_type(request) -> RunType:
    return request.param


def config_of(run_type: RunType) -> RunConfig:
    return parse_config(CONFIGS[run_type.name] | {"local_checkpoints": True})


def test_its_name_is_the_only_one_that_its_config_takes(run_type) -> None:
    assert config_of(run_type).run_type == run_type.name
    assert run_type.config.model_json_schema()["properties"]["run_type"]["const"] == run_type.name


def test_its_length_is_a_field_and_the_pause_lies_within(run_type) -> None:
    config = config_of(run_type)
    assert config.length == getattr(config, run_type.progress.field)
    assert config.target == config.length
    paused = parse_config(config.model_dump() | {"pause_after_steps": 7})
    assert (paused.length, paused.target) == (config.length, 7)


def test_its_merit_has_a_direction(run_type) -> None:
    assert run_type.merit.metric
    assert run_type.merit.better in ("low", "high")


def test_it_names_only_fields_that_it_has(run_type) -> None:
    own = run_type.config.model_fields.keys()
    for fields in (
        run_type.ablations,
        run_type.fixed_on_resume,
        run_type.measured_on,
        run_type.learned_from,
    ):
        assert set(fields) <= own
    assert {"run_type", "seed"} <= set(run_type.fixed_on_resume)


def test_its_checkpoints_hold_a_state_and_the_config(run_type) -> None:
    assert {"training_state.json", "config.json"} <= run_type.checkpoint_files


def test_its_models_are_those_of_its_config(run_type) -> None:
    config = config_of(run_type)
    assert run_type.model_names(config.model_dump(mode="json")) == list(config.members())


@pytest.mark.parametrize("variants", [None, [], {}, "toy"])
def test_the_models_of_a_config_that_is_none_are_one_without_a_name(variants) -> None:
    for run_type in RUN_TYPES:
        assert run_type.model_names({"variants": variants}) == [""]


def test_a_run_of_another_kind_has_no_training_fields() -> None:
    assert not {"lr", "total_steps", "batch_size", "optimizer"} & RunConfig.model_fields.keys()
    assert {"lr", "total_steps", "batch_size"} <= TrainingConfig.model_fields.keys()


def test_a_better_value_is_lower_or_higher_as_the_metric_has_it() -> None:
    assert Merit("val_loss", "low").beats(1.0, 2.0)
    assert not Merit("accuracy", "high").beats(1.0, 2.0)


def test_progress_is_counted_in_its_unit() -> None:
    assert Progress("total_items", "item").counted(12) == "12 items"
