"""Several variants on shared batches: each is the run it would be alone."""

import json
from pathlib import Path

import pytest
import torch

from pawn_core.checkpoint import CheckpointError, latest_verified, store, verify
from pawn_core.checkpoint.store import Checkpoint

NARROW = {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2}
WIDE = {"variant": "custom", "d_model": 16, "n_layers": 2, "n_heads": 2, "lr": 3e-3}
STUCK = NARROW | {"lr": 1e-30, "patience": 1}


@pytest.fixture
def cotrain(tiny) -> dict:
    """Return a config of two small models on one stream."""
    shared = {k: v for k, v in tiny.items() if k not in NARROW}
    return shared | {"run_type": "cotrain", "variants": {"narrow": NARROW, "wide": WIDE}}


def newest(run_dir: Path) -> Checkpoint:
    path = latest_verified(run_dir / "checkpoints")
    assert path is not None
    return store.load(path)


def assert_same_learner(one: Checkpoint, other: Checkpoint, apart: tuple = ()) -> None:
    for kind in ("model", "optimizer"):
        ours, theirs = getattr(one, kind), getattr(other, kind)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours), kind
    ours, theirs = (
        {k: v for k, v in c.training_state.items() if k not in ("metrics", *apart)}
        for c in (one, other)
    )
    assert ours == theirs


def test_each_variant_is_bitwise_the_run_that_it_would_be_alone(
    cotrain, train, tmp_path, records
) -> None:
    outcome = train(cotrain, "together")
    together = newest(tmp_path / "together")
    for name, own in cotrain["variants"].items():
        shared = {k: v for k, v in cotrain.items() if k not in ("run_type", "variants")}
        alone = train(shared | own, name)
        # Constructing the other model has drawn from torch's generator, as nothing later does.
        assert_same_learner(together.members[name], newest(tmp_path / name), apart=("rng",))
        assert outcome.metrics[name] == alone.metrics
        for kind in ("train", "eval"):
            found = [r for r in records(tmp_path / "together", kind) if r.pop("variant") == name]
            expected = records(tmp_path / name, kind)
            assert [r | {"seq": 0} for r in found] == [r | {"seq": 0} for r in expected]


@pytest.mark.parametrize("pause", [5, 8])
def test_a_paused_and_resumed_run_equals_the_uninterrupted_one(
    cotrain, train, tmp_path, records, pause: int
) -> None:
    train(cotrain, "whole")
    paused = train(cotrain | {"pause_after_steps": pause}, "same")
    train(cotrain, "same", tmp_path / "same/checkpoints" / paused.checkpoint)
    whole, same = newest(tmp_path / "whole"), newest(tmp_path / "same")
    for name in cotrain["variants"]:
        assert_same_learner(whole.members[name], same.members[name])
    assert records(tmp_path / "same")[1:] == records(tmp_path / "whole")[1:]


@pytest.mark.parametrize("pause", [8, 10])
def test_a_variant_out_of_patience_stops_and_stays_stopped_while_others_go_on(
    cotrain, train, tmp_path, records, pause: int
) -> None:
    raw = cotrain | {"variants": {"stuck": STUCK, "wide": WIDE}}
    outcome = train(raw, "whole")
    assert (outcome.reason, outcome.step) == ("completed", 12)
    ends = newest(tmp_path / "whole").members
    assert (ends["stuck"].step, ends["wide"].step) == (8, 12)
    health = json.loads((tmp_path / "whole/schedule_health.json").read_text())["variants"]
    assert [(h["reason"], h["actual_steps"]) for h in health.values()] == [
        ("patience", 8),
        ("completed", 12),
    ]
    paused = train(raw | {"pause_after_steps": pause}, "same")
    train(raw, "same", tmp_path / "same/checkpoints" / paused.checkpoint)
    assert records(tmp_path / "same")[1:] == records(tmp_path / "whole")[1:]
    stops = [r for r in records(tmp_path / "same", "event") if r["event"] == "variant_stop"]
    assert [(r["step"], r["variant"]) for r in stops] == [(8, "stuck")]


def test_the_run_ends_with_its_last_patient_variant(cotrain, train) -> None:
    more = STUCK | {"patience": 2}
    outcome = train(cotrain | {"variants": {"one": STUCK, "two": more}, "total_steps": 400}, "run")
    assert (outcome.reason, outcome.step) == ("patience", 12)
    assert outcome.message.startswith("two: no better val_loss ")


def test_a_variants_checkpoint_goes_on_as_a_run_of_its_own(cotrain, train, tmp_path) -> None:
    train(cotrain, "together")
    paused = train(cotrain | {"pause_after_steps": 8}, "paused")
    inner = tmp_path / "paused/checkpoints" / paused.checkpoint / "wide"
    shared = {k: v for k, v in cotrain.items() if k not in ("run_type", "variants")}
    train(shared | WIDE, "alone", inner)
    assert_same_learner(newest(tmp_path / "alone"), newest(tmp_path / "together").members["wide"])


@pytest.mark.parametrize("damage", ["change", "remove", "link"])
def test_a_fault_in_one_variants_files_makes_the_whole_checkpoint_untrusted(
    cotrain, train, tmp_path, damage: str
) -> None:
    train(cotrain | {"pause_after_steps": 4}, "run")
    path = tmp_path / "run/checkpoints/step_00000004"
    assert set(verify(path).members) == {"narrow", "wide"}
    victim = path / "wide/model.safetensors"
    if damage == "change":
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    elif damage == "remove":
        (path / "wide/.complete").unlink()
    else:
        (path / "wide").rename(tmp_path / "elsewhere")
        (path / "wide").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError):
        verify(path)
    assert latest_verified(path.parent) is None


def test_a_non_finite_loss_names_the_variant(cotrain, train, tmp_path) -> None:
    train(cotrain | {"pause_after_steps": 4}, "good")
    good = newest(tmp_path / "good")
    good.members["wide"].model["lm_head.weight"][0, 0] = torch.inf
    outcome = train(cotrain, "run", store.save(tmp_path / "poisoned", good))
    assert outcome.reason == "non_finite"
    assert outcome.message == "loss or gradient of wide not finite at step 5"
