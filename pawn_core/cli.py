"""`pawn-train`: train from a config file, from flags, or from a checkpoint.

The flags are the config's fields: one list for the file, the schema and the command line.
"""

import argparse
import json
import logging
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, get_args

from pydantic.fields import FieldInfo

from pawn_core.config import RUN_TYPES, ConfigError, RunConfig, parse_config
from pawn_core.config.errors import did_you_mean
from pawn_core.machine import processes_refusal, refusals, this_machine, warnings
from pawn_core.signals import StopFlag
from pawn_core.training.outcome import EXIT_CONFIG_ERROR

_OWN_OPTIONS = ("config", "run_dir", "resume")
_LOGS = Path("logs")
_ADJECTIVES = (
    "amber brisk calm dapper eager fuzzy gentle hasty jolly keen lucid mellow nimble zesty"
)
_ANIMALS = "badger crane dingo egret ferret gecko heron ibis lemur marten otter osprey puffin wren"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit code."""
    stop = StopFlag().install()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        options = _parse(sys.argv[1:] if arguments is None else arguments)
        config, resume = _read_config(options)
        _check_runnable(config)
        run_dir = Path(options.get("run_dir") or _new_run_dir())
        return _train(config, run_dir, resume, stop)
    except ConfigError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"pawn-train: {line}\n")
        return EXIT_CONFIG_ERROR


def _check_runnable(config: RunConfig) -> None:
    """Refuse what cannot run here before torch is imported, which takes seconds."""
    machine = this_machine()
    if reasons := refusals(config, machine) or [*filter(None, [processes_refusal(config.gpus)])]:
        raise ConfigError("\n".join(reasons))
    for warning in warnings(config, machine):
        sys.stderr.write(f"pawn-train: {warning}\n")


def _train(config: RunConfig, run_dir: Path, resume: Path | None, stop: StopFlag) -> int:
    # torch takes seconds to import: not before the arguments are known to be good.
    from pawn_core.checkpoint import CheckpointError
    from pawn_core.training.trainer import run_training

    try:
        outcome = run_training(config, run_dir, resume, stop)
    except CheckpointError as error:
        raise ConfigError(f"--resume: {error}") from None
    return 128 + stop.signal if outcome.reason == "signal" and stop.signal else outcome.exit_code


def _read_config(options: dict[str, Any]) -> tuple[RunConfig, Path | None]:
    """Merge the config file, or else the checkpoint's config, with the flags."""
    resume = Path(options["resume"]) if "resume" in options else None
    raw: dict[str, Any] = {}
    if "config" in options:
        raw = read_json(Path(options["config"]))
    elif resume is not None:
        raw = read_json(resume / "config.json") | {"pause_after_steps": None}
    flags = {name: value for name, value in options.items() if name not in _OWN_OPTIONS}
    return parse_config(raw | flags), resume


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ConfigError: there is no such file, or it holds anything else.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is not a JSON object")
    return document


def _new_run_dir() -> Path:
    slug = "-".join(secrets.choice(words.split()) for words in (_ADJECTIVES, _ANIMALS))
    return _LOGS / f"run_{time.strftime('%Y%m%d_%H%M%S')}_{slug}"


class _Parser(argparse.ArgumentParser):
    """Reports errors as ConfigError, like every other part."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def _parse(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options that were given, and no others."""
    parser = _build_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        known = [o.lstrip("-").replace("-", "_") for o in parser._option_string_actions]
        hint = did_you_mean(unknown[0].lstrip("-").split("=")[0].replace("-", "_"), known)
        raise ConfigError(f"{unknown[0]} is not an option{hint}")
    return vars(options)


def _build_parser() -> _Parser:
    parser = _Parser(
        prog="pawn-train",
        description="Train a chess world model.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", help="JSON config; flags override it.")
    parser.add_argument("--run-dir", metavar="DIR", help="default: logs/run_<time>_<slug>")
    parser.add_argument(
        "--resume", metavar="CHECKPOINT", help="Checkpoint directory to go on from."
    )
    fields = {name: f for run_type in RUN_TYPES for name, f in run_type.config.model_fields.items()}
    for name, field in fields.items():
        _add_field(parser, name, field)
    return parser


def _add_field(parser: _Parser, name: str, field: FieldInfo) -> None:
    """Add a field's flag: `--name VALUE`, or `--name` and its negation where it is a yes or no."""
    flag, help_text = f"--{name.replace('_', '-')}", (field.description or "").replace("%", "%%")
    if bool not in (field.annotation, *get_args(field.annotation)):
        parser.add_argument(flag, dest=name, type=_value, metavar="VALUE", help=help_text)
        return
    negation = f"--{flag[5:]}" if flag.startswith("--no-") else f"--no-{flag[2:]}"
    parser.add_argument(flag, dest=name, action="store_true", help=help_text)
    parser.add_argument(negation, dest=name, action="store_false", help=argparse.SUPPRESS)


def _value(text: str) -> Any:
    """Read numbers, null and objects as JSON does, all else as text; the config judges it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | dict | NoneType) else text
