"""`pawn-lab uci`: hand stdin and stdout over to a model that plays as a chess program."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pawn_lab.paths import WorkspacePaths, default_workspace


def add_uci_command(app: App) -> None:
    """Register the command."""
    app.command(uci)


def uci(
    *,
    source: Annotated[
        str, Parameter(help="Weights: trial:12@best, a folder, a file or a repository.")
    ],
    temperature: Annotated[
        str | None, Parameter(help="Divides the logits; 0 takes the likeliest move.")
    ] = None,
    seed: Annotated[str | None, Parameter(help="Of the random numbers.")] = None,
    game: Annotated[str | None, Parameter(help="Number of the first game of the seed.")] = None,
    threads: Annotated[str | None, Parameter(help="To compute with.")] = None,
    workspace: Annotated[Path | None, Parameter(help="The lab that trial:N is of.")] = None,
) -> None:
    """Play with a model as a chess program: UCI over stdin and stdout, until `quit`.

    Any chess program can load it: the command is `pawn-lab`, its arguments `uci --source SOURCE`.
    """
    settings = {"temperature": temperature, "seed": seed, "game": game, "threads": threads}
    trials = WorkspacePaths((workspace or default_workspace()).absolute()).trials
    command = [sys.executable, "-m", "pawn_core.uci", f"--source={source}", f"--trials={trials}"]
    command += [f"--{name}={value}" for name, value in settings.items() if value is not None]
    os.execv(sys.executable, command)
