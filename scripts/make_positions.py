"""Make labelled positions for multitask training: shards with a manifest, a source at a time.

    python scripts/make_positions.py stockfish:tactical --out positions --positions 10000
    python scripts/make_positions.py pgn games.pgn.zst --out positions --elo-min 2200

Each source adds to the folder. The same command goes on where it was stopped.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from pawn_core.config import ConfigError
from pawn_core.config.errors import config_error
from pawn_core.positions.sources import SOURCES, Making, SourceKind, source_named

_OWN = ("source", "out", "positions", "val_share")


def main(arguments: list[str] | None = None) -> int:
    """Make positions as the command line says and return the exit code."""
    logging.basicConfig(format="make_positions: %(message)s", stream=sys.stderr)
    given = sys.argv[1:] if arguments is None else arguments
    options = vars(parser(given).parse_args(given))
    try:
        counts = make(options)
    except (ConfigError, OSError) as error:
        print(f"make_positions: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmake_positions: stopped; the same command goes on", file=sys.stderr)
        return 130
    print(f"{options['out']}: {', '.join(f'{n:,} {reason}' for reason, n in counts.items() if n)}")
    return 0


def make(options: dict[str, Any]) -> dict[str, int]:
    """Make positions; return how many of the source are kept, and were dropped by reason.

    Raises:
        ConfigError: a setting is out of range, or there is nothing to make positions of.
    """
    if options["positions"] is not None and options["positions"] < 1:
        raise ConfigError(f"positions {options['positions']} is out of range; allowed: 1 up")
    kind = source_named(options["source"])
    implementation = kind.load()
    if options["positions"] is None and implementation.ENDLESS:
        raise ConfigError(f"positions is required: {kind.name} has no end; allowed: 1 up")
    given = {n: v for n, v in options.items() if n not in _OWN and v is not None}
    try:
        config = implementation.Config.model_validate(given)
    except ValidationError as error:
        raise config_error(error, implementation.Config, kind.name) from None
    source = implementation(kind.name, config)
    try:
        making = Making(source, config, options["positions"], _say)
        return making.fill(options["out"], kind.tag, options["val_share"])
    finally:
        source.close()


def parser(given: list[str]) -> argparse.ArgumentParser:
    """Return the flags: those of all sources, and the settings of the one that is named."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sources = flags.add_subparsers(dest="source", required=True, metavar="SOURCE")
    for kind in SOURCES:
        own = sources.add_parser(kind.name, help=kind.about, description=kind.about)
        if kind.name in given:  # of the others the program need not load what they are made by
            _add_flags(own, kind)
    return flags


def _add_flags(flags: argparse.ArgumentParser, kind: SourceKind) -> None:
    flags.add_argument("--out", type=Path, required=True, help="folder of positions")
    flags.add_argument(
        "--positions", type=int, help="to have of the source in all; default: all of a file"
    )
    flags.add_argument("--val-share", type=float, default=0.05, help="of games held out")
    for name, field in kind.load().Config.model_fields.items():
        _add_flag(flags, name, field)


def _add_flag(flags: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    """Add a setting: what a source is read from stands alone, all else has its name before it."""
    kinds = set(get_args(field.annotation)) or {field.annotation}
    about = (field.description or "").replace("%", "%%")
    if not field.is_required() and field.default is not None:
        about += f" (default: {field.default})"
    if field.is_required():
        flags.add_argument(name, help=about)
    elif kinds == {bool}:
        flags.add_argument(_flag(name), action="store_true", default=None, help=about)
    else:
        number = next((kind for kind in (int, float) if kind in kinds), str)
        flags.add_argument(_flag(name), type=number, help=about)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _say(line: str) -> None:
    print(f"make_positions: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
