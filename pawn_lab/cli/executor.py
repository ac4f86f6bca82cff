"""The command about where trials run."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.registry import EXECUTORS
from pawn_lab.lab import Lab, choosing
from pawn_lab.tools.values import Answer

_Setting = Annotated[
    list[str] | None,
    Parameter(name="--set", negative=(), help="KEY=VALUE; KEY= is as by itself; may be repeated."),
]


class ExecutorAnswer(Answer):
    """What runs trials, its settings, its devices, and what else there is."""

    executor: str
    settings: dict[str, Any]
    devices: list[str]
    executors: list[str]


def add_executor_command(app: App) -> None:
    """Register the command."""
    app.command(executor)


def executor(
    name: Annotated[str | None, Parameter(help="From now on; none while trials run.")] = None,
    *,
    settings: _Setting = None,
    options: Options = DEFAULTS,
) -> None:
    """Show where trials run, or let them run elsewhere: on this machine, on a cluster."""
    with options.open_lab() as lab:
        if name is not None or settings:
            choosing.choose(lab, name, _parsed(settings or []))
        options.show(_answer(lab), lab.paths)


def _answer(lab: Lab) -> ExecutorAnswer:
    choice = choosing.chosen(lab)
    return ExecutorAnswer(
        executor=choice.executor,
        settings=choice.all_settings(),
        devices=[device.id for device in lab.devices],
        executors=[entry.name for entry in EXECUTORS],
    )


def _parsed(settings: list[str]) -> dict[str, Any]:
    """Return settings by name, as text; None where one shall be as it is by itself.

    Raises:
        InvalidRequestError: one is no KEY=VALUE.
    """
    pairs = [setting.partition("=") for setting in settings]
    for setting, (name, equals, _) in zip(settings, pairs, strict=True):
        if not name or not equals:
            raise InvalidRequestError(f"set '{setting}' is not allowed: KEY=VALUE, as max_jobs=4")
    return {name: value or None for name, _, value in pairs}
