"""A model of positions loads as it was saved, and starts others of the same trunk."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pawn_core.checkpoint import store
from pawn_core.config import ConfigError
from pawn_core.config.position_models import POSITION_VARIANTS
from pawn_core.position_model import (
    Heads,
    PositionModel,
    PositionModelSpec,
    load_position_model,
    new_position_model,
    start_from,
)
from pawn_core.run_paths import AVERAGE, MODEL, POSITION_MODEL
from pawn_core.training.averaging import Average

TOY = POSITION_VARIANTS["toy"]
SPEC = PositionModelSpec(TOY, tasks=("piece", "fork"))


def saved(model: PositionModel, folder: Path, average: Average | None = None) -> str:
    """Return a checkpoint of a model, as a run saves it."""
    averages = {AVERAGE: average.state_dict()} if average else {}
    checkpoint = store.Checkpoint(
        step=3,
        tensors={MODEL: model.state_dict(), **averages},
        training_state={},
        config={"run_type": "positions of the tests"},
        documents={POSITION_MODEL: model.spec.document()},
    )
    return str(store.save(folder, checkpoint))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(new_position_model(SPEC, seed=1), tmp_path_factory.mktemp("saved"))


@pytest.mark.parametrize(
    "spec",
    [SPEC, PositionModelSpec(TOY, "transformer", value_head="wdl", tasks=())],
    ids=lambda s: s.trunk,
)
def test_a_checkpoint_loads_as_it_was_saved(spec: PositionModelSpec, tmp_path: Path) -> None:
    model = new_position_model(spec, seed=2)
    source = saved(model, tmp_path / "checkpoints")
    loaded = load_position_model(source, tmp_path)
    assert loaded.model.spec == spec
    assert (loaded.origin.source, loaded.origin.step) == (source, 3)
    state = loaded.model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_the_moving_average_is_what_loads_and_what_starts(tmp_path: Path) -> None:
    model = new_position_model(SPEC, seed=2)
    average = Average(new_position_model(SPEC, seed=3), decay=0.5)
    average.update(model)
    source = saved(model, tmp_path / "checkpoints", average)
    for loaded in (
        load_position_model(source, tmp_path),
        start_from(source, tmp_path, Heads(tasks=SPEC.tasks)),
    ):
        state = loaded.model.state_dict()
        assert all(torch.equal(t, state[name]) for name, t in average.model.state_dict().items())
        assert not torch.equal(state["value.trunk.out.weight"], model.value.trunk.out.weight)
        assert loaded.origin.path.endswith(AVERAGE)


def test_a_start_takes_trunk_and_heads_and_begins_new_ones_by_seed(
    checkpoint: str, tmp_path: Path
) -> None:
    heads = Heads("wdl", tasks=("piece", "threat"))
    new = ("value", "threat")
    started = start_from(checkpoint, tmp_path, heads, new_heads=new, seed=9)
    assert (started.new_heads, started.dropped_heads) == (new, ("fork",))
    spec = PositionModelSpec(TOY, value_head="wdl", tasks=heads.tasks)
    assert started.model.spec == spec
    old, fresh = new_position_model(SPEC, 1).state_dict(), new_position_model(spec, 9).state_dict()
    for name, tensor in started.model.state_dict().items():
        begins_anew = name.startswith(("value.", "tasks.threat."))
        assert torch.equal(tensor, (fresh if begins_anew else old)[name]), name


@pytest.mark.parametrize(
    ("heads", "new", "reason"),
    [
        (Heads(), ("cat",), "new_heads 'cat' is no head; allowed: policy, value, piece, threat"),
        (Heads(), ("threat", "pin"), "it has no head 'control'; name 'control' in new_heads"),
        (
            Heads("wdl", SPEC.tasks),
            ("policy",),
            "its value_head is 'tanh', the config's 'wdl'; name 'value' in new_heads",
        ),
        (
            Heads("tanh", SPEC.tasks, policy_rank=4),
            ("value",),
            "its policy_rank is 0, the config's 4; name 'policy' in new_heads",
        ),
    ],
)
def test_a_checkpoint_of_other_heads_is_refused_by_the_name_of_the_head(
    heads: Heads, new: tuple[str, ...], reason: str, checkpoint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=reason):
        start_from(checkpoint, tmp_path, heads, new_heads=new)


def test_a_model_of_chess_moves_is_no_model_of_positions(hub, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no model of positions: .* read no board"):
        load_position_model("owner/name", tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trunk": "bush"}, "trunk 'bush' is unknown; allowed: tower, transformer"),
        ({"tasks": ["piece", "cat"]}, "tasks 'cat' is unknown; allowed: piece, threat"),
        ({"value_head": None}, "value_head None is unknown; allowed: tanh, wdl"),
        ({"architecture": {"d_model": 8}}, "no model's of positions"),
        ({"architecture": TOY._asdict() | {"n_layers": "2"}}, "n_layers is '2'; allowed: 1 or"),
        ({"policy_rank": -1}, "policy_rank is -1; allowed: 0 or more"),
        ({"attention_mask_share": 2}, "attention_mask_share is 2; allowed: 0 to 1"),
        ({"architecture": TOY._asdict() | {"n_layers": 3}}, "is not such a model"),
    ],
)
def test_a_description_of_something_else_is_refused(
    change: dict, reason: str, tmp_path: Path
) -> None:
    save_file(new_position_model(SPEC, 1).state_dict(), tmp_path / MODEL)
    (tmp_path / POSITION_MODEL).write_text(json.dumps(SPEC.document() | change))
    with pytest.raises(ConfigError, match=reason):
        load_position_model(str(tmp_path), tmp_path)
