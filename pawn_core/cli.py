"""`pawn-train`: train from a config file, from flags, or from a checkpoint.

The flags are the config's fields: one list for the file, the schema and the command line.
"""

import argparse
import json
import logging
import os
import secrets
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn

from pawn_core.checkpoint.manifest import latest_verified
from pawn_core.config import RUN_TYPES, ConfigError, RunConfig, config_json_schema, parse_config
from pawn_core.config.errors import bounds, did_you_mean
from pawn_core.machine import processes_refusal, refusals, this_machine, warnings
from pawn_core.run_paths import CONFIG, STATE, RunPaths
from pawn_core.signals import StopFlag
from pawn_core.threads import THREADS_VARIABLE, settle_threads, usable_cores
from pawn_core.training.outcome import EXIT_CONFIG_ERROR, Outcome
from pawn_core.untrusted import parse_object

SUPERVISED = "PAWN_TRIAL_TOKEN"
"""In the environment of a run that a lab watches and resumes."""

_OWN_OPTIONS = ("config", "run_dir", "resume")
_PLACES = ("local_checkpoints", "hf_repo")
_LOGS = Path("logs")
_ADJECTIVES = (
    "amber brisk calm dapper eager fuzzy gentle hasty jolly keen lucid mellow nimble zesty"
)
_EXAMPLES = """examples:
  pawn-train --variant toy --local-checkpoints --total-steps 200 --device cpu
  pawn-train --config my.json --lr 1e-3
  pawn-train --resume logs/run_20260101_120000_calm-otter --total-steps 400
Ctrl-C saves a checkpoint at the end of the step and stops; a second one ends at once, unsaved."""
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
        settle_threads(_saved_threads(resume))
        _tell(f"run folder {run_dir}, {os.environ[THREADS_VARIABLE]} threads; loading torch")
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
        _tell(warning)


def _train(config: RunConfig, run_dir: Path, resume: Path | None, stop: StopFlag) -> int:
    # torch takes seconds to import: not before the arguments are known to be good.
    from pawn_core.checkpoint import CheckpointError
    from pawn_core.training.trainer import run_training

    _tell("Ctrl-C saves a checkpoint at the end of a step and stops")
    try:
        outcome = run_training(config, run_dir, resume, stop)
    except CheckpointError as error:
        raise ConfigError(f"--resume: {error}") from None
    _tell(_farewell(outcome, config, run_dir))
    return 128 + stop.signal if outcome.reason == "signal" and stop.signal else outcome.exit_code


def _farewell(outcome: Outcome, config: RunConfig, run_dir: Path) -> str:
    """Say how a run ended, and which command goes on from there."""
    if outcome.checkpoint is None:
        return f"{outcome.message}; no checkpoint was saved in {run_dir}"
    newest = RunPaths(run_dir).checkpoints / outcome.checkpoint
    folder = shlex.quote(str(run_dir))
    longer = f" {_flag(config.progress.field)} N" if outcome.reason == "completed" else ""
    return (
        f"{outcome.message}; newest checkpoint {newest}; "
        f"to go on: pawn-train --resume {folder} --run-dir {folder}{longer}"
    )


def _tell(line: str) -> None:
    """Say something to a person at the terminal; a supervised run has none."""
    if SUPERVISED not in os.environ and os.environ.get("RANK", "0") == "0":
        sys.stderr.write(f"pawn-train: {line}\n")
        sys.stderr.flush()


def _read_config(options: dict[str, Any]) -> tuple[RunConfig, Path | None]:
    """Merge the config file, or else the checkpoint's config, with the flags."""
    resume = _checkpoint(Path(options["resume"])) if "resume" in options else None
    raw: dict[str, Any] = {}
    if "config" in options:
        raw = read_json(Path(options["config"]))
    elif resume is not None:
        raw = read_json(resume / CONFIG) | {"pause_after_steps": None}
    flags = {name: value for name, value in options.items() if name not in _OWN_OPTIONS}
    for place, other in (_PLACES, _PLACES[::-1]):  # each excludes the other
        if flags.get(place) and other not in flags:
            raw.pop(other, None)
    return parse_config(raw | flags), resume


