"""The lab over Streamable HTTP: on this machine for everybody, beyond it with a bearer token."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from pawn_lab.hosting import Access, BearerToken
from pawn_lab.lab import Lab
from pawn_lab.server.lab_server import LabServer
from pawn_lab.server.wire import CheckedRequests

PATH = "/mcp"

Running = Callable[[], AbstractAsyncContextManager[object]]
"""What an application's sessions live in."""


def for_agents(open_lab: Callable[[], Lab], access: Access) -> tuple[ASGIApp, Running]:
    """Return the application that agents call, and what its sessions live in.

    Host and origin are for whoever serves it to check, as of all that is served there.
    """
    sessions = LabServer(open_lab).streamable_http_app(
        streamable_http_path=PATH,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app = CheckedRequests(sessions)
    is_open = access.reading_is_open  # a token that is for the dashboard alone is not asked for
    return (
        app if is_open else BearerToken(app, access),
        lambda: sessions.router.lifespan_context(sessions),
    )
