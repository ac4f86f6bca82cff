"""Rare positions: exact quotas, known players, and what is said where there are too few."""

import math
from pathlib import Path

import chess
import chess_engine
import numpy as np
import pytest
import torch
from known_players import context_of, known_player

from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.positions.diagnostic_positions import CATEGORIES, PositionGames, collect
from pawn_core.evaluation.positions.diagnostics import Diagnostics
from pawn_core.evaluation.report import Report
from pawn_core.signals import Interrupted, StopFlag

MAX_PLY = 60
FIELDS = {"evals": ("diagnostics",), "games_seed": 9}
FIELDS |= {"diagnostic_positions": 6, "diagnostic_games": 4000}
ORACLE = {
    "in_check": chess.Board.is_check,
    "double_check": lambda board: len(board.checkers()) > 1,
    "en_passant": chess.Board.has_legal_en_passant,
    "castling_kingside": lambda board: any(map(board.is_kingside_castling, board.legal_moves)),
    "castling_queenside": lambda board: any(map(board.is_queenside_castling, board.legal_moves)),
    "castling_blocked_by_check": lambda board: (
        board.is_check() and bool(board.clean_castling_rights() & chess.BB_RANKS[own_rank(board)])
    ),
    "promotion": lambda board: any(move.promotion for move in board.legal_moves),
    "checkmate": chess.Board.is_checkmate,
    "stalemate": chess.Board.is_stalemate,
    "insufficient_material": chess.Board.is_insufficient_material,
}


def own_rank(board: chess.Board) -> int:
    return 0 if board.turn else 7


def diagnostics_context(folder: Path, *, legal: bool, prefixed: bool = False, **fields) -> Context:
    model = known_player(legal=legal, prefixed=prefixed, width=MAX_PLY + prefixed)
    return context_of(model, folder, **(FIELDS | fields))


def evaluate(context: Context) -> Diagnostics:
    diagnostics = Diagnostics(context)
    for shard in range(context.config.length):
        diagnostics.run(shard)
    return diagnostics


def rows(report: Report) -> dict[str, dict]:
    return table(report, "categories")


def table(report: Report, name: str) -> dict[str, dict]:
    (chosen,) = (t for t in report.tables if t.name == name)
    return {row[0]: dict(zip(chosen.columns, row, strict=True)) for row in chosen.rows}


@pytest.fixture(scope="module")
def positions():
    games = PositionGames(9, 4000, MAX_PLY, chess_engine.export_move_vocabulary())
    return collect(games, 6, StopFlag())


@pytest.fixture(scope="module")
def late_positions():
    """Long games: few random ones end by a stalemate or for want of pieces within 60 plies."""
    return collect(
        PositionGames(8, 1000, 400, chess_engine.export_move_vocabulary()), 6, StopFlag()
    )


@pytest.mark.parametrize("name", ORACLE)
def test_positions_of_a_kind_are_so_by_python_chess(late_positions, name: str) -> None:
    positions, vocabulary = late_positions, chess_engine.export_move_vocabulary()
    (category,) = (c for c in CATEGORIES if c.name == name)
    chosen = positions.of(category, 6)
    assert len(chosen) == 6
    for row in chosen:
        board = chess.Board()
        for token in positions.tokens_nt[row, : positions.lengths_n[row]]:
            board.push_uci(vocabulary.moves[token])
        assert ORACLE[name](board)
        assert board.turn == (positions.sides_n[row] == 0)


def test_a_search_in_pieces_takes_the_positions_of_one_search(positions) -> None:
    assert positions.games_searched == 4000
    sets = chess_engine.generate_diagnostic_sets(
        {"check": 3, "stalemate": 3}, seed=9, max_ply=MAX_PLY, max_games=4000
    )
    for name, flag in (("in_check", "check"), ("stalemate", "stalemate")):
        (category,) = (c for c in CATEGORIES if c.name == name)
        expected = sets.games[sets.flags == chess_engine.EDGE_CASES[flag]]
        assert positions.games_n[positions.of(category, 6)].tolist() == expected.tolist()


