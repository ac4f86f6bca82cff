"""Games of a data set on the hub: pinned to a commit, fetched as needed, there offline too."""

from pathlib import Path

import pytest
import torch
from fake_hub import TOKEN, Fault
from real_runs import real_run
from shards import rows, write_shard

from pawn_core.config import ConfigError
from pawn_core.real_games import hub as hub_module
from pawn_core.real_games import progress
from pawn_core.weights.subject import load_subject


@pytest.fixture
def data_set(hub, tmp_path: Path, monkeypatch):
    """The hub, with shards of 10 games in `owner/games`."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    folder = tmp_path / "to_publish"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("Games.")
    for number in range(3):
        name = f"data/train-0000{number}-of-00003.parquet"
        write_shard(folder / name, rows(10, seed=1 + number))
    write_shard(folder / "data/validation-00000-of-00001.parquet", rows(10, seed=9))
    hub.publish("owner/games", folder)
    return hub


def commit_of(hub) -> str:
    return hub.repositories["owner/games"]["main"][-1].oid


def test_only_the_shards_that_are_needed_are_fetched(opened, data_set) -> None:
    games = opened("owner/games", max_games=15, val_games=5)
    assert (len(games.train), len(games.val)) == (15, 5)
    assert games.document()["revision"] == commit_of(data_set)
    assert games.val.take([0]).tokens_bp[0].tolist() == rows(1, seed=9)[0]["tokens"]
    fetched = [name for name in data_set.downloads if name.endswith(".parquet")]
    assert sorted({*fetched}) == [
        "data/train-00000-of-00003.parquet",
        "data/train-00001-of-00003.parquet",
        "data/validation-00000-of-00001.parquet",
    ]


def test_a_download_tells_how_far_it_is(opened, data_set, said: list[str], monkeypatch) -> None:
    monkeypatch.setattr(progress, "_SAY_EVERY_S", 0.0)
    opened("owner/games", max_games=5)
    name = "data/train-00000-of-00003.parquet"
    assert f"real games: 0 MB of {name} downloaded" in said


def test_a_revision_is_pinned_and_another_commit_is_another_source(
    opened, data_set, tmp_path: Path
) -> None:
    first = opened("owner/games", max_games=5)
    old = commit_of(data_set)
    folder = tmp_path / "to_publish"
    write_shard(folder / "data/train-00000-of-00003.parquet", rows(10, seed=77))
    commits = data_set.repositories["owner/games"]["main"]
    data_set.publish("owner/games", folder)
    data_set.repositories["owner/games"]["main"][:0] = commits
    newer = opened("owner/games", max_games=5)
    assert newer.digest != first.digest
    assert newer.document()["revision"] == commit_of(data_set) != old
    pinned = opened(f"owner/games@{old}", max_games=5)
    assert (pinned.key, pinned.digest) == (first.key, first.digest)


@pytest.mark.parametrize("why", ["no network", "the hub hangs up"])
def test_what_was_cached_is_there_without_the_hub(opened, data_set, monkeypatch, why) -> None:
    games = opened("owner/games", max_games=15, val_games=5)
    data_set.faults = [Fault("", "reset", 1000)]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", why == "no network")
    assert opened("owner/games", max_games=15, val_games=5).digest == games.digest


def test_shards_that_are_not_all_here_are_not_taken_for_the_whole(
    opened, data_set, monkeypatch
) -> None:
    opened("owner/games", max_games=15, val_games=5)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="cannot be reached, and only some of its shards"):
        opened("owner/games", max_games=12, val_games=5)


def test_a_shard_that_cannot_be_had_is_named(opened, data_set) -> None:
    data_set.faults = [Fault("train-00001", 404, 1000)]
    with pytest.raises(ConfigError, match=r"train-00001-of-00003.parquet cannot be downloaded"):
        opened("owner/games", max_games=15, val_games=5)
    data_set.faults = []
    assert len(opened("owner/games", max_games=15, val_games=5).train) == 15


def test_no_such_data_set_or_revision_is_refused(opened, data_set) -> None:
    with pytest.raises(ConfigError, match="the hub has no such data set"):
        opened("owner/gone")
    with pytest.raises(ConfigError, match="the hub has no such data set"):
        opened("owner/games@gone")


def test_a_path_comes_before_a_data_set(opened, data_set, pgn: Path, monkeypatch) -> None:
    folder = pgn.parent / "owner" / "games"
    folder.mkdir(parents=True)
    pgn.rename(folder / "games.pgn")
    monkeypatch.chdir(pgn.parent)
    assert opened("owner/games").document()["revision"] is None


def test_series_of_shards_tell_whether_they_are_whole() -> None:
    names = ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "README.md"]
    assert hub_module._is_whole(names)
    assert not hub_module._is_whole(names[1:])


def test_a_resumed_run_reads_the_commit_that_it_began_with(
    cache_root, data_set, train, tmp_path: Path
) -> None:
    """The data set gets other games meanwhile; the run goes on as if nothing had happened."""
    raw = real_run(tmp_path) | {"pgn": "owner/games", "max_games": 24, "val_games": 8}
    whole, began_with = train(raw, "whole"), commit_of(data_set)
    paused = train(raw | {"pause_after_steps": 4}, "run")
    folder = tmp_path / "to_publish"
    write_shard(folder / "data/train-00000-of-00003.parquet", rows(10, seed=77))
    commits = data_set.repositories["owner/games"]["main"]
    data_set.publish("owner/games", folder)
    data_set.repositories["owner/games"]["main"][:0] = commits
    resumed = train(raw, "run", tmp_path / "run" / "checkpoints" / paused.checkpoint)
    assert resumed.reason == "completed"
    assert resumed.metrics == whole.metrics
    for checkpoint in (tmp_path / "run/checkpoints").iterdir():
        subject = load_subject(str(checkpoint), tmp_path / "other", torch.device("cpu"))
        assert subject.adapted_by["pgn"] == f"owner/games@{began_with}" != commit_of(data_set)
