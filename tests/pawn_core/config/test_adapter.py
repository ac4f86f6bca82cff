"""A config of an adapter: what follows from what, and what is refused."""

import pytest
from adapting import adapter_config

from pawn_core.config import RUN_TYPES, AdapterConfig, ConfigError, changed, parse_config
from pawn_core.config.adapters import ADAPTER_NAMES, ADAPTERS, active_entries
from pawn_core.config.real_games import is_hub_id
from pawn_core.config.strategies import StrategyConfig

LORA = {"run_type": "adapter", "strategy": "lora", "checkpoint": "owner/name", "pgn": "g.pgn"}
LORA |= {"local_checkpoints": True}


def parse(**fields) -> AdapterConfig:
    config = parse_config(LORA | fields)
    assert isinstance(config, AdapterConfig)
    return config


def test_steps_follow_from_epochs_and_evaluations_from_every_so_many() -> None:
    config = parse()
    assert (config.epochs, config.batch_size, config.max_games) == (50, 64, 12_000)
    assert config.total_steps == 9_375  # 50 x 12,000 / 64
    assert config.eval_interval == config.checkpoint_interval == 188  # 187.5
    assert config.warmup_steps == 468
    assert parse(epochs=3, val_every=2, max_games=100).total_steps == 5
    assert parse(epochs=3, val_every=2, max_games=100).eval_interval == 4


def test_steps_that_are_given_win_over_epochs_which_then_have_no_effect() -> None:
    config = parse(total_steps=500, epochs=7, eval_interval=50, val_every=2)
    assert (config.total_steps, config.eval_interval) == (500, 50)
    assert config.no_effect() == {
        "epochs": "total_steps is given",
        "val_every": "eval_interval is given",
    }
    assert config.settings() == parse(total_steps=500, eval_interval=50).settings()
    assert parse(total_steps=9_375).settings() == parse().settings()


def test_a_source_with_fewer_games_makes_the_schedule_that_they_need() -> None:
    config = parse(epochs=4, max_games=1000, val_every=2, lora_rank=2)
    fitted = config.fitted(100)
    assert (fitted.total_steps, fitted.eval_interval, fitted.checkpoint_interval) == (7, 4, 4)
    assert fitted.warmup_steps == 0
    assert (fitted.max_games, fitted.epochs, fitted.lora_rank) == (1000, 4, 2)
    assert fitted.fitted(100) is fitted
    assert config.fitted(1000) is config.fitted(5000) is config


def test_steps_that_were_given_stay_and_evaluations_still_follow_the_games() -> None:
    both = parse(total_steps=50, eval_interval=25, max_games=1000)
    assert both.fitted(10) is both
    steps = parse(total_steps=50, val_every=2, max_games=1000).fitted(100)
    assert (steps.total_steps, steps.eval_interval) == (50, 4)


def test_more_epochs_of_a_filled_in_config_are_more_steps() -> None:
    saved = parse(epochs=4, max_games=1000).fitted(100).model_dump()
    assert changed(saved, {"lr": 1e-3})["total_steps"] == saved["total_steps"] == 7
    longer = parse_config(changed(saved, {"epochs": 8}))
    assert isinstance(longer, AdapterConfig)
    assert longer.fitted(100).total_steps == 13
    assert changed(saved, {"epochs": 8, "total_steps": 9})["total_steps"] == 9


def test_what_does_not_fit_a_shorter_schedule_is_left_out_or_refused() -> None:
    assert parse(pause_after_steps=500).fitted(64).pause_after_steps is None
    assert parse(pause_after_steps=20).fitted(64).pause_after_steps == 20
    with pytest.raises(ConfigError, match="warmup_steps 400 do not fit into total_steps 50"):
        parse(warmup_steps=400).fitted(64)


OTHER = {
    "bottleneck_dim": 9,
    "lora_rank": 3,
    "output_film": True,
    "density": 0.5,
    "rosa_warmup_steps": 5,
    "n_layers": 3,
    "adapter_layers": "top-1",
}


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_the_fields_of_other_strategies_have_no_effect_and_are_named_with_whose_they_are(
    name,
) -> None:
    config = adapter_config(name, **OTHER)
    read = config.adapts_by.fields
    assert config.no_effect().keys() == OTHER.keys() - read
    for field, reason in config.no_effect().items():
        owners = ", ".join(s.name for s in ADAPTERS if field in s.fields)
        assert reason == f"strategy '{name}' does not read it: {owners}"
    own = {field: value for field, value in OTHER.items() if field in read}
    assert config.settings() == adapter_config(name, **own).settings()