def _checkpoint(path: Path) -> Path:
    """Return a checkpoint; of a run's folder, or a trial's, its newest whole one."""
    folders = (run.checkpoints for run in (RunPaths(path), RunPaths.in_trial(path)))
    saved = next((folder for folder in folders if folder.is_dir()), None)
    if saved is None:
        return path
    newest = latest_verified(saved)
    if newest is None:
        raise ConfigError(f"--resume: {saved} holds no whole checkpoint")
    return newest


def _saved_threads(checkpoint: Path | None) -> int | None:
    """Return how many threads a checkpoint was trained with, as far as this machine has them."""
    if checkpoint is None:
        return None
    try:
        threads = read_json(checkpoint / STATE).get("threads")
    except ConfigError:  # its loading says what is wrong with it
        return None
    return min(threads, usable_cores()) if isinstance(threads, int) and threads > 0 else None


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ConfigError: there is no such file, or it holds anything else.
    """
    try:
        return parse_object(path.read_bytes(), path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None


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
        raise ConfigError(f"{unknown[0]} is not an option{_option_hint(unknown[0], parser)}")
    return vars(options)


def _option_hint(argument: str, parser: _Parser) -> str:
    """Return `; did you mean '--batch-size'?` for the nearest option, or an empty string."""
    options = {o.lstrip("-").replace("-", "_"): o for o in parser._option_string_actions}
    name = argument.lstrip("-").split("=")[0].replace("-", "_")
    return did_you_mean(name, options, options.get)


def _build_parser() -> _Parser:
    parser = _Parser(
        prog="pawn-train",
        usage="pawn-train [--config FILE] [--FIELD VALUE ...] (--local-checkpoints | --hf-repo R)",
        description="Train a chess world model; each field of the config is an option.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", help="JSON config; flags override it.")
    parser.add_argument("--run-dir", metavar="DIR", help="default: logs/run_<time>_<slug>")
    parser.add_argument(
        "--resume",
        metavar="CHECKPOINT",
        help="Go on from a checkpoint directory, or from the newest whole one of a run's folder.",
    )
    for name, schema in _fields().items():
        _add_field(parser, name, schema)
    return parser


def _fields() -> dict[str, dict[str, Any]]:
    """Return the schema of every field of every run type."""
    fields: dict[str, dict[str, Any]] = {}
    for run_type in RUN_TYPES:
        fields = config_json_schema(run_type.name)["properties"] | fields
    names = [run_type.name for run_type in RUN_TYPES]
    description = fields["run_type"]["description"]
    fields["run_type"] = {"enum": names, "default": names[0], "description": description}
    return fields


def _add_field(parser: _Parser, name: str, schema: dict[str, Any]) -> None:
    """Add a field's flag: `--name VALUE`, or `--name` and its negation where it is a yes or no."""
    flag, options = _flag(name), schema.get("anyOf", [schema])
    help_text = f"{schema['description']} {_limits(schema, options)}".strip().replace("%", "%%")
    if not any(option.get("type") == "boolean" for option in options):
        parser.add_argument(flag, dest=name, type=_value, metavar=_metavar(options), help=help_text)
        return
    negation = f"--{flag[5:]}" if flag.startswith("--no-") else f"--no-{flag[2:]}"
    parser.add_argument(flag, dest=name, action="store_true", help=help_text)
    parser.add_argument(negation, dest=name, action="store_false", help=argparse.SUPPRESS)


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _metavar(options: list[dict[str, Any]]) -> str:
    """Return the choices of a field, or what kind of value it takes."""
    for option in options:
        if "enum" in option:
            return f"{{{','.join(option['enum'])}}}"
    kinds = {"integer": "N", "number": "X", "object": "JSON"}
    return next((kinds[o["type"]] for o in options if o.get("type") in kinds), "TEXT")


def _limits(schema: dict[str, Any], options: list[dict[str, Any]]) -> str:
    """Return a field's bounds and default in brackets; empty where there is neither."""
    default = schema.get("default")
    limits = [bound for option in options for bound in bounds(option)]
    if default is not None and default is not False:
        limits.append(f"default {json.dumps(default) if isinstance(default, dict) else default}")
    return f"[{', '.join(limits)}]" if limits else ""


def _value(text: str) -> Any:
    """Read numbers, null and objects as JSON does, all else as text; the config judges it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | dict | NoneType) else text
