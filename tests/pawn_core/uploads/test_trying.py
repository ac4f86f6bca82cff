"""Whether a run may write where it uploads to is found by writing, and leaves no trace."""

from pathlib import Path
from typing import Any

import pytest
from fake_hub import Fault
from tiny import TINY

from pawn_core.config import parse_config
from pawn_core.preflight.trying import write_to_hub

BOTH: dict[str, Any] = {
    **TINY,
    "local_checkpoints": False,
    "hf_repo": "owner/name",
    "hf_bucket": "owner/bucket",
}


def test_a_tiny_file_goes_to_each_destination_and_is_taken_away(hub, tmp_path: Path) -> None:
    told = write_to_hub(parse_config(BOTH), tmp_path / "run")
    assert (len(told["written"]), told["refused"], told["unreachable"]) == (2, [], [])
    [commits] = [line for line in hub.requests if "/commit/" in line]
    assert "/commit/preflight-" in commits
    [branch] = hub.repositories["owner/name"].keys() - {"main"}
    assert branch in told["written"][0]
    assert hub.branch(f"owner/name@{branch}") == []
    [[sent], nothing] = hub.batches
    assert (sent.rsplit("/")[-1].startswith("preflight-"), nothing) == (True, [])
    assert hub.buckets["owner/bucket"] == {}


@pytest.mark.parametrize("where", ["/commit/", "/batch"])
def test_a_destination_that_may_be_read_only_is_refused(hub, tmp_path: Path, where: str) -> None:
    hub.faults = [Fault(where, 403)]
    told = write_to_hub(parse_config(BOTH), tmp_path / "run")
    assert (len(told["written"]), told["unreachable"]) == (1, [])
    assert "403" in told["refused"][0]
    assert hub.repositories["owner/name"].keys() == {"main", *_branches(told)}


def _branches(told: dict[str, list[str]]) -> list[str]:
    """Return the run's own branch, which is made before anything is written to it."""
    places = [*told["written"], *told["refused"]]
    return [p.split("@")[1].split(":")[0] for p in places if p.startswith("owner/name@")]


def test_a_hub_that_is_down_is_told_from_one_that_refuses(hub, tmp_path: Path) -> None:
    hub.faults = [Fault("", 503, 100)]
    told = write_to_hub(parse_config(BOTH), tmp_path / "run")
    assert (told["written"], told["refused"], len(told["unreachable"])) == ([], [], 2)