def test_every_field_of_the_strategies_is_read_and_a_sweep_is_of_what_is_read() -> None:
    for strategy in ADAPTERS:
        assert strategy.searched.keys() <= strategy.fields | {"lr"}
    read = frozenset().union(*(strategy.fields for strategy in ADAPTERS))
    assert StrategyConfig.model_fields.keys() - {"strategy"} == read


def test_null_fields_of_a_strategy_follow_from_the_others() -> None:
    assert parse(lora_rank=16).lora_alpha == 16
    assert adapter_config("film").output_film is True
    assert adapter_config("hybrid").output_film is False
    assert adapter_config("hybrid", lr=1e-3).film_lr == 1e-3
    assert adapter_config("unfreeze").adapter_layers == "top-1"
    assert adapter_config("tiny").d_ff == 224
    assert (parse().output_film, parse().film_lr, parse().d_ff) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("top-3", (5, 6, 7)),
        ("bottom-2", (0, 1)),
        ("7,2", (2, 7)),
        (3, (3,)),
        ([1, 0], (0, 1)),
        ("[4, 5]", (4, 5)),
        (None, tuple(range(8))),
    ],
    ids=str,
)
def test_layers_are_named_from_an_end_or_by_number(text, layers) -> None:
    assert parse(adapter_layers=text).layers_of(8) == layers


REFUSED = {
    "no strategy": ({"strategy": "prompt"}, "strategy 'prompt' is unknown; one of: bottleneck"),
    "a near miss": ({"strategy": "lorra"}, "did you mean 'lora'"),
    "no backbone": ({"checkpoint": None}, "checkpoint is missing: strategy 'lora' adapts"),
    "a backbone of tiny": ({"strategy": "tiny"}, "trains a model from scratch"),
    "no place": (
        {"strategy": "bottleneck", "no_adapt_attn": True, "no_adapt_ffn": True},
        "leave nothing to adapt",
    ),
    "layers": ({"adapter_layers": "middle-2"}, "allowed: top-4, bottom-4 or 4,5,6,7"),
    "a layer twice": ({"adapter_layers": "1,1"}, "names a layer twice"),
    "targets": ({"lora_targets": "qx"}, "allowed: some of qkvo"),
    "phases": ({"strategy": "rosa", "total_steps": 128}, "leaves no step of total_steps 128"),
    "heads of tiny": ({"strategy": "tiny", "checkpoint": None, "n_heads": 5}, "not divisible"),
    "elo": ({"elo_min": 1900, "elo_max": 1900}, "elo_min 1900 is not below elo_max 1900"),
    "time control": ({"time_control": "blitzz"}, "did you mean 'blitz'"),
    "an inexact one": ({"time_control": "300+"}, "one exact, as 300+3"),
    "date": ({"date_min": "2024-13-01"}, "allowed: YYYY-MM-DD"),
    "dates": ({"date_min": "2024-02-01", "date_max": "2024-02-01"}, "is not before date_max"),
    "patience": ({"patience_metric": "compound"}, "one of: val_loss"),
    "seed of random games": ({"val_seed": 5}, "val_seed is not a field of run_type 'adapter'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_the_field_and_what_is_allowed(case) -> None:
    fields, reason = REFUSED[case]
    with pytest.raises(ConfigError) as refusal:
        parse(**fields)
    assert reason in str(refusal.value)


def test_time_controls_are_names_in_order_or_one_exact() -> None:
    assert parse(time_control="rapid, blitz").time_control == "blitz,rapid"
    assert parse(time_control=["rapid", "bullet"]).time_control == "bullet,rapid"
    assert parse(time_control="300+3").time_control == "300+3"


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("thomas-schweich/pawn-lichess-full", True),
        ("owner/name@main", True),
        ("owner/games.pgn", False),
        ("data/lichess_2024-01.pgn.zst", False),
        ("owner/name/deeper", False),
        ("/owner/name", False),
        ("./name", False),
        ("~/name", False),
        ("name", False),
        ("data/train.parquet", False),
    ],
)
def test_the_form_of_a_data_set_on_the_hub_is_told_from_a_path(source, is_one) -> None:
    assert is_hub_id(source) == is_one


@pytest.mark.parametrize(("density", "entries", "count"), [(0.29, 100, 29), (0.01, 262_144, 2621)])
def test_a_share_of_entries_is_rounded_down_from_its_decimal_value(density, entries, count) -> None:
    assert active_entries(density, entries) == count


def test_the_strategy_decides_which_files_a_checkpoint_has() -> None:
    (kind,) = (run_type.config for run_type in RUN_TYPES if run_type.name == "adapter")
    for strategy in ADAPTERS:
        assert kind.kind_of({"strategy": strategy.name}).checkpoint_files == strategy.files
    assert kind.kind_of({"strategy": ["odd"]}) is kind
