"""`python -m pawn_lab.dashboard --log-dir logs`: the dashboard over bare run folders."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from pawn_lab.dashboard.bare import BareExhibit
from pawn_lab.dashboard.serving import LOOPBACK, serve
from pawn_lab.errors import LabError

BAD_INPUT = 2

app = App(name="python -m pawn_lab.dashboard", help_format="plaintext")


@app.default
def show(
    *,
    log_dir: Annotated[Path, Parameter(help="Folder of run folders.")] = Path("logs"),
    host: Annotated[str, Parameter(help="Address to listen on.")] = LOOPBACK,
    port: Annotated[int, Parameter(help="0 takes a free one.")] = 8322,
    allowed_host: Annotated[
        list[str] | None, Parameter(help="Name that requests may be for; may be repeated.")
    ] = None,
) -> None:
    """Show the runs of pawn-train below a folder to browsers, until interrupted.

    They are only looked at, by a server that needs no lab. Beyond this machine (a host that is not
    loopback) requests need the bearer token that PAWN_LAB_TOKEN holds.
    """
    serve(BareExhibit(log_dir), host, port, allowed_host or ())


def main() -> None:
    """Run the command; bad input is one line on stderr and exit code 2."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except (CycloptsError, LabError) as error:
        print(f"pawn-lab: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
