"""Commands on this machine: run, or with --dry-run only shown. Standard library only."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from errors import PodError

MASK = "***"


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs commands; in a dry run it prints them instead and says that all went well.

    secrets: what is masked wherever it would be printed.
    """

    dry_run: bool = False
    secrets: tuple[str, ...] = ()

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Done:
        """Run a command to its end.

        Raises:
            PodError: there is no such program.
        """
        if self.dry_run:
            print(self.masked(shlex.join(argv)))
            return Done(0, "", "")
        try:
            done = subprocess.run(argv, input=stdin or "", capture_output=True, text=True)
        except FileNotFoundError:
            raise PodError(f"{argv[0]} is not installed; see docs/pods.md") from None
        return Done(done.returncode, done.stdout, self.masked(done.stderr))

    def show(self, argv: Sequence[str]) -> int:
        """Run a command on this terminal; return its exit code."""
        if self.dry_run:
            print(self.masked(shlex.join(argv)))
            return 0
        sys.stdout.flush()
        return subprocess.run(argv).returncode

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def parsed(done: Done, what: str) -> Any:
    """Return what a command printed as JSON.

    Raises:
        PodError: it failed, or printed something else.
    """
    if done.code:
        raise PodError(f"{what} failed: {reason(done)}")
    try:
        return json.loads(done.out)
    except ValueError:
        raise PodError(f"{what} printed no JSON: {done.out[:200]!r}") from None


def reason(done: Done) -> str:
    """Return what a command said about its failure: the last error of those it printed as JSON."""
    lines = [line for line in done.err.splitlines() if line.strip()]
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, Mapping) and "error" in found:
            return str(found["error"])
    return lines[-1] if lines else f"exit code {done.code}"