def test_a_quota_is_met_exactly_and_what_is_missing_is_said(tmp_path: Path) -> None:
    report = evaluate(diagnostics_context(tmp_path, legal=True)).report()
    missing = {name: 6 - row["positions"] for name, row in rows(report).items()}
    assert report.facts["unfilled"] == {name: n for name, n in missing.items() if n}
    assert missing["in_check"] == missing["promotion"] == missing["castling_kingside"] == 0
    assert missing["fivefold_repetition"] == 6
    assert rows(report)["fivefold_repetition"]["legal_mass"] is None
    assert report.facts["positions"] == sum(6 - n for n in missing.values())


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_a_player_of_the_legal_law_has_all_mass_and_no_divergence(
    tmp_path: Path, prefixed: bool
) -> None:
    report = evaluate(diagnostics_context(tmp_path, legal=True, prefixed=prefixed)).report()
    for name, row in rows(report).items():
        if row["positions"]:
            assert row["legal_mass"] == pytest.approx(1.0, abs=1e-12), name
            assert row["legal_rate"] == row["legal_rate_high"] == 1.0
            assert row["legal_rate_low"] < 1.0, "few games prove little"
            assert row["kl"] == (None if prefixed else pytest.approx(0.0, abs=1e-12))


def test_a_player_of_any_token_has_the_analytic_values(tmp_path: Path, positions) -> None:
    report = evaluate(diagnostics_context(tmp_path, legal=False)).report()
    size = chess_engine.export_move_vocabulary().size
    for category in CATEGORIES:
        counts = positions.next_tokens.counts_n[positions.of(category, 6)]
        row = rows(report)[category.name]
        if len(counts):
            assert row["legal_mass"] == pytest.approx((counts / size).mean())
            assert row["kl"] == pytest.approx(np.log(size / counts).mean())
            assert row["expects"] == ("PAD" if category.over else "a move")
            assert (counts == 1).all() or not category.over
    assert rows(report)["checkmate"]["kl"] == pytest.approx(math.log(size))


def test_promotions_and_captures_are_told_apart_by_file(tmp_path: Path, positions) -> None:
    """By python-chess: the file of the pawn that promotes, of the square captured on."""
    report = evaluate(diagnostics_context(tmp_path, legal=False)).report()
    moves, by_file = chess_engine.export_move_vocabulary().moves, table(report, "by_file")
    expected = dict.fromkeys(by_file, 0)
    for category in (c for c in CATEGORIES if c.name in ("promotion", "en_passant")):
        for row in positions.of(category, 6):
            board = chess.Board()
            for token in positions.tokens_nt[row, : positions.lengths_n[row]]:
                board.push_uci(moves[token])
            files = (
                {m.uci()[0] for m in board.legal_moves if m.promotion}
                if category.name == "promotion"
                else {m.uci()[2] for m in board.generate_legal_ep()}
            )
            for file in files:
                expected[f"{category.name}_{file}"] += 1
    assert {flag: row["positions"] for flag, row in by_file.items()} == expected
    assert sum(expected.values()) >= 12
    assert len(by_file) == 16


def test_what_was_measured_before_a_pause_goes_on_bitwise(tmp_path: Path) -> None:
    context = diagnostics_context(tmp_path, legal=False, diagnostic_positions=130)
    assert context.config.length == 3
    whole = evaluate(context)
    first, second = Diagnostics(context), Diagnostics(context)
    first.run(0)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    second.run(1)
    second.run(2)
    for name, tensor in whole.state().items():
        torch.testing.assert_close(second.state()[name], tensor, rtol=0, atol=0, equal_nan=True)
    assert second.report() == whole.report()


def test_only_the_moves_before_a_position_are_shown(tmp_path: Path) -> None:
    context = diagnostics_context(tmp_path, legal=True)
    shown = []
    answer = context.model.forward_at

    def watched(tokens_bt, positions_n):
        shown.extend(
            (tokens_bt[n // tokens_bt.shape[1]].tolist(), n % tokens_bt.shape[1])
            for n in positions_n.tolist()
        )
        return answer(tokens_bt, positions_n)

    context.model.forward_at = watched  # type: ignore[method-assign]
    evaluate(context)
    pad = context.vocabulary.pad
    assert len(shown) > 60
    for tokens, last in shown:
        assert pad not in tokens[: last + 1]
        assert set(tokens[last + 1 :]) <= {pad}


def test_a_search_ends_when_the_run_is_asked_to_stop(tmp_path: Path) -> None:
    import signal

    context = diagnostics_context(tmp_path, legal=True)
    context.stop.signal = signal.SIGTERM
    with pytest.raises(Interrupted):
        Diagnostics(context).run(0)
