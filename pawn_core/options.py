"""The options of `pawn-train`: its own, and one for each field of each run type's config."""

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, Token
from pydantic import SkipValidation
from pydantic.fields import FieldInfo

from pawn_core.config import RUN_TYPES, ConfigError, config_json_schema
from pawn_core.config.errors import bounds, did_you_mean

OWN_OPTIONS = {
    "config": "JSON config; flags override it.",
    "run_dir": "Default: logs/run_<time>_<slug>.",
    "resume": "Checkpoint directory to go on from, or a run's folder: its newest whole one.",
    "preflight": "Try a few steps, a checkpoint and uploads first; the file keeps what has passed, "
    "and a run that finds it does no steps of its own.",
}
AUTO_RESUME = "auto_resume"
_AUTO_RESUME_HELP = (
    "Go on from the newest whole checkpoint of --run-dir; start where there is none."
)
_USAGE = "pawn-train [--config FILE] [--FIELD VALUE ...] (--local-checkpoints | --hf-repo R)"
_EXAMPLES = """Examples:
  pawn-train --variant toy --local-checkpoints --total-steps 200 --device cpu
  pawn-train --config my.json --lr 1e-3
  pawn-train --resume logs/run_20260101_120000_calm-otter --total-steps 400
Ctrl-C saves a checkpoint at the end of the step and stops; a second one ends at once, unsaved."""


def config_fields(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a config that are given as options.

    Raises:
        ConfigError: an option is no field.
    """
    options = given_options(arguments) if arguments else {}
    for name in options:
        if name in (*OWN_OPTIONS, AUTO_RESUME):
            raise ConfigError(f"{flag(name)} is no field of a config")
    return options


def given_options(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options that were given, and no others; `--help` and its like end the program."""
    app = _build_app()
    try:
        command, given, unused, _ = app.parse_known_args(arguments)
    except MissingArgumentError as error:
        raise ConfigError(f"argument {error.keyword}: expected one argument") from None
    except CycloptsError as error:
        error.verbose = False
        raise ConfigError(str(error)) from None
    if command is not app.default_command:
        sys.exit(command(*given.args, **given.kwargs))
    if unused:
        raise ConfigError(f"{unused[0]} is not an option{_option_hint(unused[0], app)}")
    return given.arguments


def _option_hint(argument: str, app: App) -> str:
    """Return `; did you mean '--batch-size'?` for the nearest option, or an empty string."""
    flags = [flag for option in app.assemble_argument_collection() for flag in option.names]
    names = {flag.lstrip("-").replace("-", "_"): flag for flag in flags}
    return did_you_mean(argument.lstrip("-").split("=")[0].replace("-", "_"), names, names.get)


def _build_app() -> App:
    """Return the command line: its own options, and one for each field of each run type."""

    def train(**options: Any) -> None:
        """Train a chess world model; each field of the config is an option."""

    own = (_option(name, None, Path, Parameter(help=what)) for name, what in OWN_OPTIONS.items())
    auto = _option(AUTO_RESUME, False, bool, Parameter(help=_AUTO_RESUME_HELP))
    options = inspect.Signature([*own, auto, *_field_options()])
    train.__signature__ = options  # type: ignore[attr-defined]
    app = App(
        name="pawn-train",
        version=version("pawn-lab"),
        usage=_USAGE,
        help_format="plaintext",
        help_epilogue=_EXAMPLES,
        default_command=train,
        default_parameter=Parameter(allow_repeating=True),
    )
    app.register_install_completion_command()
    return app


def _field_options() -> Iterator[inspect.Parameter]:
    """Yield an option for each field; those that not all run types have stand under headings."""
    names = tuple(run_type.name for run_type in RUN_TYPES)
    fields: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for run_type in RUN_TYPES:  # of a field that several have, the first one's
        fields = run_type.config.model_fields | fields
        schemas = config_json_schema(run_type.name)["properties"] | schemas
    for name, field in fields.items():
        having = tuple(kind.name for kind in RUN_TYPES if name in kind.config.model_fields)
        panel = "Parameters" if having == names else f"Of run_type {', '.join(having)} only"
        about = Parameter(help=f"{field.description}{_range(schemas[name])}", group=panel)
        if name == "run_type":
            yield _option(name, names[0], Literal[names], about)  # type: ignore[valid-type]
        else:
            yield _option(name, _default(field), field.annotation, about)


def _default(field: FieldInfo) -> Any:
    """Return a field's default as an option has it; names are a line of them."""
    default = None if field.is_required() else field.default
    return ",".join(default) if isinstance(default, tuple) else default


def _option(name: str, default: Any, annotation: Any, about: Parameter) -> inspect.Parameter:
    """Return an option: a value, which the config judges, or a flag where it is a yes or no."""
    if bool in (annotation, *get_args(annotation)):
        reading = Parameter(negative=flag(name[3:]) if name.startswith("no_") else None)
    elif annotation is Path:
        reading = Parameter()
    else:
        reading = Parameter(converter=_value, n_tokens=1, accepts_keys=False, negative=())
    annotation = Annotated[annotation, SkipValidation, reading, about]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _range(schema: dict[str, Any]) -> str:
    """Return a field's bounds in brackets; empty where there are none."""
    limits = [bound for variant in schema.get("anyOf", [schema]) for bound in bounds(variant)]
    return f" [{', '.join(limits)}]" if limits else ""


def flag(field: str) -> str:
    """Return a field as an option."""
    return f"--{field.replace('_', '-')}"


def _value(_: type, tokens: Sequence[Token]) -> Any:
    """Read numbers, null and objects as JSON does, all else as text; the config judges it."""
    text = tokens[0].value
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | dict | NoneType) else text
