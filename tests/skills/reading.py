"""What a skill shows, as data: its calls of tools, its commands, its tables.

A call is written as in Python, `lab_wait(since=cursor, timeout_s=5)`. What is not said is a name,
which whoever reads knows the value of, or `...`; true, false and null are JSON's.
"""

import ast
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pawn_lab.shipped import SKILLS

Names = Mapping[str, Any]

_JSON_WORDS = {"true": True, "false": False, "null": None}
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_COMMAND = re.compile(r"^(pawn-lab|\.venv/bin/)")


class UnreadableCallError(Exception):
    """A skill shows a call that cannot be read, or that needs a name which nobody knows."""


@dataclass(frozen=True)
class Call:
    """A call of a tool as a skill shows it."""

    tool: str
    arguments: dict[str, ast.expr]

    def bound(self, names: Names) -> dict[str, Any]:
        """Return the arguments, the names in them replaced by what they stand for."""
        return {name: value(node, names) for name, node in self.arguments.items()}


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and what of it is code."""

    text: str
    codes: list[str]

    @property
    def calls(self) -> list[Call]:
        """Return the calls of tools that it shows."""
        return [call for code in self.codes for call in calls_of(code)]


@dataclass(frozen=True)
class Table:
    """A table: the cells of its head, and those of each row."""

    head: list[Cell]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Page:
    """A page of a skill: what it shows as code, and its tables."""

    codes: list[str]
    """Inline code and the contents of fences, in order."""
    fences: list[tuple[str, str]]
    """Language and content."""
    tables: list[Table]

    @property
    def calls(self) -> list[Call]:
        """Return the calls of tools, in order."""
        return [call for code in self.codes for call in calls_of(code)]

    @property
    def commands(self) -> list[str]:
        """Return the commands for a shell, in order."""
        lines = [line.strip() for code in self.codes for line in code.splitlines()]
        return [line for line in lines if _COMMAND.match(line)]


def pages() -> list[Path]:
    """Return every page of every skill."""
    return sorted(SKILLS.rglob("*.md"))


def read_page(text: str) -> Page:
    """Read a page of Markdown, the front matter of a skill left out."""
    body = text.split("---\n", 2)[2] if text.startswith("---\n") else text
    tokens = MarkdownIt().enable("table").parse(body)
    flat = [leaf for token in tokens for leaf in (token.children or [token])]
    shown = [leaf for leaf in flat if leaf.type in ("code_inline", "fence", "code_block")]
    fences = [(leaf.info, leaf.content) for leaf in shown if leaf.type == "fence"]
    return Page([leaf.content for leaf in shown], fences, list(_tables(tokens)))


def _tables(tokens: list[Token]) -> Iterator[Table]:
    rows: list[list[Cell]] = []
    for token in tokens:
        match token.type:
            case "table_open":
                rows = []
            case "tr_open":
                rows.append([])
            case "inline" if rows:
                rows[-1].append(_cell(token))
            case "table_close":
                yield Table(rows[0], rows[1:])
                rows = []


def _cell(token: Token) -> Cell:
    leaves = token.children or []
    codes = [leaf.content for leaf in leaves if leaf.type == "code_inline"]
    return Cell("".join(leaf.content for leaf in leaves), codes)


def calls_of(code: str) -> list[Call]:
    """Return the calls in a piece of code that shows any.

    Raises:
        UnreadableCallError: it begins like a call and is none.
    """
    if not re.match(r"lab_\w+\(", code):
        return []
    try:
        statements = ast.parse(code).body
        return [_call(statement) for statement in statements]
    except SyntaxError as error:
        raise UnreadableCallError(f"{code}: {error.msg}") from error


def _call(statement: ast.stmt) -> Call:
    match statement:
        case ast.Expr(ast.Call(func=ast.Name(id=tool), args=[], keywords=keywords)):
            return Call(tool, {str(keyword.arg): keyword.value for keyword in keywords})
    raise UnreadableCallError(f"no call with named arguments: {ast.unparse(statement)}")


def value(node: ast.expr, names: Names) -> Any:
    """Return what an expression of a call stands for.

    Raises:
        UnreadableCallError: it has a name that is not known, or is more than an argument may be.
    """
    match node:
        case ast.Constant() if node.value is not ...:
            return node.value
        case ast.Constant() if "..." in names:
            return names["..."]
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Name(id=name) if name in _JSON_WORDS:
            return _JSON_WORDS[name]
        case ast.Dict(keys=keys, values=values):
            return _object(keys, [value(item, names) for item in values], names)
        case ast.List(elts=items):
            return [value(item, names) for item in items]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](value(left, names), value(right, names))
        case ast.JoinedStr(values=parts):
            return "".join(str(value(part, names)) for part in parts)
        case ast.FormattedValue(value=inner):
            return value(inner, names)
    raise UnreadableCallError(f"{ast.unparse(node)} stands for nothing; known: {sorted(names)}")


def _object(keys: list[ast.expr | None], values: list[Any], names: Names) -> dict[str, Any]:
    """Return a JSON object; a value without a key is an object whose fields come in."""
    fields: dict[str, Any] = {}
    for key, item in zip(keys, values, strict=True):
        fields |= item if key is None else {value(key, names): item}
    return fields
