"""`pawn-lab close`: before a machine is stopped."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.lab.closing import closed
from pawn_lab.tools.values import Answer

NOT_CLEAR = 1


class CloseAnswer(Answer):
    """The trials that were asked to save and end, and those of them that still run."""

    asked: list[int]
    still_running: list[int]

    @property
    def all_clear(self) -> bool:
        """Whether nothing runs any more."""
        return not self.still_running


def add_close_command(app: App) -> None:
    """Register the command."""
    app.command(close)


def close(
    *,
    reason: Annotated[
        str, Parameter(help="Why; recorded in the trials' events.")
    ] = "the machine is being stopped",
    wait_s: Annotated[float, Parameter(help="Seconds to wait for the ends.")] = 600.0,
    hold: Annotated[
        bool, Parameter(negative=(), help="Keep launches from starting until stdin is closed.")
    ] = False,
    options: Options = DEFAULTS,
) -> None:
    """Let every trial that runs save and end, so that the machine can be stopped.

    Queued trials stay queued, and none is launched until this command ends. Those that ran can be
    resumed. Exit code 1: some still run.
    """
    with options.existing_lab() as lab, closed(lab, reason, wait_s) as (asked, left):
        answer = CloseAnswer(asked=asked, still_running=left)
        options.show(answer, lab.paths)
        sys.stdout.flush()
        if hold:
            sys.stdin.buffer.read()
    if not answer.all_clear:
        sys.exit(NOT_CLEAR)
