"""A lab served over HTTP from a thread of this process, and how to listen to it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import uvicorn
from lab_testing import eventually

from pawn_lab.dashboard import dashboard_app
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.dashboard.serving import LOOPBACK, config, mcp
from pawn_lab.hosting import Access
from pawn_lab.lab import opener


@contextmanager
def served(
    shown: Path | Exhibit,
    token: str | None = None,
    *,
    reading_is_open: bool = True,
    agents: bool = False,
) -> Iterator[str]:
    """Serve a workspace's dashboard and yield its address; acting needs the token, if any does."""
    exhibit = shown if isinstance(shown, Exhibit) else Exhibit(opener(shown))
    access = Access((LOOPBACK,), token, reading_is_open)
    app = dashboard_app(exhibit, access, mcp(exhibit, access) if agents else None)
    with socket.create_server((LOOPBACK, 0)) as listener:
        settings = config(app)
        settings.timeout_graceful_shutdown = 0  # what is open at the end ends at once
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            eventually(lambda: server.started or not thread.is_alive(), "start of the server")
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def listening(url: str, **headers: str) -> Iterator[Iterator[tuple[str, dict]]]:
    """Open a stream that may be compressed and yield its events as they come."""
    with httpx2.stream(
        "GET", f"{url}/api/stream", headers=headers | {"Accept-Encoding": "gzip"}, timeout=30
    ) as stream:
        lines = stream.iter_lines()
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert next(lines) == ": listening"
        yield events_of(lines)


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, dict]]:
    kind = ""
    for line in lines:
        name, _, value = line.partition(": ")
        kind = value if name == "event" else kind
        if name == "data":
            yield kind, json.loads(value)
