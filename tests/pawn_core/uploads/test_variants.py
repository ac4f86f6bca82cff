"""Several variants, each to a repository of its own, as if it had been trained alone."""

from pathlib import Path

import pytest
import torch
from tiny import TINY

from pawn_core import cli
from pawn_core.checkpoint import store
from pawn_core.config import ConfigError, parse_config
from pawn_core.options import given_options
from pawn_core.uploads.backlog import notable
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import places
from pawn_core.weights import load_pretrained

PLAN = Path(__file__).parents[3] / "runs/plans/three-variants.json"
SIZES = {
    "narrow": {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2},
    "wide-er": {"variant": "custom", "d_model": 16, "n_layers": 2, "n_heads": 2},
}
SHARED = {k: v for k, v in TINY.items() if k not in (*SIZES["narrow"], "local_checkpoints")}
COTRAIN = SHARED | {"run_type": "cotrain", "variants": SIZES, "hf_repo": "owner/pawn-{variant}"}


def test_each_variant_is_whole_in_its_own_repository(hub, train, tmp_path) -> None:
    assert train(COTRAIN, "run").message == "completed 12 steps"
    run = tmp_path / "run"
    where = places(COTRAIN, run)
    assert list(where) == ["hf_repo-narrow", "hf_repo-wide-er"]
    for name, place in where.items():
        variant = name.removeprefix("hf_repo-")
        assert place.startswith(f"owner/pawn-{variant}@run/")
        last = hub.branch(place)[-1]
        assert last.title == "step_00000012"
        local = run / "checkpoints/step_00000012" / variant
        sent = {k.split("/")[-1]: v for k, v in last.files.items() if f"{last.title}/" in k}
        assert sent == {path.name: path.read_bytes() for path in local.iterdir()}
        for source in (place, f"{place}:checkpoints/step_00000012"):
            loaded, saved = load_pretrained(source).model.state_dict(), store.load(local).model
            assert all(torch.equal(loaded[key], saved[key]) for key in saved)
        record = UploadRecord.read(run, name, place)
        assert all(record.holds(path) for path in notable(run, model=variant).in_order)
        assert [*record.weights] == [variant]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm")
def test_in_memory_what_is_the_best_of_any_variant_stays(hub, train, tmp_path) -> None:
    train(COTRAIN | {"shm_checkpoints": True}, "run")
    checkpoints = tmp_path / "run/checkpoints"
    assert not checkpoints.is_symlink()
    matter = notable(tmp_path / "run")
    assert set(matter.best) == set(SIZES)
    assert {path.name for path in matter.in_order} == {p.name for p in checkpoints.iterdir()}


@pytest.mark.parametrize("hf_repo", ["o/{variant}", "o/pawn-{variant}", "o/{variant}-v2", "o/all"])
def test_the_documented_command_is_taken_as_it_is_written(hf_repo: str) -> None:
    arguments = ["--config", str(PLAN), "--hf-repo", hf_repo, "--shm-checkpoints"]
    config, _ = cli._read_config(given_options(arguments))
    assert (config.local_checkpoints, config.shm_checkpoints) == (False, True)
    repositories = {name: member.hf_repo for name, member in config.members().items()}
    names = ("small", "base", "large")
    assert repositories == {name: hf_repo.replace("{variant}", name) for name in names}


@pytest.mark.parametrize(
    "hf_repo", ["o/pawn-{model}", "{variant}/x", "o/..{variant}", "o/{variant"]
)
def test_another_placeholder_or_place_is_refused(hf_repo: str) -> None:
    with pytest.raises(ConfigError, match=r"hf_repo .* is not allowed"):
        parse_config(COTRAIN | {"hf_repo": hf_repo})


def test_a_run_of_one_model_has_no_variants_to_name() -> None:
    with pytest.raises(ConfigError, match=r"hf_repo .* is not allowed"):
        parse_config({"hf_repo": "owner/pawn-{variant}"})
