"""Positions that Stockfish labels: its own convention, and never a label it did not give."""

from collections import Counter
from pathlib import Path

import chess
import pytest
from analysing import write_analyser
from programs import needs_stockfish

from pawn_core.config import ConfigError
from pawn_core.positions.sources.stockfish import Stockfish, StockfishConfig, labels_of
from pawn_core.positions.values import MATE_CP, policy_of_centipawns, value_of_centipawns
from pawn_core.tasks.analysis import Analysis, Line
from pawn_core.tasks.analysis.pool import AnalysisPool

KPK = "4k3/8/4K3/4P3/8/8/8/8 w - - 0 1"
FIRST_MOVES_THEN_NONE = """
        if "moves" in position and " b " in position:
            os._exit(3)
        print("info depth 1 multipv 1 score cp 30 pv e2e4")
        print("info depth 1 multipv 2 score mate -3 pv d2d4")
        print("bestmove e2e4", flush=True)
"""


def flipped(fen: str) -> str:
    return chess.Board(fen).mirror().fen()


def source(
    tmp_path: Path, program: str, domain: str = "openings", **settings: int | None
) -> Stockfish:
    cache = str(tmp_path / "cache")
    config = StockfishConfig(stockfish_path=program, analysis_cache=cache, **settings)
    return Stockfish(f"stockfish:{domain}", config)


def test_labels_are_those_of_the_lines_for_the_side_to_move() -> None:
    policy, value = labels_of(Analysis((Line("e2e4", -120), Line("d2d4", -220))))
    assert value == value_of_centipawns(-120)
    assert list(policy) == ["e2e4", "d2d4"]
    assert list(policy.values()) == policy_of_centipawns([-120, -220]).tolist()
    _, mated = labels_of(Analysis((Line("e2e4", 3 - MATE_CP),)))
    assert mated == -1.0


@needs_stockfish
def test_the_same_position_with_colours_exchanged_has_the_same_value() -> None:
    pool = AnalysisPool("stockfish", 6, 1)
    fens = [KPK, KPK.replace(" w ", " b "), "6k1/5ppp/8/8/8/8/5PPP/Q5K1 w - - 0 1"]
    own = pool.analyse(fens + [flipped(fen) for fen in fens])
    pool.close()
    values = [labels_of(found)[1] for found in own if found is not None]
    assert len(values) == 6
    assert values[:3] == pytest.approx(values[3:], abs=0.2)  # it breaks ties by squares
    assert values[0] > 0.5 > -0.5 > values[1]
    assert values[2] > 0.9


@needs_stockfish
def test_openings_are_labelled_by_legal_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawn_core.positions.sources.stockfish.Stockfish.AT_ONCE", 2)
    stockfish = source(tmp_path, "stockfish", stockfish_depth=1)
    parcel = next(stockfish.parcels())
    assert stockfish.versions["program"].startswith("Stockfish")
    stockfish.close()
    assert parcel.place == 2
    assert len(parcel.positions) > 5
    for position in parcel.positions:
        legal = [move.uci() for move in chess.Board(position.fen).legal_moves]
        assert position.policy
        assert {*position.policy} <= {*legal}
        assert sum(position.policy.values()) == pytest.approx(1)


@needs_stockfish
def test_a_game_gives_at_most_so_many_positions_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawn_core.positions.sources.stockfish.Stockfish.AT_ONCE", 2)
    of_all, of_three = (
        source(tmp_path, "stockfish", per_game=most, stockfish_depth=1) for most in (None, 3)
    )
    everything, some, again = (next(s.parcels()) for s in (of_all, of_three, of_three))
    assert len({p.game for p in everything.positions}) == 2 < len(everything.positions) - 6
    assert Counter(p.game for p in some.positions).most_common() == [
        (game, 3) for game in dict.fromkeys(p.game for p in everything.positions)
    ]
    assert {p.fen for p in some.positions} < {p.fen for p in everything.positions}
    assert some == again
    assert some.counts["more of a game"] == len(everything.positions) - 6
    of_all.close()
    of_three.close()


def test_a_program_that_dies_gives_no_label_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawn_core.positions.sources.stockfish.Stockfish.AT_ONCE", 3)
    program = write_analyser(tmp_path / "program", answer=FIRST_MOVES_THEN_NONE)
    stockfish = source(tmp_path, program)
    parcel = next(stockfish.parcels())
    stockfish.close()
    assert {position.fen.split()[1] for position in parcel.positions} == {"w"}
    assert parcel.counts["analysis failed"] == 3


def test_a_program_that_fails_over_everything_is_not_asked_for_ever(tmp_path: Path) -> None:
    stockfish = source(tmp_path, write_analyser(tmp_path / "program", "os._exit(3)"))
    with pytest.raises(ConfigError, match="failed over every position"):
        next(stockfish.parcels())
    stockfish.close()


def test_without_a_program_there_is_an_error_and_no_position(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stockfish_path 'stokfish': no chess program"):
        source(tmp_path, "stokfish")
