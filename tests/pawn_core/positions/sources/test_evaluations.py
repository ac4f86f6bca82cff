"""Analysed positions of Lichess: White's numbers become those of the side to move."""

import gzip
import json
import math
from pathlib import Path

import pytest
from reading_sources import positions_of

from pawn_core.positions.sources.evaluations import Evaluations
from pawn_core.positions.values import value_of_centipawns

WHITE = "4k3/8/8/8/8/8/4P3/4K2R w K -"
BLACK = "4k2r/4p3/8/8/8/8/8/4K3 b k -"
"""WHITE with its colours exchanged."""


def line(fen: str, *pvs: dict, depth: int = 30) -> str:
    return json.dumps({"fen": fen, "evals": [{"pvs": list(pvs), "knodes": 9, "depth": depth}]})


def read(tmp_path: Path, *lines: str, **settings: int):
    return positions_of(Evaluations, tmp_path / "evals.jsonl", "\n".join(lines), **settings)


def test_mirrored_positions_have_the_same_labels(tmp_path: Path) -> None:
    (white, black), _ = read(
        tmp_path,
        line(WHITE, {"cp": 450, "line": "h1h7 e8d8"}, {"cp": 350, "line": "e2e4"}),
        line(BLACK, {"cp": -450, "line": "h8h2 e1d1"}, {"cp": -350, "line": "e7e5"}),
    )
    assert white.value == black.value == value_of_centipawns(450)
    assert list(white.policy.values()) == list(black.policy.values())
    assert white.policy["h1h7"] / white.policy["e2e4"] == pytest.approx(math.e)


def test_a_mate_by_black_is_one_for_black(tmp_path: Path) -> None:
    (white, black), _ = read(
        tmp_path,
        line(WHITE, {"mate": -4, "line": "h1h7"}),
        line(BLACK, {"mate": -4, "line": "h8h2"}),
    )
    assert (white.value, black.value) == (-1.0, 1.0)


def test_castling_as_in_chess960_is_the_kings_two_step(tmp_path: Path) -> None:
    (white, black), _ = read(
        tmp_path,
        line(WHITE, {"cp": 1, "line": "e1h1"}),
        line(BLACK, {"cp": 1, "line": "e8h8"}),
    )
    assert (list(white.policy), list(black.policy)) == (["e1g1"], ["e8g8"])


def test_the_deepest_search_counts_and_of_two_that_with_more_moves(tmp_path: Path) -> None:
    searches = [
        {"depth": 20, "knodes": 1, "pvs": [{"cp": 1, "line": "h1h7"}]},
        {"depth": 30, "knodes": 1, "pvs": [{"cp": 2, "line": "h1h6"}]},
        {
            "depth": 30,
            "knodes": 1,
            "pvs": [{"cp": 3, "line": "h1h5"}, {"cp": 3, "line": "h1h4"}],
        },
    ]
    (position,), _ = read(tmp_path, json.dumps({"fen": WHITE, "evals": searches}))
    assert position.policy == {"h1h5": 0.5, "h1h4": 0.5}


def test_shallow_searches_are_left_out_where_that_is_asked(tmp_path: Path) -> None:
    positions, counts = read(
        tmp_path, line(WHITE, {"cp": 1, "line": "h1h7"}, depth=20), depth_min=21
    )
    assert positions == []
    assert counts["not deep enough"] == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "no evaluation"),
        ("[]", "no evaluation"),
        ("[" * 100_000, "no evaluation"),
        (json.dumps({"fen": WHITE, "evals": []}), "no evaluation"),
        (json.dumps({"fen": 3, "evals": []}), "no evaluation"),
        (line(WHITE), "no evaluation"),
        (line(WHITE, {"cp": math.nan, "line": "h1h7"}), "no evaluation"),
        (line(WHITE, {"cp": 10**40, "line": "h1h7"}), "no evaluation"),
        (line(WHITE, {"cp": True, "line": "h1h7"}), "no evaluation"),
        (line(WHITE, {"mate": 0, "line": "h1h7"}), "no evaluation"),
        (line(WHITE, {"cp": 1, "mate": 1, "line": "h1h7"}), "no evaluation"),
        (line(WHITE, {"cp": 1, "line": ""}), "no evaluation"),
        (line(WHITE, {"cp": 1, "line": "h1h9"}), "illegal move"),
        (line("8/8/8/8/8/8/8/8 w - -", {"cp": 1, "line": "h1h7"}), "no legal position"),
        (line("7k/5Q2/6K1/8/8/8/8/8 b - -", {"cp": 1, "line": "h8h7"}), "no legal move"),
    ],
)
def test_a_bad_line_is_counted_and_never_becomes_a_label(
    tmp_path: Path, bad: str, reason: str
) -> None:
    good = line(WHITE, {"cp": 1, "line": "h1h7"})
    positions, counts = read(tmp_path, bad, "", good)
    assert len(positions) == 1
    assert counts == {"lines read": 3, reason: 1}


def test_lines_without_an_end_or_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    good = line(WHITE, {"cp": 1, "line": "h1h7"}).encode()
    text = b"x" * (3 << 20) + b"\n\xff\xfe\n" + good
    path = tmp_path / "evals.gz"
    positions, counts = positions_of(Evaluations, path, gzip.compress(text))
    assert len(positions) == 1
    assert counts["line too long or no UTF-8"] == 2
