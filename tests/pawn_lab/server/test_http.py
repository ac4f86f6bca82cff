"""The lab over HTTP: official client, token, Host and Origin."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from cli_command import Command
from lab_testing import serving
from lines_of_clients import INITIALIZE, UNANSWERABLE
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import PARSE_ERROR

from pawn_lab.server.lab_server import MOST_WAITS

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


def test_people_are_served_beside_agents_and_without_a_token_only_look(open_server) -> None:
    root = open_server.removesuffix("/mcp")
    assert httpx2.get(root).headers["content-type"].startswith("text/html")
    assert httpx2.get(f"{root}/api/session").json()["control"] is False
    assert httpx2.post(f"{root}/api/call/lab_set_cost", json={}).status_code == 403


def test_with_the_token_people_see_and_act_and_without_it_they_get_an_empty_page(
    guarded_server,
) -> None:
    root, token = guarded_server.removesuffix("/mcp"), {"Authorization": f"Bearer {TOKEN}"}
    assert httpx2.get(root).status_code == 200
    for path in ("session", "stream", "view/overview"):
        assert httpx2.get(f"{root}/api/{path}").status_code == 401
    assert httpx2.post(f"{root}/api/call/lab_status", json={}).status_code == 401
    assert httpx2.get(f"{root}/api/session", headers=token).json()["control"] is True


@pytest.mark.parametrize(
    ("arguments", "token", "complaint"),
    [
        (("--host", "0.0.0.0"), None, "can be reached from other machines: set PAWN_LAB_TOKEN"),
        (("--host", "127.0.0.1"), "short", "PAWN_LAB_TOKEN has 5 characters; allowed: 16 or more"),
        (("--host", "256.0.0.1"), TOKEN, "cannot listen on 256.0.0.1 port 0"),
    ],
)
def test_an_unsafe_or_impossible_address_is_refused(
    tmp_path, capsys, monkeypatch, arguments, token, complaint
) -> None:
    monkeypatch.delenv("PAWN_LAB_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("PAWN_LAB_TOKEN", token)
    command = Command(tmp_path / "runs", capsys, monkeypatch)
    code, _, said = command("serve", "--port", "0", *arguments)
    assert code == 2
    assert complaint in said


def post(url: str, body: bytes, **headers: str) -> httpx2.Response:
    known = HEADERS | {"Content-Type": "application/json"} | headers
    return httpx2.post(url, content=body, headers=known)


def session(url: str) -> dict[str, str]:
    """Open a session and return the header that names it."""
    return {"Mcp-Session-Id": post(url, INITIALIZE).headers["mcp-session-id"]}


@pytest.mark.parametrize("era", [{}, {"MCP-Protocol-Version": "2026-07-28"}])
@pytest.mark.parametrize("case", UNANSWERABLE)
def test_what_is_no_message_is_answered_over_http_too(open_server, case, era) -> None:
    body, code, ids = UNANSWERABLE[case]
    answer = post(open_server, body, **era)
    if case == "a huge line":
        assert answer.status_code == 413
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert answer.json()["id"] == (None if code == PARSE_ERROR else ids[0])


def test_a_client_that_comes_back_for_missed_events_gets_those_to_come(open_server) -> None:
    headers = HEADERS | session(open_server) | {"Last-Event-ID": "41"}
    with httpx2.stream("GET", open_server, headers=headers) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Last-Event-ID": "41"},
        {"Mcp-Session-Id": "none"},
        {"MCP-Protocol-Version": "2026-07-28"},
    ],
)
def test_no_request_is_answered_as_a_defect_of_the_server(open_server, method, headers) -> None:
    answer = httpx2.request(method, open_server, headers=HEADERS | headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("era", ["", "2026-07-28"])
def test_waits_of_clients_that_hung_up_hold_no_place(open_server, era: str) -> None:
    """Each would hold its place for a minute."""
    modern = {"MCP-Protocol-Version": era, "Mcp-Method": "tools/call", "Mcp-Name": "lab_wait"}
    headers = modern if era else session(open_server)
    for number in range(MOST_WAITS + 8):
        with suppress(httpx2.ReadTimeout):
            call = wait_call(number, era, timeout_s=60)
            httpx2.post(open_server, json=call, headers=HEADERS | headers, timeout=0.1)
    call = wait_call(MOST_WAITS + 8, era, timeout_s=0.1)
    answer = httpx2.post(open_server, json=call, headers=HEADERS | headers, timeout=30)
    assert '"over":"timeout"' in answer.text


def wait_call(number: int, era: str, timeout_s: float) -> dict[str, Any]:
    """A wait for what does not happen."""
    known = {"protocolVersion": era, "clientCapabilities": {}}
    envelope = {f"io.modelcontextprotocol/{name}": value for name, value in known.items()}
    arguments = {"until": "paused", "timeout_s": timeout_s}
    params = {"name": "lab_wait", "arguments": arguments} | ({"_meta": envelope} if era else {})
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
