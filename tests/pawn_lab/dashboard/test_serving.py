"""The server as a process, and what is left in it of pages that were open."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from lab_testing import PAWN_LAB, eventually
from served_lab import listening
from starlette.applications import Starlette
from starlette.types import Message

from pawn_lab.dashboard import dashboard_app
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.hosting import Access
from pawn_lab.lab import Lab, opener

PAGES = 100


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def dashboard(log: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `pawn-lab dashboard`; yield its address, as it says it, and its process."""
    environment = {k: v for k, v in os.environ.items() if k != "PAWN_LAB_TOKEN"}
    with log.open("wb") as said:
        command = [PAWN_LAB, "dashboard", "--port", "0", *arguments]
        server = subprocess.Popen(command, env=environment, stderr=said)
    try:
        address = eventually(lambda: re.search(rb"http://\S+(?=\n)", log.read_bytes()), "address")
        yield address[0].decode(), server
    finally:
        server.kill()
        server.wait()


def test_the_address_carries_what_acting_needs_and_an_interrupt_ends_open_streams(tmp_path) -> None:
    log, runs = tmp_path / "server.log", tmp_path / "runs"
    Lab.open(runs).close()
    with dashboard(log, "--control", "--workspace", str(runs)) as (address, server):
        url, _, token = address.partition("/#token=")
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{url}/api/session", headers=headers).json()["control"] is True
        with listening(url) as events:
            assert next(events)[0] == "open"
            server.send_signal(signal.SIGINT)
            assert list(events) == []
        assert server.wait(15) == 130
        assert log.read_bytes().decode() == f"pawn-lab: dashboard {address}\n"


@pytest.mark.anyio
async def test_pages_that_were_opened_and_closed_leave_no_task(tmp_path) -> None:
    Lab.open(tmp_path / "runs").close()
    app = dashboard_app(Exhibit(opener(tmp_path / "runs")), Access(("127.0.0.1",)))
    async with app.router.lifespan_context(app):
        await open_and_close(app)  # starts what the library runs once
        before = asyncio.all_tasks()
        async with anyio.create_task_group() as pages:
            for _ in range(PAGES):
                pages.start_soon(open_and_close, app)
        assert asyncio.all_tasks() - before == set()


async def open_and_close(app: Starlette) -> None:
    """Open a stream as a server does, and break it off once it has said how far the lab is."""
    is_open = anyio.Event()

    async def receive() -> Message:
        await is_open.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if b"event: open" in message.get("body", b""):
            is_open.set()

    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "GET", "path": "/api/stream"}
    scope |= {"query_string": b"", "headers": [(b"host", b"127.0.0.1")]}
    await app(scope, receive, send)
