"""An adapter at a destination: its own files, from which it is built on its backbone again."""

import torch
from real_runs import real_run

from pawn_core.checkpoint import store
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.run_paths import ADAPTER, BACKBONE, CONFIG, PEFT, SENTINEL
from pawn_core.uploads.registry import places
from pawn_core.weights import load_pretrained


def test_the_best_adapter_stands_at_the_root_and_is_loaded_from_there(
    hub, train, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "games"))
    config = real_run(tmp_path) | {"local_checkpoints": False, "hf_repo": "owner/player"}
    assert train(config, "run").reason == "completed"
    [place] = places(config, tmp_path / "run").values()
    files = hub.branch(place)[-1].files
    at_root = {ADAPTER, BACKBONE, CONFIG, PEFT, SENTINEL}
    assert at_root <= files.keys()
    steps = {name.split("/")[-2] for name in files if name.endswith(f"/{ADAPTER}")}
    best = [s for s in steps if files[f"checkpoints/{s}/{ADAPTER}"] == files[ADAPTER]]
    assert best
    loaded = load_pretrained(place).adapted
    saved = store.load(tmp_path / "run/checkpoints" / best[0]).tensors[ADAPTER]
    assert loaded is not None
    assert all(torch.equal(loaded.adapter.state()[name], saved[name]) for name in saved)
