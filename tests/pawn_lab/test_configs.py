"""What a stored config means to this version, whichever version wrote it."""

import pytest

from pawn_core.config import parse_config
from pawn_lab.configs import StoredConfig, differing

PRETRAIN = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000}
COTRAIN = {
    "run_type": "cotrain",
    "local_checkpoints": True,
    "lr": 1e-3,
    "variants": {"toy": {}, "thin": {"variant": "toy", "d_model": 32}},
}


def stored(config):
    return StoredConfig.of(parse_config(config))


def test_it_is_the_mapping_that_was_written():
    written = parse_config(PRETRAIN).model_dump(mode="json")
    config = stored(PRETRAIN)
    assert config == written
    assert dict(config) == written
    assert config | {"lr": 0.5} == written | {"lr": 0.5}
    assert config.get("no such field") is None


def test_the_same_text_is_one_config_that_is_parsed_once(monkeypatch):
    parsed = []

    def counted(raw):
        parsed.append(raw)
        return parse_config(raw)

    monkeypatch.setattr("pawn_lab.configs.parse_config", counted)
    text = '{"run_type": "pretrain", "variant": "toy", "local_checkpoints": true, '
    text += '"total_steps": 271828}'  # that no other test asks for
    first, again = (StoredConfig.from_text(text) for _ in range(2))
    assert first is again
    for config in (first, again):
        assert config.settings(on_gpu=False) is first.settings(on_gpu=False)
        assert config.settings(on_gpu=True)["variant"] == "toy"
        assert config.no_effect() == {}
        assert config.target == config.parsed.target
    assert len(parsed) == 1


def test_what_an_older_version_did_not_write_is_taken_for_granted():
    config = StoredConfig.from_text('{"variant": "toy"}')
    assert (config["run_type"], config["seed"], config.length) == ("pretrain", 0, 0)


def test_a_trial_ends_at_its_pause_where_it_has_one():
    assert (stored(PRETRAIN).target, stored(PRETRAIN).length) == (1000, 1000)
    paused = stored(PRETRAIN | {"pause_after_steps": 300})
    assert (paused.target, paused.length) == (300, 1000)


def test_fields_of_another_version_set_a_run_apart_and_are_left_out_where_it_is_parsed():
    config = StoredConfig(stored(PRETRAIN) | {"later_field": 3})
    assert config.unknown_fields == {"later_field": 3}
    assert config.parsed == parse_config(PRETRAIN)
    assert differing(stored(PRETRAIN).settings(), config.settings()) == {"later_field": [None, 3]}
    assert config.strangeness == "fields unknown here: later_field"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"run_type": "later", "total_steps": 9, "x": None}, "run_type 'later' is unknown here"),
        ({"run_type": "pretrain", "total_steps": -1}, "a config that is refused here"),
    ],
)
def test_a_config_that_cannot_be_read_here_stands_for_itself(written, why):
    config = StoredConfig(written)
    assert (config.parsed, config.strangeness, config.models) == (None, why, [""])
    assert config.settings() == {n: v for n, v in written.items() if v is not None}
    assert config.no_effect() == {}
    assert config.length == written["total_steps"]


def test_a_variant_is_the_run_that_it_equals():
    config = stored(COTRAIN)
    assert config.models == ["toy", "thin"]
    alone = stored(PRETRAIN | {"lr": 1e-3, "d_model": 32, "total_steps": config["total_steps"]})
    assert config.of_model("thin") is config.of_model("thin")
    assert config.of_model("thin").settings() == alone.settings()
    assert stored(PRETRAIN).of_model("")["total_steps"] == 1000


def test_variants_of_a_config_that_is_refused_have_the_fields_that_were_written():
    config = StoredConfig(stored(COTRAIN) | {"batch_size": -1})
    assert config.parsed is None
    thin = config.of_model("thin")
    assert (thin["d_model"], thin["batch_size"]) == (32, -1)
