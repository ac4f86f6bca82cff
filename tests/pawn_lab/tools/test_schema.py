"""lab_schema tells an agent what a config may hold."""

import pytest

from pawn_core.config import RUN_TYPES, ConfigError, config_json_schema, parse_config
from pawn_lab.lab import Lab
from pawn_lab.tools.schema import lab_schema


@pytest.fixture
def lab(tmp_path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


@pytest.mark.parametrize("run_type", [run_type.name for run_type in RUN_TYPES])
def test_every_field_is_listed_with_type_and_meaning_or_named_as_rarely_set(lab, run_type):
    known = list(config_json_schema(run_type)["properties"])
    answer = lab_schema(lab, run_type)
    full = lab_schema(lab, run_type, full=True, max_tokens=12_000)
    assert [field.name for field in full.fields] == known
    assert all(field.type and field.about for field in full.fields)
    rare = answer.rarely_set.split(", ")
    assert sorted([*(field.name for field in answer.fields), *rare]) == sorted(known)
    assert answer.fields == [field for field in full.fields if field.name not in rare]


@pytest.mark.parametrize(
    ("name", "type_", "default"),
    [
        ("lr", "number > 0, <= 1", 3e-4),
        ("patience", "integer >= 1, <= 100000", None),
        ("local_checkpoints", "boolean", False),
        ("variant", "one of: toy, small, base, large, custom", "base"),
        ("run_type", "'pretrain'", "pretrain"),
    ],
)
def test_bounds_and_choices_are_spelled_out(lab, name, type_, default):
    field = next(field for field in lab_schema(lab, full=True).fields if field.name == name)
    assert (field.type, field.default) == (type_, default)


def test_the_listed_defaults_are_those_of_the_resolved_config(lab):
    resolved = parse_config({"local_checkpoints": True}).model_dump()
    fields = [f for f in lab_schema(lab, full=True).fields if f.default is not None]
    shown = {f.name: f.default for f in fields if f.name != "local_checkpoints"}
    assert shown.items() <= resolved.items()


def test_the_short_answer_fits_a_few_thousand_tokens_and_the_full_one_is_the_schema(lab):
    short, full = lab_schema(lab), lab_schema(lab, full=True)
    assert short.json_schema is None
    assert len(short.model_dump_json(exclude_none=True)) < 4_000
    assert full.json_schema == config_json_schema()


def test_an_unknown_run_type_is_refused_with_those_there_are(lab):
    with pytest.raises(ConfigError, match="one of: pretrain"):
        lab_schema(lab, run_type="pretrian")
