"""A server over HTTP: the dashboard, with MCP beside it where agents are served too."""

import os
import socket
import sys
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

from pawn_lab.dashboard.app import Beside, dashboard_app
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosting import TOKEN_VARIABLE, Access, bracketed, keep_loaded

LOOPBACK = "127.0.0.1"
_SHUTDOWN_S = 5
"""For calls that go on; streams end at once."""


def serve(
    exhibit: Exhibit,
    host: str = LOOPBACK,
    port: int = 0,
    allowed_hosts: Sequence[str] = (),
    *,
    control: bool = False,
    agents: bool = False,
) -> None:
    """Serve over HTTP until interrupted. The token comes from `PAWN_LAB_TOKEN`.

    Args:
        host: address to listen on; anything but a loopback address needs a token.
        port: 0 takes a free one; the addresses are printed to stderr.
        allowed_hosts: names that requests may be for, besides `host` and the loopback names.
        control: let the page act where no token is set; its address carries one.
        agents: serve MCP too.

    Raises:
        InvalidRequestError: no token where one is needed, or one too short; the address is taken.
    """
    given = os.environ.get(TOKEN_VARIABLE)
    access = Access.to(host, allowed_hosts, given, control=control)
    listener = _listen(host, port)
    root = f"http://{bracketed(host)}:{listener.getsockname()[1]}"
    beside = mcp(exhibit, access) if agents else None
    app = dashboard_app(exhibit, access, beside)
    if beside is not None:
        _say(f"serving {root}{beside.path}")
    _say(f"dashboard {root}/" + (f"#token={access.token}" if access.token != given else ""))
    keep_loaded()
    uvicorn.Server(config(app)).run(sockets=[listener])


def mcp(exhibit: Exhibit, access: Access) -> Beside:
    """Return what agents are served; who serves people alone does not load it."""
    from pawn_lab.server.card import card_routes
    from pawn_lab.server.http import PATH, for_agents

    return Beside(PATH, *for_agents(exhibit.open, access), described=card_routes(PATH, access))


def config(app: ASGIApp) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_SHUTDOWN_S
    )


def _say(what: str) -> None:
    print(f"pawn-lab: {what}", file=sys.stderr, flush=True)  # noqa: T201


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InvalidRequestError(f"cannot listen on {host} port {port}: {error}") from None
