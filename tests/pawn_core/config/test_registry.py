"""What each run type says of itself."""

import pytest

from pawn_core.config import RUN_TYPES, ConfigError, TrainingConfig, parse_config
from pawn_core.config.facts import UNRANKED, Merit, Panel, Progress
from pawn_core.config.run import RunConfig
from pawn_core.config.training import SPEED

CONFIGS = {
    "pretrain": {},
    "cotrain": {"run_type": "cotrain", "variants": {"toy": {}, "wide": {"variant": "base"}}},
    "adapter": {
        "run_type": "adapter",
        "strategy": "lora",
        "checkpoint": "trial:3",
        "pgn": "games.pgn",
    },
    "sft": {"run_type": "sft"},
    "grpo": {"run_type": "grpo", "checkpoint": "trial:3"},
    "multitask": {"run_type": "multitask", "positions": "positions"},
    "eval": {"run_type": "eval", "weights": "trial:3"},
    "import": {"run_type": "import", "weights": "owner/name"},
}


@pytest.fixture(params=RUN_TYPES, ids=lambda run_type: run_type.name)
def config(request) -> RunConfig:
    config = parse_config(CONFIGS[request.param.name] | {"local_checkpoints": True})
    assert type(config) is request.param.config
    return config


def test_its_name_is_the_only_one_that_its_config_takes(config) -> None:
    assert config.model_json_schema()["properties"]["run_type"]["const"] == config.run_type


def test_its_length_is_a_field_and_the_pause_lies_within(config) -> None:
    assert config.length == config.target == getattr(config, config.progress.field)
    pause = min(7, config.length)
    paused = parse_config(config.model_dump() | {"pause_after_steps": pause})
    assert (paused.length, paused.target) == (config.length, pause)


def test_its_merit_has_a_direction(config) -> None:
    assert config.merit.exists or config.merit is UNRANKED
    assert config.merit.better in ("low", "high")


def test_it_names_only_fields_that_it_has(config) -> None:
    own = type(config).model_fields.keys()
    assert config.measured_on | config.learned_from | config.incidental <= own
    assert {"run_type", "seed"} <= set(config.fields_marked("fixed_on_resume"))


def test_what_makes_no_difference_is_neither_an_ablation_nor_what_is_learned_from(config) -> None:
    matters = {*config.measured_on, *config.learned_from, *config.fields_marked("ablation")}
    assert not config.incidental & matters
    assert not config.incidental & set(config.fields_marked("fixed_on_resume"))


def test_what_it_says_of_fields_it_says_of_its_own(config) -> None:
    named = {*config.measured_on, *config.learned_from, *config.seeds, *config.searched}
    named |= (
        config.tuned
        | config.rarely_set
        | config.kinds.fields
        | config.pace_fields
        | {config.progress.field}
    )
    assert named <= type(config).model_fields.keys()
    assert config.kinds.fields <= config.measured_on
    assert set(config.searched) <= config.tuned


def test_its_metric_of_merit_is_a_metric_of_its_own_and_as_good_the_same_way(config) -> None:
    assert config.metric(config.merit.metric).better == config.merit.better
    assert all(config.metric(name) for name in config.beside_merit)
    assert config.metric("of no record") is None


def test_its_checkpoints_hold_a_state_and_the_config(config) -> None:
    assert {"training_state.json", "config.json"} <= config.checkpoint_files


def test_its_models_are_those_of_its_config(config) -> None:
    assert config.model_names(config.model_dump(mode="json")) == list(config.members())


@pytest.mark.parametrize("variants", [None, [], {}, "toy"])
def test_the_models_of_a_config_that_is_none_are_one_without_a_name(variants) -> None:
    for run_type in RUN_TYPES:
        assert run_type.config.model_names({"variants": variants}) == [""]


def test_a_run_of_another_kind_has_no_training_fields() -> None:
    assert not {"lr", "total_steps", "batch_size", "optimizer"} & RunConfig.model_fields.keys()
    assert {"lr", "total_steps", "batch_size"} <= TrainingConfig.model_fields.keys()


def test_a_better_value_is_lower_or_higher_as_the_metric_has_it() -> None:
    assert Merit("val_loss", "low").beats(1.0, 2.0)
    assert not Merit("accuracy", "high").beats(1.0, 2.0)


def test_progress_is_counted_in_its_unit() -> None:
    assert Progress("total_items", "item").counted(12) == "12 items"


def test_runs_that_learn_of_games_alone_have_fields_of_games() -> None:
    of_games = {"val_games", "batching", "patience_metric"}
    assert not of_games & TrainingConfig.model_fields.keys()
    having = {t.name for t in RUN_TYPES if of_games <= t.config.model_fields.keys()}
    assert having == {"pretrain", "cotrain", "adapter"}


def test_patience_watches_the_metric_of_merit_and_of_games_more_where_it_is_told_so() -> None:
    pretrain = CONFIGS["pretrain"] | {"local_checkpoints": True, "patience": 2}
    assert parse_config(pretrain).watched == (TrainingConfig.merit,)
    compound = parse_config(pretrain | {"patience_metric": "compound"}).watched
    assert [(merit.metric, merit.better) for merit in compound] == [
        ("val_loss", "low"),
        ("late_legal_rate", "high"),
        ("game_completion", "high"),
        ("mean_plies_completed", "high"),
    ]


def test_each_of_its_metrics_is_in_a_panel_and_panels_have_only_what_its_records_may_have(
    config,
) -> None:
    names = [metric.name for metric in config.metrics]
    shown = [name for panel in config.panels for name in panel.of(names).metrics]
    assert set(shown) == set(names)
    asked = {n for p in config.panels if p is not SPEED for n in p.metrics if "*" not in n}
    assert config.further_metrics or asked <= set(names)
    assert len({panel.title for panel in config.panels}) == len(config.panels)


def test_a_panel_has_its_metrics_in_its_order_and_all_that_begin_as_it_says() -> None:
    panel = Panel("Rewards", ("reward", "rewards/*"))
    shown = panel.of(["rewards/b", "loss", "rewards/a", "reward"])
    assert shown.metrics == ("reward", "rewards/b", "rewards/a")


def test_what_is_compiled_can_be_shipped_only_where_something_is_uploaded():
    config = CONFIGS["pretrain"] | {"ship_compiled": True}
    with pytest.raises(ConfigError, match="ship_compiled needs hf_repo or hf_bucket"):
        parse_config(config | {"local_checkpoints": True})
    assert parse_config(config | {"hf_repo": "owner/name"}).ship_compiled
