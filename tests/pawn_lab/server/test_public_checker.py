"""`mcpscore`, a public checker of servers, against the lab over both transports."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab_testing import PAWN_LAB, serving

from pawn_lab.lab import Lab

CHECKER = Path(sys.executable).with_name("mcpscore")
TIMEOUT_S = 120
FEWEST_RULES = 60


def score(*target: str) -> dict[str, Any]:
    """Return the checker's report of a server."""
    asked = [CHECKER, "--no-config", "--json", *target]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    report = json.loads(done.stdout)
    assert not report["partial"], done.stderr
    assert not report["incomplete_listings"]
    assert report["summary"]["total"] >= FEWEST_RULES
    return report


def missed(report: dict[str, Any]) -> set[str]:
    """Return the rules that a server misses."""
    return {result["rule_id"] for result in report["results"] if not result["passed"]}


def test_the_server_has_full_marks_over_stdio(tmp_path):
    workspace = tmp_path / "runs"
    with Lab.open(workspace):
        pass
    report = score("--stdio", str(PAWN_LAB), "mcp", "--workspace", str(workspace))
    assert missed(report) == set()
    assert report["score"] == report["max_score"]


@pytest.mark.slow
def test_over_http_it_misses_only_that_loopback_has_no_https(tmp_path):
    with serving(tmp_path / "runs") as url:
        assert missed(score(url)) == {"security_tls_enabled"}
