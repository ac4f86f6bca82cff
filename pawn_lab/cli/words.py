"""What the lab says to an agent, in the words of the command line.

The lab names calls of tools, `lab_resume(trial_id=3, overrides={"lr": 1e-4})`, and their arguments;
a person types `pawn-lab resume 3 --set lr=0.0001`.
"""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from pawn_core.config import RUN_TYPES
from pawn_lab.cli.arguments import is_object, is_positional
from pawn_lab.tools import TOOLS, LabTool

_TOOLS = {tool.name: tool for tool in TOOLS}
_CONFIG_FIELDS = {name for run_type in RUN_TYPES for name in run_type.config.model_fields}
_ARGUMENTS = {name for tool in TOOLS for name in tool.signature.parameters} - _CONFIG_FIELDS
_CALL = re.compile(rf"\b({'|'.join(_TOOLS)})\b(?:\(((?:[^()]|\([^()]*\))*)\))?")
_ASSIGNED = re.compile(rf"(?<![\w-])({'|'.join(sorted(_ARGUMENTS))})=(?:(:)|(?=[\w'\".-]))")
_UNDERSCORED = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(name for name in _ARGUMENTS if '_' in name))})\b"
)


def in_cli_words(text: str) -> str:
    """Return a text in which calls and arguments of tools are commands and options."""
    text = _CALL.sub(lambda call: _command(_TOOLS[call[1]], call[2] or ""), text)
    text = _ASSIGNED.sub(lambda name: f"{_option(name[1])}{name[2] or ' '}", text)
    return _UNDERSCORED.sub(lambda name: _option(name[1]), text)


def _command(tool: LabTool, arguments: str) -> str:
    try:
        call = ast.parse(f"call({arguments})", mode="eval").body
    except SyntaxError:  # words, as in lab_launch(config=the same)
        return f"pawn-lab {tool.verb} ({arguments})"
    assert isinstance(call, ast.Call)
    names = list(tool.signature.parameters)
    given = dict(zip(names, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in names}
    words = [word for name, value in given.items() for word in _words(tool, name, _value(value))]
    return " ".join(["pawn-lab", tool.verb, *words])


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _words(tool: LabTool, name: str, value: Any) -> Iterator[str]:
    field = tool.arguments.model_fields[name]
    if is_object(field) and isinstance(value, dict):
        yield "--set"
        yield from (shlex.quote(f"{key}={_typed(item)}") for key, item in value.items())
        return
    if not is_positional(field):
        yield _option(name)
    if value is not True:
        yield from (_typed(item) for item in (value if isinstance(value, list) else [value]))


def _typed(value: Any) -> str:
    if value is ...:
        return "..."
    return shlex.quote(value) if isinstance(value, str) else json.dumps(value)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
