"""Answers as a person reads them: scalars as lines, lists of rows as tables."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pawn_lab.tools import Answer

_FOLDING_CHARACTERS = 32
"""A column of longer texts may be folded; numbers, names and short texts stay on one line."""


def render(answer: Answer, console: Console) -> None:
    """Print an answer: fields in the order of its model, empty ones left out."""
    for name in answer.shown():
        value = getattr(answer, name)
        if _held(value) or _is_told(answer, name):
            _render_field(name, value, console)


def _is_told(answer: Answer, name: str) -> bool:
    """Say whether a field that always has a value says no."""
    return getattr(answer, name) is False and type(answer).model_fields[name].is_required()


def line(row: Answer) -> str:
    """Return a row on one line, as in a log."""
    return "  ".join(_cell(value) for value in row.wire().values())


def _render_field(name: str, value: Any, console: Console) -> None:
    match value:
        case [Answer(), *_]:
            _print_table(_table(name, value), console)
        case Answer() | dict():
            console.print(Text(_words(name), style="bold"))
            items = value if isinstance(value, dict) else value.wire()
            for key, item in items.items():
                console.print(Text(f"  {key}: {_cell(item)}"), soft_wrap=True)
        case str() if "\n" in value:
            console.print(Text(value.rstrip("\n")), soft_wrap=True)
        case _:
            label = Text(f"{_words(name)}: ", style="bold")
            text = "no" if value is False else _cell(value)
            console.print(label + Text(text), soft_wrap=True)


def _table(title: str, rows: Sequence[Answer]) -> Table:
    """Make a table of the columns that hold a value in any row; numbers to the right."""
    table = Table(title=_words(title), title_justify="left", title_style="bold", box=None)
    names = [n for n in type(rows[0]).model_fields if any(_held(getattr(r, n)) for r in rows)]
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    for name, values in columns.items():
        numeric = all(isinstance(value, int | float | None) for value in values)
        table.add_column(
            _words(name),
            justify="right" if numeric else "left",
            overflow="fold",
            min_width=_least_width([_words(name), *map(_cell, values)]),
        )
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*(Text(_cell(cell)) for cell in cells))
    return table


def _least_width(texts: list[str]) -> int:
    """Return the width of short texts, or that of the longest word, which may have to be folded."""
    longest = max(len(text) for text in texts[1:])
    words = [word for text in texts for word in text.split()]
    if longest <= _FOLDING_CHARACTERS:
        return max(longest, *map(len, texts[0].split()))
    return min(_FOLDING_CHARACTERS, max(map(len, words)))


def _print_table(table: Table, console: Console) -> None:
    """Print a table as narrow as it can be read, even past the edge of a narrow terminal."""
    least = console.measure(table).minimum
    console.print(table, width=max(least, console.width), crop=False)


def _held(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "yes"
        case dict():
            return " ".join(f"{key}={_cell(item)}" for key, item in value.items())
        case list():
            return ", ".join(map(_cell, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
