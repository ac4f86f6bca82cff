"""Command lines of other trainers, translated: their flags become fields of a config of this one.

A script has a preset, a config file with what the other trainer had without flags, and a parser
whose destinations are fields. What its flags do not say is an option of `pawn-train`, which refuses
by name what it does not know. `--as-config` prints the config, for `pawn-lab launch`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pawn_core.cli import main
from pawn_core.config import ConfigError
from pawn_core.config.files import read_json
from pawn_core.options import config_fields

PLANS = Path(__file__).parents[1] / "runs" / "plans"
_OPTIONS = ("run_dir", "resume", "auto_resume")
"""Destinations that are no fields."""

Fields = dict[str, Any]


class Refused(argparse.Action):
    """A flag that is known, and of which it is said why it is refused."""

    def __init__(self, option_strings: Sequence[str], dest: str, why: str, **keywords: Any) -> None:
        nargs = keywords.get("nargs", "?")
        about, nothing = f"Refused: {why}.", argparse.SUPPRESS
        super().__init__(option_strings, dest, nargs=nargs, default=nothing, help=about)
        self.why = why

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """End with the reason."""
        parser.error(f"{option_string} is refused: {self.why}")


class Noted(argparse.Action):
    """A flag that is taken, and of which it is said what does its work here."""

    def __init__(self, option_strings: Sequence[str], dest: str, why: str, **keywords: Any) -> None:
        super().__init__(option_strings, dest, help=f"Of no effect: {why}.", **keywords)
        self.why = why

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Say so."""
        sys.stderr.write(f"{parser.prog}: {option_string} {values} has no effect: {self.why}\n")


class Flags(argparse.ArgumentParser):
    """The flags of another trainer; `description` says which."""

    def __init__(self, description: str) -> None:
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )
        self.add_argument("--as-config", action="store_true", help="Print the config, and end.")

    def becomes(self, field: str, *flags: str, **keywords: Any) -> None:
        """Add a flag that says what a field does."""
        self.add_argument(*flags, dest=field, **keywords)

    def note(self, why: str, flag: str) -> None:
        """Add a flag that is taken and has no effect."""
        self.add_argument(flag, action=Noted, why=why)

    def refuse(self, why: str, *flags: str, **keywords: Any) -> None:
        """Add flags that are refused."""
        for flag in flags:
            self.add_argument(flag, action=Refused, why=why, **keywords)


def run(
    flags: Flags, preset: Path, arguments: Sequence[str], settled: Callable[[Fields], Fields] = dict
) -> int:
    """Train by a preset with the flags of a command line; return the exit code.

    settled: makes fields of what the flags say together.
    """
    known, further = flags.parse_known_args(arguments)
    given = vars(known)
    as_config = given.pop("as_config", False)
    try:
        fields = settled(given)
        options = {name: fields.pop(name) for name in _OPTIONS if name in fields}
        if as_config:
            config = read_json(preset) | fields | config_fields(further)
            sys.stdout.write(json.dumps(config, indent=2) + "\n")
            return 0
    except ConfigError as error:
        flags.error(str(error))
    base = [] if "resume" in options or "--resume" in further else ["--config", str(preset)]
    return main([*base, *_spelled(options), *_spelled(fields), *further])


def _spelled(fields: Fields) -> list[str]:
    """Return fields as options of `pawn-train`."""
    options: list[str] = []
    for name, value in fields.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            opposite = flag.removeprefix("no-") if flag.startswith("no-") else f"no-{flag}"
            options.append(f"--{flag if value else opposite}")
        else:
            options += [f"--{flag}", value if isinstance(value, str) else json.dumps(value)]
    return options
