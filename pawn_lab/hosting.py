"""What the lab's servers share: who may ask over HTTP, and that nothing holds an answer up.

A request must be for a host name that the server has, and from no page of another one: a page
elsewhere can reach this machine's servers by a name of its own (DNS rebinding).
"""

import gc
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pawn_lab.errors import InvalidRequestError

TOKEN_VARIABLE = "PAWN_LAB_TOKEN"
SHORTEST_TOKEN = 16
_TOKEN_BYTES = 24
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_PORT = re.compile(r":\d+$")


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

    def refusal(self, scope: Scope) -> Response | None:
        """Return what answers a request for another host, or from another page; None for ours."""
        hosts, origins = (_headers(scope, name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return PlainTextResponse("no such host here", 421)
        if not all(map(self._is_our_origin, origins)) or _is_embedded_elsewhere(scope):
            return PlainTextResponse("not for pages of another origin", 403)
        return None

    def _is_ours(self, host: str) -> bool:
        """Say whether a host is one of the names, on any port."""
        return _PORT.sub("", host) in self.names

    def _is_our_origin(self, origin: str) -> bool:
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and self._is_ours(host)

    def has_token(self, scope: Scope) -> bool:
        """Say whether a request carries the token; never where there is none."""
        given = _headers(scope, b"authorization")
        if self.token is None or len(given) != 1:
            return False
        return secrets.compare_digest(given[0].encode(), f"Bearer {self.token}".encode())

    def may_read(self, scope: Scope) -> bool:
        """Say whether a request may see what the lab knows."""
        return self.reading_is_open or self.has_token(scope)


class SameSite:
    """Let through only requests for these hosts, and from no page of another one."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 for another host, 403 for another page."""
        refusal = self._access.refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


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


def keep_loaded() -> None:
    """Leave what is loaded out of garbage collections, which would go through it amid a call."""
    gc.collect()
    gc.freeze()


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


def _is_embedded_elsewhere(scope: Scope) -> bool:
    """Say whether another site's page asks without an origin, as for a script or a picture.

    Browsers tell; to follow a link from there to the page itself is no such thing.
    """
    by_sites = {*_headers(scope, b"sec-fetch-site")} & {"cross-site", "same-site"}
    return bool(by_sites) and _headers(scope, b"sec-fetch-mode") != ["navigate"]


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
