"""The lab over HTTP: official client, token, Host and Origin."""

import os
import subprocess
from collections.abc import Iterator

import httpx2
import pytest
from lab_testing import PAWN_LAB, serving
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

TOKEN = "a-secret-of-some-length"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def open_server(tmp_path_factory) -> Iterator[str]:
    """A server on loopback, without a token."""
    with serving(tmp_path_factory.mktemp("http") / "runs") as url:
        yield url


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory) -> Iterator[str]:
    """A server for other machines, reached here through loopback."""
    arguments = ("--host", "0.0.0.0", "--allowed-host", "gpu.example")
    with serving(tmp_path_factory.mktemp("http") / "runs", *arguments, token=TOKEN) as url:
        yield url.replace("0.0.0.0", "127.0.0.1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def status_of(url: str, **headers: str) -> int:
    return httpx2.post(url, json=PING, headers=HEADERS | headers).status_code


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_calls_tools_over_http(open_server: str, mode: str) -> None:
    async with Client(streamable_http_client(open_server), mode=mode) as client:
        result = await client.call_tool("lab_status", {})
        assert result.structured_content["counts"] == {}
        assert "lab://notes" in {str(r.uri) for r in (await client.list_resources()).resources}


@pytest.mark.anyio
async def test_with_the_token_the_client_gets_in(guarded_server: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        transport = streamable_http_client(guarded_server, http_client=http)
        async with Client(transport) as client:
            assert not (await client.call_tool("lab_status", {})).is_error


@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_the_token_nothing_is_answered(guarded_server: str, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    assert status_of(guarded_server, **headers) == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "gpu.example"}, 421),
    ],
)
def test_a_page_of_another_site_gets_nothing(open_server, headers, status: int) -> None:
    assert status_of(open_server, **headers) == status


def test_a_name_that_was_allowed_is_served(guarded_server: str) -> None:
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert status_of(guarded_server, **token, Host="gpu.example:80") not in (401, 403, 421)
    assert status_of(guarded_server, **token, Host="evil.example") == 421


@pytest.mark.parametrize(
    ("arguments", "token", "complaint"),
    [
        (("--host", "0.0.0.0"), None, "can be reached from other machines: set PAWN_LAB_TOKEN"),
        (("--host", "127.0.0.1"), "short", "PAWN_LAB_TOKEN has 5 characters; allowed: 16 or more"),
        (("--host", "256.0.0.1"), TOKEN, "cannot listen on 256.0.0.1 port 0"),
    ],
)
def test_an_unsafe_or_impossible_address_is_refused(tmp_path, arguments, token, complaint) -> None:
    environment = os.environ | {"PAWN_LAB_TOKEN": token} if token else dict(os.environ)
    command = [PAWN_LAB, "serve", "--port", "0", "--workspace", str(tmp_path / "runs"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert complaint in done.stderr
