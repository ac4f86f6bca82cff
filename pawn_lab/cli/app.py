"""`pawn-lab VERB`: the lab's tools at the command line, generated from `TOOLS`."""

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from pawn_core.config import ConfigError
from pawn_lab.cli import watch
from pawn_lab.cli.arguments import command_parameters, flags, tool_arguments, with_values_joined
from pawn_lab.cli.check_in import add_check_in_command
from pawn_lab.cli.closing import add_close_command
from pawn_lab.cli.demo import add_demo_command
from pawn_lab.cli.doctor import add_doctor_command
from pawn_lab.cli.executor import add_executor_command
from pawn_lab.cli.hosts import add_install_command
from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.cli.preflight import add_preflight_command
from pawn_lab.cli.storage import add_storage_commands
from pawn_lab.cli.uci import add_uci_command
from pawn_lab.cli.watchdog import add_watchdog_commands
from pawn_lab.cli.words import in_cli_words
from pawn_lab.errors import InvalidRequestError, LabError, NoLabError, TrialStateError
from pawn_lab.lab import Lab, opener, queries
from pawn_lab.paths import WORKSPACE_NAME, WORKSPACE_VARIABLE, default_workspace
from pawn_lab.records import Severity
from pawn_lab.states import ACTIVE
from pawn_lab.store.database import no_lab
from pawn_lab.text import mask_secrets
from pawn_lab.tools import TOOLS, Answer, LabTool
from pawn_lab.tools.events import TOOL as EVENTS
from pawn_lab.tools.events import EventsAnswer
from pawn_lab.tools.kill import TOOL as KILL
from pawn_lab.tools.notes import TOOL as NOTES
from pawn_lab.tools.trial_answer import TrialsAnswer

NOT_CLEAR = 1
BAD_INPUT = 2
INTERRUPTED = 130

app = App(
    name="pawn-lab",
    help="An agent-driven lab for chess world models: launch, watch, resume and compare trials.",
    version=version("pawn-lab"),
)


@dataclass(frozen=True)
class Going:
    """An option with which a command goes on instead of answering once."""

    name: str
    help: str
    run: Callable[[Options, dict[str, Any]], None]

    def parameter(self) -> inspect.Parameter:
        """Return the option as a parameter of the command."""
        annotation = Annotated[bool, Parameter(negative=(), help=self.help)]
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(self.name, kind, default=False, annotation=annotation)


def _follow_events(options: Options, arguments: dict[str, Any]) -> None:
    least = arguments.pop("min_severity", Severity.INFO)
    with options.existing_lab() as lab:
        watch.follow_events(lab, arguments, options.show_line, least)


def _follow_log(options: Options, arguments: dict[str, Any]) -> None:
    with options.existing_lab() as lab:
        watch.follow_log(lab, arguments, options.write)


def _watch_status(options: Options, arguments: dict[str, Any]) -> None:
    with options.existing_lab() as lab:
        watch.watch_status(lab, arguments, Console())


_GOING = {
    "events": Going("follow", "Go on as events come, a line each.", _follow_events),
    "log": Going("follow", "Go on as lines come, until the trial ends.", _follow_log),
    "status": Going("watch", "Keep it on the screen until interrupted.", _watch_status),
}
_MIN_SEVERITY = inspect.Parameter(
    "min_severity",
    inspect.Parameter.KEYWORD_ONLY,
    default=Severity.INFO,
    annotation=Annotated[Severity, Parameter(help="Only events that matter so much.")],
)
_OPTIONS = inspect.Parameter(
    "options", inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS, annotation=Options
)


