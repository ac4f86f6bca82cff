"""A document of sections for people: written as Markdown with its pictures beside it, or as data.

The data of a block is what a page draws it from: its kind and plain JSON values.
"""

import base64
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pawn_core.evaluation.report import Report
from pawn_lab.text import clean, shorten

MOST_CELL_CHARACTERS = 300

_LIST = re.compile(r"^(\d*)([.)+-])(?= )")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True)
class Prose:
    """A paragraph, as it is written: what looks like markup is text."""

    text: str

    def markdown(self) -> str:
        """Return the paragraph."""
        return escaped(self.text)

    def data(self) -> dict[str, Any]:
        """Return the paragraph."""
        return {"kind": "prose", "text": clean(self.text)}


@dataclass(frozen=True)
class Items:
    """A list of lines."""

    lines: Sequence[str]

    def markdown(self) -> str:
        """Return a line for each."""
        return "\n".join(f"- {escaped(line)}" for line in self.lines)

    def data(self) -> dict[str, Any]:
        """Return the lines."""
        return {"kind": "items", "lines": [clean(line) for line in self.lines]}


@dataclass(frozen=True)
class Grid:
    """A table; numbers to four significant digits, what is missing left empty."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def markdown(self) -> str:
        """Return the table; without rows a word that says so."""
        if not self.rows:
            return "none"
        lines = [map(cell, self.columns), ["---"] * len(self.columns)]
        lines += [map(cell, row) for row in self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def data(self) -> dict[str, Any]:
        """Return titles and rows; a number stays one, so that a page can sort by it."""
        rows = [[_value(item) for item in row] for row in self.rows]
        return {"kind": "grid", "columns": [clean(title) for title in self.columns], "rows": rows}


@dataclass(frozen=True)
class Picture:
    """A PNG image; `name` is its file's, without a folder.

    curves: what a page draws in its place, as the view `curves` answers; None for the image.
    """

    name: str
    png: bytes
    caption: str
    curves: Mapping[str, Any] | None = None

    def markdown(self) -> str:
        """Return the image by its name."""
        return f"![{escaped(self.caption)}]({self.name})"

    def data(self) -> dict[str, Any]:
        """Return the curves, or the image where there are none."""
        caption = clean(self.caption)
        if self.curves is not None:
            return {"kind": "curves", "caption": caption, "answer": dict(self.curves)}
        return {"kind": "picture", "caption": caption, "png": base64.b64encode(self.png).decode()}


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: Sequence[str]

    def markdown(self) -> str:
        """Return the lines as they are typed."""
        fence = "`" * (1 + max([2, *(len(run) for run in re.findall("`+", "".join(self.lines)))]))
        return "\n".join([f"{fence}sh", *map(clean, self.lines), fence])

    def data(self) -> dict[str, Any]:
        """Return the lines."""
        return {"kind": "commands", "lines": [clean(line) for line in self.lines]}


@dataclass(frozen=True)
class Tables:
    """What an evaluation measured on a model: as text its tables, on a page its drawings too."""

    model: str
    report: Report

    def markdown(self) -> str:
        """Return the tables, each under its model and its name."""
        parts = (
            f"{escaped(f'{self.model}: {table.name}')}\n\n"
            + Grid(table.columns, table.rows).markdown()
            for table in self.report.tables
        )
        return "\n\n".join(parts)

    def data(self) -> dict[str, Any]:
        """Return the report as its document has it."""
        return {
            "kind": "evaluation",
            "title": clean(self.model),
            "report": self.report.document(),
        }


Block = Prose | Items | Grid | Picture | Commands | Tables


@dataclass(frozen=True)
class Chapter:
    """Blocks under a heading."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """Sections under a title."""

    title: str
    sections: Sequence[Chapter]

    def markdown(self) -> str:
        """Return the whole text; pictures by their names."""
        return "\n\n".join([f"# {escaped(self.title)}", *self._parts()]) + "\n"

    def data(self) -> dict[str, Any]:
        """Return the whole as plain JSON values: what the page of a report shows."""
        sections = [
            {"title": clean(section.title), "blocks": [block.data() for block in section.blocks]}
            for section in self.sections
        ]
        return {"title": clean(self.title), "sections": sections}

    def pictures(self) -> Iterator[Picture]:
        """Yield the pictures in order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Picture))

    def _parts(self) -> Iterable[str]:
        for section in self.sections:
            yield f"## {escaped(section.title)}"
            yield from (block.markdown() for block in section.blocks)


def escaped(text: str) -> str:
    """Return text of one line in which nothing is markup."""
    line = " ".join(clean(text).split())
    return _LIST.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4g}"
        case _:
            return escaped(shorten(str(value), MOST_CELL_CHARACTERS))


def _value(value: Any) -> Any:
    """Return a value as a page's table has it: numbers as they are, none that JSON has not."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case _:
            return shorten(clean(str(value)), MOST_CELL_CHARACTERS)
