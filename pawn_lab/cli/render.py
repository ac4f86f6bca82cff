"""Answers as a person reads them: scalars as lines, lists of rows as tables."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pawn_lab.cli.words import in_cli_words
from pawn_lab.tools import Answer
from pawn_lab.tools.values import columns_of

_FOLDING_CHARACTERS = 32
"""A column of longer texts may be folded; numbers, names and short texts stay on one line."""
_PADDING = 2


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
            for table in _tables(name, value, console):
                _print_table(table, console)
        case Answer() | dict():
            console.print(Text(_words(name), style="bold"))
            items = value if isinstance(value, dict) else value.wire()
            for key, item in items.items():
                console.print(Text(f"  {key}: {_cell(item)}"), soft_wrap=True)
        case str() if "\n" in value:
            console.print(Text(value.rstrip("\n")), soft_wrap=True)
        case _:
            label = Text(f"{_words(name)}: ", style="bold")
            console.print(label + Text(_cell(value)), soft_wrap=True)


class Column(NamedTuple):
    """A field of each row."""

    title: str
    cells: list[str]
    numeric: bool
    longest: int
    """Characters of its longest cell."""
    width: int
    """The least at which it can be read."""

    @classmethod
    def of(cls, name: str, values: list[Any]) -> Self:
        """Return the column of a field."""
        title, cells = _words(name), list(map(_cell, values))
        numeric = all(isinstance(value, int | float | None) for value in values)
        longest = max(map(len, cells))
        return cls(title, cells, numeric, longest, _least_width(title, cells, longest))

    @property
    def natural_width(self) -> int:
        """Width at which nothing has to be folded."""
        return max(len(self.title), self.longest)

    @property
    def folds(self) -> bool:
        """Whether its texts may be folded."""
        return self.longest > _FOLDING_CHARACTERS


def _tables(title: str, rows: Sequence[Answer], console: Console) -> Iterator[Table]:
    """Make a table of the columns that hold a value in any row.

    Where a terminal is too narrow for it, its last columns stand below, behind the first one.
    """
    by_column = columns_of(rows)
    columns = [Column.of(name, vs) for name, vs in by_column.items() if any(map(_is_given, vs))]
    most = console.width if console.is_terminal else sys.maxsize
    for number, block in enumerate(_blocks(columns, most)):
        yield _table(None if number else _words(title), block, most)


def _blocks(columns: Sequence[Column], most: int) -> Iterator[list[Column]]:
    """Split columns so that each part, with the first column, is at most so wide."""
    key, *others = columns
    room = most - key.width - 2 * _PADDING
    block, used = [key], 0
    for column in others:
        narrowed = column._replace(width=min(column.width, room - _PADDING))
        if used and used + narrowed.width + _PADDING > room:
            yield block
            block, used = [key], 0
        block.append(narrowed)
        used += narrowed.width + _PADDING
    yield block


def _table(title: str | None, columns: Sequence[Column], most: int) -> Table:
    """Make a table at most so wide, if that can be; numbers to the right."""
    is_tight = sum(column.natural_width + _PADDING for column in columns) > most
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.numeric else "left",
            overflow="fold",
            min_width=column.width,
            width=column.width if is_tight and not column.folds else None,
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _least_width(title: str, cells: list[str], longest: int) -> int:
    """Return the width of short texts, or that of the longest word, which may have to be folded."""
    if longest <= _FOLDING_CHARACTERS:
        return max(longest, *map(len, title.split()))
    words = (word for text in (title, *cells) for word in text.split())
    return min(_FOLDING_CHARACTERS, max(map(len, words)))


def _print_table(table: Table, console: Console) -> None:
    """Print a table; where nobody looks, as wide as it needs to be read."""
    least = 0 if console.is_terminal else console.measure(table).minimum
    console.print(table, width=max(least, console.width), crop=False)


def _held(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _is_given(value: Any) -> bool:
    return value is False or _held(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{key}={_cell(item)}" for key, item in value.items())
        case list():
            return ", ".join(map(_cell, value))
        case float():
            return f"{value:g}"
        case _:
            return in_cli_words(str(value))