def command(tool: LabTool) -> Callable[..., None]:
    """Make a tool's command: its arguments, `--json` and `--workspace`."""
    going = _GOING.get(tool.verb)
    own = [going.parameter()] if going else []
    own += [_MIN_SEVERITY] if tool is EVENTS else []
    signature = inspect.Signature([*command_parameters(tool), *own, _OPTIONS])

    def run(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        options = given.pop("options", DEFAULTS)
        goes_on = given.pop(going.name, False) if going else False
        arguments = tool_arguments(given)
        if going and goes_on:
            going.run(options, arguments)
            return
        with options.open_lab() as lab:
            if tool is EVENTS:
                answer = _events(lab, arguments, for_person=not options.json)
            else:
                answer = _answer(lab, tool, arguments)
            options.show(answer, lab.paths)
            _warn(lab)
        if not answer.all_clear:
            sys.exit(NOT_CLEAR)

    run.__doc__ = in_cli_words(tool.manual)
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
    if not _may_create(tool, arguments):
        lab.check_exists()
    return answer


def _events(lab: Lab, arguments: dict[str, Any], *, for_person: bool) -> Answer:
    """Return events; to a person who names no cursor the latest, the newest first."""
    least = arguments.pop("min_severity", Severity.INFO)
    newest = for_person and "since" not in arguments
    if least is Severity.INFO and not newest:
        return _answer(lab, EVENTS, arguments)
    lab.check_exists()
    if least is Severity.INFO:
        answer = _latest_events(lab, arguments)
    else:
        answer = watch.notable_events(lab, arguments, least)
    if newest:
        answer.events.reverse()
    return answer


def _latest_events(lab: Lab, arguments: dict[str, Any]) -> EventsAnswer:
    limit = arguments.get("limit", EVENTS.arguments.model_fields["limit"].default)
    answer = EVENTS(lab, arguments | {"since": max(0, queries.latest_event(lab) - limit)})
    assert isinstance(answer, EventsAnswer)
    return answer


def _may_create(tool: LabTool, arguments: dict[str, Any]) -> bool:
    """Say whether a call makes sense where there is no lab yet; notes do when they are written."""
    return tool.creates and (tool is not NOTES or arguments.get("append") is not None)


def _warn(lab: Lab) -> None:
    """Say beside the answer that the lab can only be read, or was mended."""
    if (warning := lab.refusal or lab.mended) is not None:
        print(f"pawn-lab: {warning}", file=sys.stderr)  # noqa: T201


for _tool in TOOLS:
    if _tool is not KILL:
        app.command(command(_tool), name=_tool.verb)


@app.command
def kill(
    *trial_ids: Annotated[int, Parameter(help="Trial numbers.")],
    tag: Annotated[str | None, Parameter(help="All with this tag that have not ended.")] = None,
    all_: Annotated[
        bool, Parameter(name="--all", negative=(), help="All that have not ended.")
    ] = False,
    reason: Annotated[str | None, Parameter(help="Why; recorded in the trials' events.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Stop trials: a queued one is taken out, a running one saves a checkpoint and ends.

    They keep their results and can be resumed.
    """
    if sum((bool(trial_ids), tag is not None, all_)) != 1:
        raise InvalidRequestError("name trials to kill, or --tag TAG, or --all: one of the three")
    with options.open_lab() as lab:
        if len(trial_ids) == 1:
            answer = _answer(lab, KILL, {"trial_id": trial_ids[0], "reason": reason})
        else:
            lab.check_exists()
            answer = TrialsAnswer(trials=_killed(lab, trial_ids, tag, reason))
        options.show(answer, lab.paths)


def _killed(lab: Lab, trial_ids: Sequence[int], tag: str | None, reason: str | None) -> list[Any]:
    """Kill trials by number; or all of a tag that still go on, those that end meanwhile aside."""
    chosen = trial_ids or [t.id for t in queries.selected(lab, tag=tag) if t.state in ACTIVE]
    tolerated = () if trial_ids else (TrialStateError,)
    answers = []
    for trial_id in chosen:
        with contextlib.suppress(*tolerated):
            answers.append(KILL(lab, {"trial_id": trial_id, "reason": reason}))
    return answers


add_close_command(app)
add_storage_commands(app)
add_executor_command(app)
add_install_command(app)
add_doctor_command(app)
add_preflight_command(app)
add_uci_command(app)
add_check_in_command(app)
add_watchdog_commands(app)
add_demo_command(app)


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
    serve(opener(path))


_Host = Annotated[str, Parameter(help="Address to listen on.")]
_Port = Annotated[int, Parameter(help="0 takes a free one.")]
_AllowedHost = Annotated[
    list[str] | None, Parameter(help="Name that requests may be for; may be repeated.")
]
_Control = Annotated[
    bool,
    Parameter(negative=(), help="Let the page act, by a token that its address carries."),
]
_Workspace = Annotated[Path | None, Parameter(help="The lab's folder.")]


@app.command(name="serve")
def serve_http(
    *,
    host: _Host = "127.0.0.1",
    port: _Port = 8321,
    allowed_host: _AllowedHost = None,
    control: _Control = False,
    workspace: _Workspace = None,
) -> None:
    """Serve the tools to agents over Streamable HTTP, and the dashboard, until interrupted.

    Beyond this machine (a host that is not loopback) requests need the bearer token that
    PAWN_LAB_TOKEN holds.
    """
    _serve(workspace, host, port, allowed_host, control=control, agents=True)


@app.command
def dashboard(
    *,
    host: _Host = "127.0.0.1",
    port: _Port = 8322,
    allowed_host: _AllowedHost = None,
    control: _Control = False,
    workspace: _Workspace = None,
) -> None:
    """Serve the dashboard to browsers, until interrupted.

    It only shows, unless PAWN_LAB_TOKEN is set or --control given. Beyond this machine (a host that
    is not loopback) requests need the bearer token that PAWN_LAB_TOKEN holds.
    """
    _serve(workspace, host, port, allowed_host, control=control, agents=False)


def _serve(
    workspace: Path | None,
    host: str,
    port: int,
    allowed_hosts: Sequence[str] | None,
    *,
    control: bool,
    agents: bool,
) -> None:
    from pawn_lab.dashboard import serving
    from pawn_lab.dashboard.exhibit import Exhibit

    exhibit = Exhibit(opener(workspace or default_workspace()))
    serving.serve(exhibit, host, port, allowed_hosts or (), control=control, agents=agents)


def main() -> None:
    """Run `pawn-lab`; bad input is one line on stderr and exit code 2."""
    _speak_utf8()
    typed = [os.fsencode(text).decode(errors="surrogateescape") for text in sys.argv[1:]]
    try:
        app(
            with_values_joined(typed, flags(TOOLS)),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
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
    print(f"pawn-lab: {in_cli_words(mask_secrets(str(error)))}", file=sys.stderr)  # noqa: T201
    return BAD_INPUT
