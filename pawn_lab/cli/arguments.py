"""How a tool's arguments are given on a command line.

An object argument becomes `--set FIELD=VALUE`, and a run config a `--config FILE` besides; required
values are positional, everything else is an option.
"""

import inspect
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from pydantic.fields import FieldInfo

from pawn_core.untrusted import parse_object
from pawn_lab.errors import InvalidRequestError
from pawn_lab.tools import LabTool

_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
_OPTION = inspect.Parameter.KEYWORD_ONLY

_SETTINGS = Annotated[
    list[str],
    Parameter(
        name="--set",
        negative=(),
        consume_multiple=True,
        help="FIELD=VALUE of the config, as many as you like.",
    ),
]
_CONFIG_FILE = Annotated[Path | None, Parameter(help="Run config: a JSON file.")]


def command_parameters(tool: LabTool) -> list[inspect.Parameter]:
    """Return the command's parameters, positional ones first."""
    parameters = [
        parameter
        for name, argument in tool.signature.parameters.items()
        for parameter in _parameters(name, argument, tool.arguments.model_fields[name])
    ]
    return sorted(parameters, key=lambda parameter: parameter.kind)


def _parameters(
    name: str, argument: inspect.Parameter, field: FieldInfo
) -> Iterator[inspect.Parameter]:
    if is_object(field):
        if name == "config":
            yield inspect.Parameter("config", _OPTION, default=None, annotation=_CONFIG_FILE)
        yield inspect.Parameter(f"set_{name}", _OPTION, default=[], annotation=_SETTINGS)
        return
    help_ = Parameter(help=field.description, negative=(), consume_multiple=True)
    yield argument.replace(
        kind=_POSITIONAL if is_positional(field) else _OPTION,
        annotation=Annotated[argument.annotation, help_],
    )


def is_object(field: FieldInfo) -> bool:
    """Tell whether an argument is given as settings."""
    return "dict" in str(field.annotation)


def is_positional(field: FieldInfo) -> bool:
    """Tell whether an argument is given by its place alone."""
    return field.is_required() and not is_object(field)


def with_values_joined(arguments: Sequence[str], flags: Collection[str]) -> list[str]:
    """Return arguments with `--routine false` as `--routine=false`: a flag may be given a value."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in flags and argument in ("true", "false"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def flags(tools: Iterable[LabTool]) -> set[str]:
    """Return the options that stand for true or false."""
    return {
        f"--{name.replace('_', '-')}"
        for tool in tools
        for name, field in tool.arguments.model_fields.items()
        if field.annotation is bool
    }


def tool_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Turn what the command line gave into the tool's arguments.

    Raises:
        InvalidRequestError: a setting is not FIELD=VALUE, or the config file cannot be read.
    """
    arguments = {name: value for name, value in given.items() if not name.startswith("set_")}
    if arguments.get("config") is not None:
        arguments["config"] = _read_config(arguments["config"])
    for name, settings in given.items():
        if name.startswith("set_"):
            argument = name.removeprefix("set_")
            arguments[argument] = arguments.get(argument, {}) | dict(map(_setting, settings))
    return arguments


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return parse_object(path.read_bytes(), f"--config {path}")
    except OSError as error:
        raise InvalidRequestError(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidRequestError(str(error)) from None


def _setting(text: str) -> tuple[str, Any]:
    """Split `lr=1e-3`; the value is JSON where it reads as JSON, else text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidRequestError(f"--set {text!r} is not FIELD=VALUE, as in --set lr=1e-3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
