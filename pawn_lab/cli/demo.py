"""`pawn-lab demo`: the whole procedure of a study, in four minutes."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pawn_lab.paths import WORKSPACE_NAME


def add_demo_command(app: App) -> None:
    """Add the demo to the command line."""
    app.command(demo)


def demo(
    *,
    steps: Annotated[
        int,
        Parameter(help="Optimizer steps of the winners.", env_var="DEMO_STEPS"),
    ] = 480,
    runs: Annotated[Path, Parameter(help="Its workspace is made in here.")] = Path(WORKSPACE_NAME),
) -> None:
    """Run an ablation study of twenty trials on the CPU, as an agent does, and write its report."""
    from pawn_lab.demo import run

    run(runs, steps)
