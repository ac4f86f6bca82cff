"""The lab over Streamable HTTP: on this machine for everybody, beyond it with a bearer token."""

import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.server.lab_server import LabServer, keep_loaded
from pawn_lab.server.wire import CheckedRequests

TOKEN_VARIABLE = "PAWN_LAB_TOKEN"
SHORTEST_TOKEN = 16
PATH = "/mcp"
_SHUTDOWN_S = 5
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class BearerToken:
    """Let through only requests that carry the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 without the token."""
        if scope["type"] == "http" and not self._is_authorized(scope):
            headers = {"WWW-Authenticate": "Bearer"}
            refusal = PlainTextResponse("a bearer token is needed", 401, headers)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and secrets.compare_digest(given[0], self._expected)


def http_app(open_lab: Callable[[], Lab], names: Sequence[str], token: str | None) -> ASGIApp:
    """Return the application; it answers requests for these host names only, on any port."""
    hosts = [pattern for name in names for pattern in (name, f"{name}:*")]
    security = TransportSecuritySettings(
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
    )
    app = CheckedRequests(
        LabServer(open_lab).streamable_http_app(
            streamable_http_path=PATH, transport_security=security
        )
    )
    return app if token is None else BearerToken(app, token)


def serve_http(
    open_lab: Callable[[], Lab], host: str, port: int, allowed_hosts: Sequence[str] = ()
) -> None:
    """Serve over HTTP until interrupted. The token comes from `PAWN_LAB_TOKEN`.

    Args:
        host: address to listen on; anything but a loopback address needs a token.
        port: 0 takes a free one; the address is printed to stderr.
        allowed_hosts: names that requests may be for, besides `host` and the loopback names.

    Raises:
        InvalidRequestError: no token where one is needed, or one too short; the address is taken.
    """
    token = _checked_token(os.environ.get(TOKEN_VARIABLE), host)
    listener = _listen(host, port)
    app = http_app(open_lab, (*_LOOPBACK_NAMES, _bracketed(host), *allowed_hosts), token)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_SHUTDOWN_S
    )
    address = f"http://{_bracketed(host)}:{listener.getsockname()[1]}{PATH}"
    print(f"pawn-lab: serving {address}", file=sys.stderr, flush=True)  # noqa: T201
    keep_loaded()
    uvicorn.Server(config).run(sockets=[listener])


def _checked_token(token: str | None, host: str) -> str | None:
    if token is None and not _is_loopback(host):
        raise InvalidRequestError(
            f"host '{host}' can be reached from other machines: set {TOKEN_VARIABLE} to a secret "
            f"of at least {SHORTEST_TOKEN} characters, or serve on 127.0.0.1"
        )
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise InvalidRequestError(
            f"{TOKEN_VARIABLE} has {len(token)} characters; allowed: {SHORTEST_TOKEN} or more"
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InvalidRequestError(f"cannot listen on {host} port {port}: {error}") from None
