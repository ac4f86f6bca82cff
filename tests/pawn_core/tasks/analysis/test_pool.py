"""Programs that search side by side, and what becomes of those that end."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from analysing import DIES_OVER_BLACK, write_analyser
from programs import needs_stockfish, write_program

from pawn_core.tasks.analysis import Analysis, AnalysisPool, Line

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
BLACK = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
MATE_IN_ONE = "6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1"
FOUND = Analysis((Line("e2e4", 30), Line("d2d4", -99_997)))


@pytest.fixture
def pools() -> Iterator[list[AnalysisPool]]:
    """Return a list of pools that are closed in the end."""
    pools: list[AnalysisPool] = []
    yield pools
    for pool in pools:
        pool.close()


def pool_of(pools: list[AnalysisPool], *arguments: object) -> AnalysisPool:
    pools.append(AnalysisPool(*arguments))  # type: ignore[arg-type]
    return pools[-1]


@needs_stockfish
def test_an_analysis_depends_on_its_position_alone(pools: list[AnalysisPool]) -> None:
    fens = [START, BLACK, MATE_IN_ONE, START]
    one, two = (pool_of(pools, "stockfish", 4, workers) for workers in (1, 2))
    forward = one.analyse(fens)
    assert forward == two.analyse(fens[::-1])[::-1]
    assert forward[0] == forward[3]
    assert [len(found.lines) for found in forward if found] == [5] * 4


@needs_stockfish
def test_mate_is_worth_a_thousand_pawns_less_its_moves(pools: list[AnalysisPool]) -> None:
    (found,) = pool_of(pools, "stockfish", 4, 1).analyse([MATE_IN_ONE])
    assert found
    assert found.lines[0] == Line("a1a8", 99_999)


def test_a_program_that_ends_once_is_asked_again(tmp_path: Path, pools: list[AnalysisPool]) -> None:
    mark = tmp_path / "mark"
    dies_once = f"if not os.path.exists({str(mark)!r}): open({str(mark)!r}, 'w'); os._exit(3)"
    pool = pool_of(pools, write_analyser(tmp_path / "program", dies_once), 1, 1)
    assert pool.analyse([START, BLACK]) == [FOUND, FOUND]


@pytest.mark.parametrize(
    "fails",
    [
        DIES_OVER_BLACK,
        "if ' b ' in position: print('info score cp ten pv e2e4')",
        "if ' b ' in position: print('bestmove (none)', flush=True); continue",
    ],
    ids=["ends", "no number", "no move"],
)
def test_a_position_over_which_a_program_fails_twice_has_no_analysis(
    tmp_path: Path, pools: list[AnalysisPool], fails: str
) -> None:
    pool = pool_of(pools, write_analyser(tmp_path / "program", fails), 1, 2)
    assert pool.analyse([START, BLACK, START, BLACK]) == [FOUND, None, FOUND, None]


def test_a_program_that_compares_no_moves_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="compares no moves"):
        AnalysisPool(write_program(tmp_path / "program", "pass"), 1, 1)


def test_closing_ends_the_programs(tmp_path: Path) -> None:
    note = tmp_path / "note"
    says_who = f"open({str(note)!r}, 'w').write(str(os.getpid()))"
    pool = AnalysisPool(write_analyser(tmp_path / "program", says_who), 1, 1)
    pool.analyse([START])
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_closing_ends_a_search_that_never_ends(tmp_path: Path) -> None:
    note = tmp_path / "note"
    os.mkfifo(note)
    hangs = f"open({str(note)!r}, 'w').close(); sys.stdin.read()"
    pool = AnalysisPool(write_analyser(tmp_path / "program", hangs), 1, 1)
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(pool.analyse, [START])
        note.read_text()  # ends as the search begins
        pool.close()
        assert asked.result() == [None]
