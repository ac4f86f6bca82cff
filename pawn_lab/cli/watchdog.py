"""Commands that see to it that somebody hears of what happens: `watch` and `webhook`."""

import signal
import sys
import time
from typing import Annotated

from cyclopts import App, Parameter

from pawn_lab.alarms import webhook
from pawn_lab.alarms.idling import DEFAULT_IDLE_MIN
from pawn_lab.alarms.watching import Watcher
from pawn_lab.alarms.webhook import Webhook
from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, noting, opener, queries
from pawn_lab.records import Severity
from pawn_lab.store.failures import translated
from pawn_lab.tools.values import Answer
from pawn_lab.watchdog import Watchdog
from pawn_lab.watchdog.courier import place
from pawn_lab.watchdog.stopping import COMMAND_VARIABLE, Stopper, stop_command
from pawn_lab.watchdog.watch import INTERVAL_S

MOST_MIN = 7 * 24 * 60.0

hooks = App(name="webhook", help="Where events are sent to, by `pawn-lab watch`.")


class WebhookAnswer(Answer):
    """Where events go, without what may be secret in the address, and how deliveries are."""

    webhook: str
    min_severity: str | None = None
    delivered_up_to: int | None = None
    failures: int | None = None
    error: str | None = None
    watch: str | None = None


def add_watchdog_commands(app: App) -> None:
    """Register the commands."""
    app.command(watch)
    app.command(hooks)


def watch(
    *,
    stop_when_idle: Annotated[
        bool, Parameter(negative=(), help="End the machine once it has idled, past the gate.")
    ] = False,
    stop_command_: Annotated[
        str | None,
        Parameter(name="--stop-command", help=f"What ends it; default ${COMMAND_VARIABLE}."),
    ] = None,
    idle_min: Annotated[float, Parameter(help="For how long it idles first.")] = DEFAULT_IDLE_MIN,
    grace_min: Annotated[float, Parameter(help="From its announcement to the stop.")] = 5.0,
    interval_s: Annotated[float, Parameter(help="From one look to the next.")] = INTERVAL_S,
    ping: Annotated[
        str | None, Parameter(help="Address to call once a minute while all is well.")
    ] = None,
    keep: Annotated[bool, Parameter(negative=(), help="Call an announced stop off.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Look after a lab until interrupted: start what fits, raise alarms, deliver them.

    One process a lab. --stop-when-idle ends the machine once every device has idled for --idle-min
    while this ran, and pawn-lab audit lets it: that is announced as an event, and after --grace-min
    the stop command is run. A launch, or --keep from elsewhere, calls it off. A watch that is
    started again counts from its start, and a lab that has had no trial stops no machine.

    --ping is for a service outside of the machine that raises an alarm once nobody calls it.
    """
    if keep:
        _keep(options)
        return
    with options.existing_lab() as lab:
        root = lab.paths.root
        stops = _stop_command(lab, stop_command_) if stop_when_idle else None
    interval_s = _checked("interval-s", interval_s, 3600.0)
    ping = None if ping is None else webhook.checked_address(ping)
    dog = Watchdog(opener(root), _say, interval_s=interval_s, ping_url=ping)
    if stops is not None:
        idle_s = 60 * _checked("idle-min", idle_min, MOST_MIN)
        grace_s = 60 * _checked("grace-min", grace_min, MOST_MIN)
        dog.stopper = Stopper(stops, idle_s, grace_s, deliver=dog.deliver)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: dog.ended.set())
    _say(f"watching {root}" + (", and stopping the machine when it idles" if stops else ""))
    dog.run()


def _keep(options: Options) -> None:
    with options.existing_lab() as lab:
        noting.keep(lab)
        options.write("kept: whoever watches counts anew")


def _stop_command(lab: Lab, given: str | None) -> str:
    if not lab.executor.idle_costs:
        raise InvalidRequestError("--stop-when-idle: the trials of this lab run on other machines")
    return stop_command(given)


def _checked(name: str, value: float, most: float) -> float:
    if not 0 < value <= most:
        raise InvalidRequestError(f"--{name} {value:g} is not allowed: over 0, to {most:g}")
    return value


def _say(text: str) -> None:
    print(f"{time.strftime('%m-%d %H:%M:%S', time.gmtime())} {text}", file=sys.stderr, flush=True)  # noqa: T201


@hooks.default
def show(*, options: Options = DEFAULTS) -> None:
    """Show where events are sent to, and whether they arrive."""
    with options.existing_lab() as lab:
        options.show(_shown(lab, Webhook.of(lab.paths)), lab.paths)


@hooks.command(name="set")
def set_(
    url: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="http(s) address; - reads it from stdin.")
    ],
    *,
    min_severity: Annotated[Severity, Parameter(help="What is sent at least.")] = Severity.WARNING,
    options: Options = DEFAULTS,
) -> None:
    """Send events from now on to an address, once a test message has arrived there.

    JSON with `text` (Slack), `content` (Discord), `headline`, `severity` and `events`; ntfy shows
    the text. The address stays in a file for your eyes alone, and no answer shows it.
    """
    address = webhook.checked_address(sys.stdin.readline() if url == "-" else url)
    with options.existing_lab() as lab:
        hook = Webhook(url=address, min_severity=min_severity)
        webhook.post(hook.url, webhook.greeting(place(lab)))
        with translated(lab.paths.root):
            webhook.set_up(lab.paths, hook, queries.latest_event(lab))
        options.show(_shown(lab, hook), lab.paths)


@hooks.command(name="test")
def try_(*, options: Options = DEFAULTS) -> None:
    """Send a test message now; what waits is sent with the next look of `pawn-lab watch`."""
    with options.existing_lab() as lab:
        hook = _existing(lab)
        webhook.post(hook.url, webhook.greeting(place(lab)))
        webhook.retry(lab.paths)
        options.show(_shown(lab, hook), lab.paths)


@hooks.command
def remove(*, options: Options = DEFAULTS) -> None:
    """Send nothing any more, and forget the address."""
    with options.existing_lab() as lab:
        _existing(lab)
        with translated(lab.paths.root):
            webhook.remove(lab.paths)
        options.show(_shown(lab, None), lab.paths)


def _existing(lab: Lab) -> Webhook:
    hook = Webhook.of(lab.paths)
    if hook is None:
        raise InvalidRequestError("no webhook is set: pawn-lab webhook set URL")
    return hook


def _shown(lab: Lab, hook: Webhook | None) -> WebhookAnswer:
    if hook is None:
        return WebhookAnswer(webhook="none")
    delivery = webhook.Delivery.of(lab.paths)
    nobody = None if Watcher.of(lab.paths) else "nobody delivers: start pawn-lab watch"
    return WebhookAnswer(
        webhook=hook.place,
        min_severity=hook.min_severity,
        delivered_up_to=delivery.cursor if delivery else None,
        failures=(delivery.failures or None) if delivery else None,
        error=delivery.error if delivery else None,
        watch=nobody,
    )
