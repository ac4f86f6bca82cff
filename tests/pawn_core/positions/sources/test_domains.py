"""What makes a position one of a domain, against python-chess."""

import chess
import chess_engine
import numpy as np
import pytest

from pawn_core.positions.domains import domain_of
from pawn_core.positions.sources import SOURCES
from pawn_core.positions.sources.domains import DOMAINS, WalkedPositions
from pawn_core.positions.sources.walks import WalkedPosition
from pawn_core.tasks.analysis import Analysis, Line

QUIET = "r2q1rk1/pp2bppp/2n1bn2/2pp4/3P4/2N1PN2/PPQ1BPPP/R1B2RK1 w - - 0 12"
MOVES = ("a2a3", "h2h3", "f1d1", "b2b3", "c1d2")


def walked(fen: str, *centipawns: int, ply: int = 30, ucis: tuple[str, ...] = MOVES):
    lines = tuple(Line(uci, cp) for uci, cp in zip(ucis, centipawns, strict=False))
    return WalkedPosition("game", ply, fen, Analysis(lines))


def taken(*positions: WalkedPosition) -> list[set[str]]:
    batch = WalkedPositions(positions)
    rows = [domain.takes(batch) for domain in DOMAINS]
    return [
        {domain.name for domain, takes_n in zip(DOMAINS, rows, strict=True) if takes_n[n]}
        for n in range(len(positions))
    ]


@pytest.fixture(scope="module")
def random_positions() -> list[WalkedPosition]:
    few = chess_engine.sample_positions(range(150), seed=3, max_ply=300, men_max=14).fens
    fens = chess_engine.sample_positions(range(400), seed=3).fens + few
    best = [chess_engine.legal_moves(fen)[0] for fen in fens]
    return [
        walked(fen, 0, ucis=(uci,), ply=n % 40)
        for n, (fen, uci) in enumerate(zip(fens, best, strict=True))
    ]


def test_domains_are_those_of_the_sources_and_of_a_curriculum() -> None:
    tags = [kind.tag for kind in SOURCES]
    assert [tag for tag in tags if tag.startswith("stockfish:")] == [
        f"stockfish:{domain.name}" for domain in DOMAINS
    ]
    assert {domain_of(tag) for tag in tags} == {d.name for d in DOMAINS} | {"teacher", "external"}


def test_openings_are_early_and_endgames_have_few_pieces(
    random_positions: list[WalkedPosition],
) -> None:
    for position, domains in zip(random_positions, taken(*random_positions), strict=True):
        board = chess.Board(position.fen)
        men = chess.popcount(board.occupied)
        pieces = men - chess.popcount(board.pawns | board.kings)
        assert ("openings" in domains) == (position.ply <= 20 and men >= 28)
        assert ("endgames" in domains) == (pieces <= 6)


def test_attacked_kings_have_attackers_beside_them(random_positions: list[WalkedPosition]) -> None:
    found = 0
    for position, domains in zip(random_positions, taken(*random_positions), strict=True):
        board = chess.Board(position.fen)
        ring = chess.SquareSet(chess.BB_KING_ATTACKS[board.king(board.turn) or 0])
        attackers = [len(board.attackers(not board.turn, square)) for square in ring]
        under_fire = sum(n >= 1 for n in attackers) >= 2 or max(attackers) >= 2
        assert ("king_safety" in domains) == (under_fire and "endgames" not in domains)
        found += "king_safety" in domains
    assert 10 < found < len(random_positions)


def test_weaknesses_are_three_isolated_or_doubled_pawns_of_a_side(
    random_positions: list[WalkedPosition],
) -> None:
    found = 0
    for position, domains in zip(random_positions, taken(*random_positions), strict=True):
        board = chess.Board(position.fen)
        weak = []
        for colour in chess.COLORS:
            files = [chess.square_file(s) for s in board.pieces(chess.PAWN, colour)]
            weak.append(sum(files.count(f) > 1 or not {f - 1, f + 1} & {*files} for f in files))
        assert ("weaknesses" in domains) == (max(weak) >= 3)
        found += "weaknesses" in domains
    assert 10 < found < len(random_positions)


def test_checks_and_captures_are_seen(random_positions: list[WalkedPosition]) -> None:
    batch = WalkedPositions(random_positions)
    for n, position in enumerate(random_positions):
        board = chess.Board(position.fen)
        move = chess.Move.from_uci(position.analysis.lines[0].uci)
        takes = board.piece_at(move.to_square) is not None or move.promotion is not None
        assert batch.in_check_n[n] == board.is_check()
        assert batch.takes_n[n] == takes


def test_a_tactical_position_has_one_right_move() -> None:
    right, close, alone, lost, won = taken(
        walked(QUIET, 120, 20),
        walked(QUIET, 120, 21),
        walked(QUIET, 120),
        walked(QUIET, -201, -500),
        walked(QUIET, 900, 401),
    )
    assert "tactical" in right
    assert all("tactical" not in domains for domains in (close, alone, lost, won))


def test_a_positional_one_is_quiet_open_and_leaves_a_choice() -> None:
    quiet, sharp, won, early, takes, forced = taken(
        walked(QUIET, 300, 290, 225),
        walked(QUIET, 30, 20, -46),
        walked(QUIET, 301, 300, 299),
        walked(QUIET, 30, 20, -10, ply=20),
        walked(QUIET, 30, 20, -10, ucis=("d4c5", "a2a3", "h2h3")),
        walked(QUIET, 30, 20),
    )
    assert "positional" in quiet
    assert all("positional" not in domains for domains in (sharp, won, early, takes, forced))


def test_decided_positions_are_of_no_weakness_and_no_attack() -> None:
    weak = "r2q1rk1/p1p1b1pp/2p1bn2/8/3P4/2N1PN2/PPQ1BPPP/R1B2RK1 w - - 0 12"
    (even,), (decided,) = taken(walked(weak, 300)), taken(walked(weak, 301))
    assert "weaknesses" in even
    assert "weaknesses" not in decided
    assert np.isnan(WalkedPositions([walked(weak, 1)]).line_n(1)).all()
