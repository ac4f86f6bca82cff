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
    """A cell of a table: its text, with code in backquotes."""

    text: str

    @property
    def codes(self) -> list[str]:
        """Return what of it is code."""
        return self.text.split("`")[1::2]

    @property
    def calls(self) -> list[tuple[Call, bool]]:
        """Return the calls that it shows, and whether each is for a refusal of the one before."""
        parts = self.text.split("`")
        shown = zip(parts[::2], parts[1::2], strict=False)
        return [
            (call, before.rstrip().endswith("refused:"))
            for before, code in shown
            for call in calls_of(code)
        ]

    @property
    def commands(self) -> list[str]:
        """Return the commands that it shows whole: no word of them is to be replaced."""
        shown = [code for code in self.codes if _COMMAND.match(code)]
        return [command for command in shown if not re.search(r"\b[A-Z]{3,}\b", command)]


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
    steps: list[Call]
    """Calls of the first numbered list."""
    closing: list[Call]
    """Calls behind the last table."""
    fences: list[tuple[str, str]]
    """Language and content."""
    tables: list[Table]

    @property
    def calls(self) -> list[Call]:
        """Return the calls of tools, in order."""
        return [call for code in self.codes for call in calls_of(code)]

    def table_of(self, field: str) -> Table:
        """Return the table whose signs are values of a field."""
        return next(table for table in self.tables if field in table.head[0].codes)

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
    fences = [(token.info, token.content) for token in tokens if token.type == "fence"]
    return Page(
        _codes(tokens),
        _calls(_between(tokens, "ordered_list_open", "ordered_list_close")),
        _calls(tokens[_last(tokens, "table_close") + 1 :]),
        fences,
        list(_tables(tokens)),
    )


def _codes(tokens: list[Token]) -> list[str]:
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    return [leaf.content for leaf in leaves if leaf.type in ("code_inline", "fence")]


def _calls(tokens: list[Token]) -> list[Call]:
    return [call for code in _codes(tokens) for call in calls_of(code)]


def _between(tokens: list[Token], begin: str, end: str) -> list[Token]:
    """Return what lies between the first of two kinds of tokens."""
    types = [token.type for token in tokens]
    return tokens[types.index(begin) : types.index(end)] if begin in types else []


def _last(tokens: list[Token], kind: str) -> int:
    """Return the place of the last token of a kind; -1 where there is none."""
    return max((n for n, token in enumerate(tokens) if token.type == kind), default=-1)


def _tables(tokens: list[Token]) -> Iterator[Table]:
    rows: list[list[Cell]] = []
    for token in tokens:
        match token.type:
            case "table_open":
                rows = []
            case "tr_open":
                rows.append([])
            case "inline" if rows:
                rows[-1].append(Cell(_text(token)))
            case "table_close":
                yield Table(rows[0], rows[1:])
                rows = []


def _text(token: Token) -> str:
    leaves = token.children or []
    return "".join(f"`{x.content}`" if x.type == "code_inline" else x.content for x in leaves)


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
