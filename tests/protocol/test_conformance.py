"""The official conformance suite against `pawn-lab serve`, in both protocol eras.

Most of its scenarios call fixture tools that only a server made for the suite has. `baseline.json`
says of each check that misses why it does.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_testing import serving
from node_tools import HERE, installed, run

pytestmark = installed
REVISIONS = ("2025-11-25", "2026-07-28")
BASELINE: dict[str, str] = json.loads((HERE / "baseline.json").read_text())
FEWEST_CHECKS = 20


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the suite found, for each revision of the protocol."""
    folder = tmp_path_factory.mktemp("conformance")
    with serving(folder / "runs") as url:
        return {revision: list(checked(folder, url, revision)) for revision in REVISIONS}


def checked(folder: Path, url: str, revision: str) -> Iterator[dict[str, Any]]:
    """Run the suite and return its checks."""
    asked = ("--url", url, "--spec-version", revision, "--output-dir", str(folder / revision))
    done = run(folder, "conformance", "server", *asked)
    assert "=== SUMMARY ===" in done.stdout, done.stdout + done.stderr
    for record in (folder / revision).glob("*/checks.json"):
        yield from json.loads(record.read_text())


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_check_passes_but_those_whose_miss_is_explained(checks, revision):
    found = checks[revision]
    failed = {check["id"]: check.get("errorMessage") for check in found if fails(check)}
    unexplained = {name: why for name, why in failed.items() if name not in BASELINE}
    assert not unexplained
    assert len({check["id"] for check in found} - failed.keys()) >= 10
    assert len(found) >= FEWEST_CHECKS


def test_no_miss_is_explained_that_is_none(checks):
    failed = {check["id"] for found in checks.values() for check in found if fails(check)}
    assert BASELINE.keys() - failed == set()


def fails(check: dict[str, Any]) -> bool:
    return check["status"] == "FAILURE"
