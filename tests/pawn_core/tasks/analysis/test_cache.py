"""Analyses on disk: shared, told apart by program, and damaged."""

import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from pawn_core.config import ConfigError
from pawn_core.tasks.analysis import Analysis, Line
from pawn_core.tasks.analysis.cache import AnalysisCache

FOUND = Analysis((Line("e2e4", 30), Line("d2d4", -99_997)))
OTHER = Analysis((Line("g1f3", 5),))
ANOTHER_PROCESS = """
import sys
from pathlib import Path
from pawn_core.tasks.analysis import Analysis, Line
from pawn_core.tasks.analysis.cache import AnalysisCache
cache = AnalysisCache(Path(sys.argv[1]), "program", print)
assert cache.read(["here"]), "what the first process wrote"
cache.write({"there": Analysis((Line("g1f3", 5),))})
"""


def opened(path: Path, program: str = "program", said: list[str] | None = None) -> AnalysisCache:
    return AnalysisCache(path, program, (said if said is not None else []).append)


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "analyses"
    cache = opened(path)
    cache.write({"here": FOUND})
    subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, path], check=True)
    assert cache.read(["here", "there", "nowhere"]) == {"here": FOUND, "there": OTHER}


def test_another_program_or_depth_shares_nothing(tmp_path: Path) -> None:
    path = tmp_path / "analyses"
    opened(path).write({"here": FOUND})
    other = opened(path, "program 2")
    assert other.read(["here"]) == {}
    other.write({"here": OTHER})
    assert opened(path).read(["here"]) == {"here": FOUND}


def test_a_damaged_row_counts_as_missing_and_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "analyses"
    cache = opened(path)
    cache.write({"here": FOUND, "there": OTHER})
    apsw.Connection(str(path)).execute(
        "UPDATE analyses SET lines = 'e2e4 31 d2d4 -99997' WHERE position = 'here'"
    )
    assert cache.read(["here", "there"]) == {"there": OTHER}
    assert cache.damaged == 1
    cache.write({"here": FOUND})
    assert cache.read(["here"]) == {"here": FOUND}


@pytest.mark.parametrize("begin", [0, 4096], ids=["from the start", "behind the first page"])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path, begin: int) -> None:
    path, said = tmp_path / "analyses", []
    cache = opened(path)
    cache.write({"here": FOUND})
    cache.close()
    data = path.read_bytes()
    path.write_bytes(data[:begin] + b"\x07" * (len(data) - begin))
    cache = opened(path, said=said)
    assert cache.read(["here"]) == {}
    cache.write({"here": OTHER})
    assert opened(path).read(["here"]) == {"here": OTHER}
    assert (tmp_path / "analyses.damaged").exists()
    assert said == [f"{path} is damaged: it is now analyses.damaged, and a new one is begun"]


def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"analysis_cache '.*/file/analyses' cannot be used"):
        opened(tmp_path / "file" / "analyses")
