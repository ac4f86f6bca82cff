"""`pawn-lab VERB`: the lab's tools at the command line, generated from `TOOLS`."""

import inspect
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from pydantic_core import to_json
from rich.console import Console

from pawn_core.config import ConfigError
from pawn_lab.cli.arguments import command_parameters, tool_arguments
from pawn_lab.cli.render import line, render
from pawn_lab.errors import LabError, NoLabError
from pawn_lab.lab import Lab
from pawn_lab.paths import WORKSPACE_NAME, WORKSPACE_VARIABLE, default_workspace
from pawn_lab.store.database import no_lab
from pawn_lab.text import mask_secrets
from pawn_lab.tools import TOOLS, Answer, LabTool
from pawn_lab.tools.events import TOOL as EVENTS
from pawn_lab.tools.events import EventsAnswer
from pawn_lab.tools.notes import TOOL as NOTES

NOT_CLEAR = 1
BAD_INPUT = 2
INTERRUPTED = 130
FOLLOW_INTERVAL_S = 1.0

app = App(
    name="pawn-lab",
    help="An agent-driven lab for chess world models: launch, watch, resume and compare trials.",
    version=version("pawn-lab"),
)


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """What every command takes."""

    json: Annotated[bool, Parameter(negative=(), help="Print the answer as JSON.")] = False
    workspace: Annotated[
        Path | None, Parameter(help="The lab's folder; default $PAWN_WORKSPACE, else runs.")
    ] = None

    def open_lab(self) -> Lab:
        """Open the lab of this workspace."""
        return Lab.look(self.workspace or default_workspace()).called_by("cli")

    def show(self, answer: Answer) -> None:
        """Print an answer for a person, or for a program."""
        if self.json:
            print(to_json(answer.wire()).decode(), flush=True)  # noqa: T201
        else:
            render(answer, Console())

    def show_line(self, row: Answer) -> None:
        """Print one row on a line of its own."""
        print(to_json(row.wire()).decode() if self.json else line(row), flush=True)  # noqa: T201


_OPTIONS = inspect.Parameter(
    "options", inspect.Parameter.KEYWORD_ONLY, default=Options(), annotation=Options
)
_FOLLOW = inspect.Parameter(
    "follow",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, Parameter(negative=(), help="Go on as events come, a line each.")],
)


def command(tool: LabTool) -> Callable[..., None]:
    """Make a tool's command: its arguments, `--json` and `--workspace`."""
    own = [_FOLLOW, _OPTIONS] if tool is EVENTS else [_OPTIONS]
    signature = inspect.Signature([*command_parameters(tool), *own])

    def run(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        options, follow = given.pop("options", Options()), given.pop("follow", False)
        arguments = tool_arguments(given)
        if follow:
            _follow(options, arguments)
        else:
            with options.open_lab() as lab:
                options.show(answer := _answer(lab, tool, arguments))
                _warn(lab)
            if not answer.all_clear:
                sys.exit(NOT_CLEAR)

    run.__doc__ = tool.description
    run.__signature__ = signature  # type: ignore[attr-defined]
    return run


def _answer(lab: Lab, tool: LabTool, arguments: dict[str, Any]) -> Answer:
    """Run a tool; where there is no lab, refuse what makes no sense there."""
    try:
        answer = tool(lab, arguments)
    except LookupError as error:
        if lab.exists:
            raise
        raise NoLabError(f"{error}; {no_lab(lab.paths.root)}") from None
    if not _may_found(tool, arguments):
        lab.check_exists()
    return answer


def _may_found(tool: LabTool, arguments: dict[str, Any]) -> bool:
    """Say whether a call makes sense where there is no lab yet; notes do when they are written."""
    return tool.founds and (tool is not NOTES or arguments.get("append") is not None)


def _warn(lab: Lab) -> None:
    """Say beside the answer that the lab can only be read."""
    if lab.refusal is not None:
        print(f"pawn-lab: {lab.refusal}", file=sys.stderr)  # noqa: T201


def _follow(options: Options, arguments: dict[str, Any]) -> None:
    """Print events as they come, until interrupted."""
    with options.open_lab() as lab:
        lab.check_exists()
        while True:
            answer = EVENTS(lab, arguments)
            assert isinstance(answer, EventsAnswer)
            for event in answer.events:
                options.show_line(event)
            arguments["since"] = answer.cursor
            if not answer.more:
                time.sleep(FOLLOW_INTERVAL_S)


for _tool in TOOLS:
    app.command(command(_tool), name=_tool.verb)


@app.command
def init(*, workspace: Annotated[Path | None, Parameter(help="The lab's folder.")] = None) -> None:
    """Make a lab: in $PAWN_WORKSPACE, else in runs of this folder; one that is there stays."""
    root = workspace or Path(os.environ.get(WORKSPACE_VARIABLE) or WORKSPACE_NAME)
    with Lab.open(root) as lab:
        print(lab.paths.root)  # noqa: T201


@app.command
def mcp(*, workspace: Annotated[Path | None, Parameter(help="The lab's folder.")] = None) -> None:
    """Serve the tools to agents: MCP over stdio, until the client closes the connection."""
    from pawn_lab.server import serve

    path = workspace or default_workspace()
    serve(lambda: Lab.look(path))


@app.command(name="serve")
def serve_http(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0 takes a free one.")] = 8321,
    allowed_host: Annotated[
        list[str] | None, Parameter(help="Name that requests may be for; may be repeated.")
    ] = None,
    workspace: Annotated[Path | None, Parameter(help="The lab's folder.")] = None,
) -> None:
    """Serve the tools to agents over Streamable HTTP, until interrupted.

    Beyond this machine (a host that is not loopback) requests need the bearer token that
    PAWN_LAB_TOKEN holds.
    """
    from pawn_lab.server import http

    path = workspace or default_workspace()
    http.serve_http(lambda: Lab.look(path), host, port, allowed_host or ())


def main() -> None:
    """Run `pawn-lab`; bad input is one line on stderr and exit code 2."""
    _speak_utf8()
    arguments = [os.fsencode(text).decode(errors="surrogateescape") for text in sys.argv[1:]]
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (CycloptsError, ConfigError, LabError) as error:
        sys.exit(_complain(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has gone; what Python still holds for it must not be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale; what a terminal cannot show must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _complain(error: Exception) -> int:
    print(f"pawn-lab: {mask_secrets(str(error))}", file=sys.stderr)  # noqa: T201
    return BAD_INPUT
