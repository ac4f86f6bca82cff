"""The lab over Streamable HTTP: on this machine for everybody, beyond it with a bearer token."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp

from pawn_lab.lab import Lab
from pawn_lab.server.access import Access, BearerToken
from pawn_lab.server.lab_server import LabServer
from pawn_lab.server.wire import CheckedRequests

PATH = "/mcp"


@dataclass(frozen=True)
class ForAgents:
    """The MCP application; its sessions live while `running()` is entered."""

    app: ASGIApp
    running: Callable[[], AbstractAsyncContextManager[object]]


def for_agents(open_lab: Callable[[], Lab], access: Access) -> ForAgents:
    """Return the application that agents call; it lets through whom `access` does."""
    sessions = LabServer(open_lab).streamable_http_app(
        streamable_http_path=PATH, transport_security=access.security
    )
    app = CheckedRequests(sessions)
    is_open = access.reading_is_open  # a token that is for the dashboard alone is not asked for
    return ForAgents(
        app if is_open else BearerToken(app, access),
        lambda: sessions.router.lifespan_context(sessions),
    )
