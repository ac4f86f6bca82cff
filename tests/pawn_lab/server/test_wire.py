"""Every line that a client sends gets its answer, and an interrupted server ends."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from lab_testing import (
    CONFIG,
    DEADLINE_S,
    PAWN_LAB,
    ended,
    eventually,
    in_state,
    open_gate,
    stand_in,
)
from lines_of_clients import INITIALIZE, PING, UNANSWERABLE
from mcp_types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.server.wire import MOST_BYTES, lines, received
from pawn_lab.states import State


@pytest.mark.parametrize("case", UNANSWERABLE)
def test_what_is_no_message_is_answered_by_the_id_it_has(case):
    line, code, ids = UNANSWERABLE[case]
    errors = received(line)
    assert isinstance(errors, list)
    assert [error.id for error in errors] == ids
    assert {error.error.code for error in errors} == {code}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (PING, JSONRPCRequest),
        (PING.replace(b"ping", "größe 😀".encode()), JSONRPCRequest),
        (PING.replace(b"ping", b"\\ud83d\\ude00"), JSONRPCRequest),
        (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', JSONRPCNotification),
        (b'{"jsonrpc":"2.0","id":3,"result":{}}', JSONRPCResponse),
    ],
)
def test_a_message_is_passed_on_as_it_is(line, kind):
    assert isinstance(received(line), kind)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_lines_are_cut_at_their_ends_whatever_arrives_at_once(anyio_backend):
    reading, writing = os.pipe()
    cut: list[bytes] = []

    async def read() -> None:
        cut.extend([line async for line in lines(reading)])

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for part in (b"one\ntw", b"o\r\n\n  \nthree", b"\n", b"x" * 3 * MOST_BYTES, b"\nlast"):
            await anyio.to_thread.run_sync(write_all, writing, part)
        os.close(writing)
    os.close(reading)
    assert [line.strip() for line in (*cut[:3], cut[4])] == [b"one", b"two", b"three", b"last"]
    assert len(cut) == 5
    assert len(cut[3]) == MOST_BYTES + 1


def write_all(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as pipe:
        pipe.write(data)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_file_in_place_of_a_pipe_is_read_to_its_end(anyio_backend, tmp_path):
    (tmp_path / "lines").write_bytes(b"one\ntwo")
    with (tmp_path / "lines").open("rb") as file:
        assert [line async for line in lines(file.fileno())] == [b"one", b"two"]


@contextmanager
def stdio_server(workspace) -> Iterator[subprocess.Popen]:
    """Run `pawn-lab mcp`, initialized."""
    command = [PAWN_LAB, "mcp", "--workspace", workspace]
    with subprocess.Popen(command, stdin=-1, stdout=-1, bufsize=0) as server:
        try:
            assert exchange(server, INITIALIZE)["id"] == 1
            send(server, b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
            yield server
        finally:
            server.kill()


def send(server: subprocess.Popen, line: bytes) -> None:
    assert server.stdin
    write_all(server.stdin.fileno(), line + b"\n")


def exchange(server: subprocess.Popen, line: bytes) -> dict[str, Any]:
    """Send a line and return the next one that comes."""
    send(server, line)
    assert server.stdout
    assert select.select([server.stdout], [], [], DEADLINE_S)[0], f"no answer to {line[:60]}"
    return json.loads(server.stdout.readline())


def test_a_server_answers_every_line_over_stdio_and_goes_on(workspace):
    with stdio_server(workspace) as server:
        for line, code, ids in UNANSWERABLE.values():
            if len(ids) == 1:
                answer = exchange(server, line)
                assert (answer["id"], answer["error"]["code"]) == (ids[0], code)
        assert exchange(server, PING) == {"jsonrpc": "2.0", "id": 7, "result": {}}


def test_an_interrupt_ends_a_server_amid_a_wait(workspace):
    with Lab.open(workspace, trainer=stand_in("gate")) as lab, stdio_server(workspace) as server:
        in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
        call = {"name": "lab_wait", "arguments": {"timeout_s": 60}}
        send(
            server, json.dumps(json.loads(PING) | {"method": "tools/call", "params": call}).encode()
        )
        assert exchange(server, PING.replace(b"7", b"8"))["id"] == 8
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
        assert queries.trial(lab, 1).state is State.RUNNING
        open_gate(lab, 1)
        ended(lab, 1)


CLIENT = """
import signal, subprocess, sys
server = subprocess.Popen(sys.argv[2:], stdin=-1, stdout=-1, bufsize=0)
server.stdin.write(sys.stdin.buffer.read())
print(*(server.stdout.readline().decode().strip() for _ in range(2)), sep="\\n")
holder = subprocess.Popen([sys.executable, "-c", sys.argv[1]], pass_fds=[server.stdin.fileno()])
print(server.pid, holder.pid, flush=True)
signal.pause()
"""
PAUSE = "import signal; signal.pause()"


@contextmanager
def client_of(workspace, calls: list[bytes]) -> Iterator[tuple[subprocess.Popen, list[str]]]:
    """Run a client that starts a server, sends lines, and lets another process hold the pipe."""
    command = [sys.executable, "-c", CLIENT, PAUSE, PAWN_LAB, "mcp", "--workspace", workspace]
    with subprocess.Popen(
        command, stdin=-1, stdout=-1, text=True, start_new_session=True
    ) as client:
        try:
            assert client.stdin
            assert client.stdout
            client.stdin.write("".join(f"{line.decode()}\n" for line in calls))
            client.stdin.close()
            yield client, [client.stdout.readline() for _ in range(3)]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)


def test_a_server_ends_with_its_client_amid_a_wait_though_its_pipe_is_held(workspace):
    """Whatever comes on stdout until then is a message."""
    initialized = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    wait = {"name": "lab_wait", "arguments": {"timeout_s": 3600}}
    call = json.dumps(json.loads(PING) | {"id": 9, "method": "tools/call", "params": wait})
    calls = [INITIALIZE, initialized, call.encode(), PING]
    with Lab.open(workspace, trainer=stand_in("gate")) as lab:
        in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
        with client_of(workspace, calls) as (client, (*answers, pids)):
            assert [json.loads(answer)["id"] for answer in answers] == [1, 7]
            server, holder = (Path("/proc", pid) for pid in pids.split())
            client.kill()
            client.wait()
            eventually(lambda: not server.exists(), "the server has ended")
            assert holder.exists()
        assert queries.trial(lab, 1).state is State.RUNNING
        open_gate(lab, 1)
        ended(lab, 1)
