"""Answers as a person reads them."""

import io

import pytest
from rich.console import Console

from pawn_lab.cli.render import line, render
from pawn_lab.tools import Answer


class Row(Answer):
    trial: int
    ablation: str
    lr: float | None = None
    best: bool | None = None


class Table(Answer):
    rows: list[Row]
    cursor: int = 0
    more: bool = False
    counts: dict[str, int] | None = None
    notes: str | None = None


def printed(answer: Answer, width: int = 80, **console: bool) -> list[str]:
    out = io.StringIO()
    render(answer, Console(file=out, width=width, color_system=None, **console))
    return [text.rstrip() for text in out.getvalue().splitlines()]


def test_rows_become_a_table_without_its_empty_columns():
    rows = [Row(trial=1, ablation="mate_boost=1.0", lr=1e-3), Row(trial=12, ablation="baseline")]
    assert printed(Table(rows=rows))[:4] == [
        "rows",
        " trial  ablation           lr",
        "     1  mate_boost=1.0  0.001",
        "    12  baseline",
    ]


def test_a_narrow_terminal_does_not_break_names_or_numbers():
    rows = [Row(trial=123456, ablation="discard_ply_limit=true", lr=0.0003, best=True)]
    text = "\n".join(printed(Table(rows=rows), width=20))
    assert "123456  discard_ply_limit=true  0.0003   yes" in text


def test_a_terminal_too_narrow_for_all_columns_has_the_last_ones_below():
    rows = [
        Row(trial=n, ablation="discard_ply_limit=true", lr=0.1 * n, best=n == 2) for n in (1, 2)
    ]
    lines = printed(Table(rows=rows), width=32, force_terminal=True)
    assert max(map(len, lines)) <= 32
    assert lines[:8] == [
        "rows",
        " trial  ablation",
        "     1  discard_ply_limit=true",
        "     2  discard_ply_limit=true",
        " trial   lr  best",
        "     1  0.1    no",
        "     2  0.2   yes",
        "cursor: 0",
    ]


class Measured(Answer):
    trial: int
    best_val_loss: float
    last_val_loss: float
    game_completion: float
    why: str


class Measurements(Answer):
    rows: list[Measured]


@pytest.mark.parametrize("width", range(36, 100))
def test_no_line_is_wider_than_the_terminal(width):
    row = Measured(
        trial=1, best_val_loss=7.454, last_val_loss=7.5, game_completion=0.25,
        why="the best, 0.001, is the highest tried, at step 6, one seed",
    )  # fmt: skip
    lines = printed(Measurements(rows=[row]), width=width, force_terminal=True)
    assert max(map(len, lines)) <= width
    assert "highest" in "".join(lines)


def test_what_holds_nothing_is_not_shown():
    assert printed(Table(rows=[])) == ["cursor: 0"]


def test_counts_are_listed_and_texts_of_several_lines_come_as_they_are():
    answer = Table(rows=[], counts={"paused": 9}, notes="# Notes\n\n[bold] is no markup\n")
    assert printed(answer)[1:] == ["counts", "  paused: 9", "# Notes", "", "[bold] is no markup"]


def test_a_row_fits_on_one_line_of_a_log():
    assert line(Row(trial=3, ablation="baseline", lr=0.003)) == "3  baseline  0.003"
