"""Who may ask a server over HTTP: from which pages, for which host names, with which token."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pawn_lab.errors import InvalidRequestError

TOKEN_VARIABLE = "PAWN_LAB_TOKEN"
SHORTEST_TOKEN = 16
_TOKEN_BYTES = 24
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Access:
    """What a request needs.

    names: the hosts that requests may be for, on any port.
    token: what allows acting; None: nothing does, but for agents, who need none then.
    reading_is_open: whether the dashboard shows what it knows without the token.
    """

    names: tuple[str, ...]
    token: str | None = None
    reading_is_open: bool = True

    @classmethod
    def to(
        cls,
        host: str,
        allowed_hosts: Sequence[str] = (),
        token: str | None = None,
        *,
        control: bool = False,
    ) -> "Access":
        """Return the access to a server that listens on a host.

        Args:
            allowed_hosts: names that requests may be for, besides `host` and the loopback names.
            token: of `PAWN_LAB_TOKEN`; needed beyond loopback, and then for reading too.
            control: make a token where none is given, for acting alone.

        Raises:
            InvalidRequestError: no token where one is needed, or one too short.
        """
        names = (*_LOOPBACK_NAMES, bracketed(host), *allowed_hosts)
        if _checked_token(token, host) is not None:
            return cls(names, token, reading_is_open=False)
        return cls(names, secrets.token_urlsafe(_TOKEN_BYTES) if control else None)

    @property
    def security(self) -> TransportSecuritySettings:
        """The host names and the origins of pages, as the SDK checks them."""
        hosts = [pattern for name in self.names for pattern in (name, f"{name}:*")]
        origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)

    def has_token(self, scope: Scope) -> bool:
        """Say whether a request carries the token; never where there is none."""
        if self.token is None:
            return False
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        expected = f"Bearer {self.token}".encode()
        return len(given) == 1 and secrets.compare_digest(given[0], expected)

    def may_read(self, scope: Scope) -> bool:
        """Say whether a request may see what the lab knows."""
        return self.reading_is_open or self.has_token(scope)


class SameSite:
    """Let through only requests for these hosts, and from no page of another one."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._checks = app, TransportSecurityMiddleware(access.security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 for another host, 403 for another page."""
        if scope["type"] == "http":
            refusal = await self._checks.validate_request(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BearerToken:
    """Let through only requests that carry the token."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 without the token."""
        if scope["type"] == "http" and not self._access.has_token(scope):
            headers = {"WWW-Authenticate": "Bearer"}
            refusal = PlainTextResponse("a bearer token is needed", 401, headers)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def bracketed(host: str) -> str:
    """Return a host as addresses have it."""
    return f"[{host}]" if ":" in host else host


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
