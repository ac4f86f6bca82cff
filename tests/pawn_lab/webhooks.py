"""An address of this machine that takes what a webhook sends."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Receiver:
    """What came, and what is answered: the statuses in turn, then 200."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/services/T0/B0/a-secret-path"
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.pings = 0

    @property
    def kinds(self) -> list[list[str]]:
        """The kinds of events of each message."""
        return [[event["kind"] for event in message["events"]] for message in self.messages]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            taken.pings += 1
            self.send_response(taken.statuses.pop(0) if taken.statuses else 200)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = taken.statuses.pop(0) if taken.statuses else 200
            if status == 200:
                taken.messages.append(json.loads(body))
                taken.headers.append(dict(self.headers))
            self.send_response(status)
            self.send_header("Retry-After", "77")
            self.send_header("Location", taken.url)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield taken
    server.shutdown()
    server.server_close()
    thread.join()
