"""Pages that stay open, as long as a working day makes of it: what they leave in the server."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from lab_testing import CONFIG, add_running_trial, eventually

from pawn_lab.lab import Lab

PAGES = 50
LOOKS = 3600
"""An hour's, one a second; they are made as fast as the machine can."""
ASKS_EVERY = 25
"""Changes after which a page asks for curves anew."""
MOST_GROWTH = 8 << 20
MOST_MEMORY = 150 << 20
FAST_SERVER = """
from pawn_lab.dashboard import stream
stream.LOOK_EVERY_S, stream.ADVANCE_EVERY_S = 0.0, 0.2
from pawn_lab.cli import main
main()
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@contextmanager
def fast_dashboard(runs: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run a dashboard that looks at its lab without a pause."""
    log = runs.with_name("server.log")
    command = [sys.executable, "-c", FAST_SERVER, "dashboard", "--port", "0"]
    with log.open("wb") as said:
        server = subprocess.Popen([*command, "--workspace", str(runs)], stderr=said)
    try:
        address = eventually(lambda: re.search(rb"http://\S+(?=/\n)", log.read_bytes()), "address")
        yield address[0].decode(), psutil.Process(server.pid)
    finally:
        server.kill()
        server.wait()


class Pages:
    """Pages that listen, and ask for curves now and then."""

    def __init__(self, url: str, trial_id: int) -> None:
        self._url = url
        self._asked = f"{url}/api/view/curves?trials={trial_id}"
        self.heard = [0] * PAGES

    async def open(self, number: int, client: httpx2.AsyncClient) -> None:
        """Listen as one page, until cancelled."""
        async with client.stream("GET", f"{self._url}/api/stream", timeout=None) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    self.heard[number] += 1
                    if self.heard[number] % ASKS_EVERY == number % ASKS_EVERY:
                        (await client.get(self._asked, timeout=60)).raise_for_status()


async def watch(pages: Pages, log: Path, changes: int) -> None:
    """Let a trial write until every page has heard of so many changes more."""
    target = min(pages.heard) + changes
    while min(pages.heard) < target:
        with log.open("ab") as file:
            file.write(b"a line\n")
        await asyncio.sleep(0.005)


def held(server: psutil.Process) -> tuple[int, int, int]:
    """Return a server's memory in bytes, its open files and its threads."""
    return server.memory_info().rss, server.num_fds(), server.num_threads()


def test_pages_that_stay_open_leave_nothing_in_the_server(tmp_path) -> None:
    with (
        Lab.open(tmp_path / "runs") as lab,
        add_running_trial(lab, CONFIG) as (trial_id, _),
        fast_dashboard(lab.paths.root) as (url, server),
    ):
        asyncio.run(_stay_open(Pages(url, trial_id), lab.paths.trial(trial_id).log, server))


async def _stay_open(pages: Pages, log: Path, server: psutil.Process) -> None:
    limits = httpx2.Limits(max_connections=2 * PAGES)
    async with httpx2.AsyncClient(limits=limits) as client:
        _, files, _ = held(server)
        streams = [asyncio.create_task(pages.open(n, client)) for n in range(PAGES)]
        await watch(pages, log, LOOKS // 10)
        memory, open_files, threads = held(server)
        await watch(pages, log, LOOKS)
        at_end = held(server)
        print(f"after {LOOKS // 10} looks {memory, open_files, threads}, at the end {at_end}")
        assert at_end[0] < memory + MOST_GROWTH
        assert at_end[0] < MOST_MEMORY
        assert at_end[1] <= open_files + PAGES  # a page may be asking just now
        assert at_end[2] <= threads + 1
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    eventually(lambda: held(server)[1] <= files + 1, "end of the connections")
