"""A merged adapter is a model like any other, made without touching what it was made of."""

import json

import pytest
import torch
from adapting import adapt, assert_close, tokens, write_backbone

from pawn_core.checkpoint import IncompatibleWeightsError
from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.config import ConfigError
from pawn_core.config.adapters import ADAPTERS
from pawn_core.weights import load_pretrained
from pawn_core.weights.merging import merge_adapter

MERGEABLE = [s.name for s in ADAPTERS if s.mergeable]


@pytest.mark.parametrize("strategy", MERGEABLE)
def test_a_merged_adapter_computes_the_same_from_plain_weights_alone(tmp_path, strategy) -> None:
    source = write_backbone(tmp_path / "backbone", prepend_outcome=True)
    before = file_sha256(source / "model.safetensors")
    adapter, checkpoint = adapt(source, tmp_path / "run", strategy)
    merge_adapter(str(checkpoint), tmp_path / "merged")
    assert file_sha256(source / "model.safetensors") == before
    merged = load_pretrained(tmp_path / "merged")
    assert_close(merged.model(tokens()), adapter.model(tokens()))
    assert (merged.adapted, merged.spec) == (None, load_pretrained(source).spec)
    made_of = json.loads((tmp_path / "merged/config.json").read_text())["merged"]
    assert (made_of["strategy"], made_of["backbone"]["sha256"]) == (strategy, before)


def test_a_merged_adapter_may_be_the_backbone_of_another(tmp_path) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run")
    merge_adapter(str(checkpoint), tmp_path / "merged")
    second, stacked = adapt(tmp_path / "merged", tmp_path / "second", "film")
    assert torch.equal(load_pretrained(stacked).model(tokens()), second.model(tokens()))


def test_what_cannot_be_merged_is_refused_and_leaves_nothing(tmp_path) -> None:
    source = write_backbone(tmp_path / "backbone")
    _, checkpoint = adapt(source, tmp_path / "run", "bottleneck")
    with pytest.raises(IncompatibleWeightsError, match="'bottleneck' cannot be merged"):
        merge_adapter(str(checkpoint), tmp_path / "merged")
    with pytest.raises(IncompatibleWeightsError, match="plain weights: nothing to merge"):
        merge_adapter(str(source), tmp_path / "merged")
    with pytest.raises(ConfigError, match="do not exist"):
        merge_adapter(str(tmp_path / "nowhere"), tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backbone", "run"]
