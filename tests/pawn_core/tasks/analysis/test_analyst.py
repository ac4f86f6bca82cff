"""A chess program together with what it found before."""

from pathlib import Path

import pytest
from analysing import DIES_OVER_BLACK, write_analyser

from pawn_core.config import ConfigError
from pawn_core.tasks import TaskSettings
from pawn_core.tasks.analysis import Analyst

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
BLACK = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"


def settings(tmp_path: Path, program: str) -> TaskSettings:
    return TaskSettings(stockfish_path=program, analysis_cache=tmp_path / "analyses")


def test_a_position_is_searched_once_whatever_its_move_number(tmp_path: Path) -> None:
    analyst = Analyst(settings(tmp_path, write_analyser(tmp_path / "program")))
    later, quiet = START.replace("0 1", "0 30"), START.replace("0 1", "7 30")
    first, second, third = analyst.analyses([START, later, quiet])
    assert first is not None
    assert first == second == third
    analyst.analyses([later])
    assert analyst.counts == {"cached": 1, "searched": 2, "failed": 0}
    analyst.close()


def test_what_a_program_fails_at_is_counted_and_not_kept(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", DIES_OVER_BLACK)
    analyst = Analyst(settings(tmp_path, program))
    found = analyst.analyses([START, BLACK, START])
    assert [analysis is not None for analysis in found] == [True, False, True]
    assert analyst.counts == {"cached": 0, "searched": 1, "failed": 1}
    assert analyst.analyses([BLACK]) == [None]
    analyst.close()


def test_without_a_program_there_is_an_error_and_no_made_up_answer(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stockfish_path 'stokfish': no chess program 'stokfish'"):
        Analyst(settings(tmp_path, "stokfish"))
