"""The MCP server: in memory in both protocol eras, and as a process."""

import base64
import json
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import anyio
import jsonschema
import pytest
from lab_testing import CONFIG, ended, eventually, in_state, open_gate, stand_in
from mcp import StdioServerParameters
from mcp.client import Client
from mcp_types import Implementation

from pawn_lab.errors import LabError
from pawn_lab.lab import Lab, launching, notebook, queries
from pawn_lab.server import INSTRUCTIONS, LabServer
from pawn_lab.states import State
from pawn_lab.tools import AGENT_TOOLS, TOOLS
from pawn_lab.tools.wait import lab_wait

pytestmark = pytest.mark.anyio
ERAS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
PAWN_LAB = Path(sys.executable).with_name("pawn-lab")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ERAS)
async def client(request, workspace):
    server = LabServer(lambda: Lab.open(workspace))
    async with Client(server, mode=request.param) as client:
        assert client.protocol_version == ERAS[request.param]
        yield client


async def test_the_tools_are_listed_as_declared(client):
    listed = (await client.list_tools()).tools
    assert [(t.name, t.title, t.description) for t in listed] == [
        (t.name, t.title, t.description) for t in AGENT_TOOLS
    ]
    hints = {t.name: t.annotations for t in listed}
    assert hints["lab_status"].read_only_hint
    assert hints["lab_kill"].destructive_hint
    assert not any(hint.open_world_hint for hint in hints.values())


async def test_instructions_fit_what_agents_read_and_name_only_tools_that_exist(client):
    assert client.instructions == INSTRUCTIONS
    assert len(INSTRUCTIONS.encode()) < 2048
    words = {word.strip("().,:;") for word in INSTRUCTIONS.split()}
    assert {word for word in words if word.startswith("lab_")} <= {tool.name for tool in TOOLS}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("lab_schema", {}),
        ("lab_schema", {"full": True}),
        ("lab_status", {}),
        ("lab_events", {"since": 0}),
        ("lab_results", {}),
        ("lab_compare", {}),
        ("lab_wait", {}),
        ("lab_audit", {}),
        ("lab_notes", {"append": "hello", "section": "First"}),
        ("lab_notes", {}),
        ("lab_set_cost", {"cost_per_hour": 2.31}),
    ],
)
async def test_answers_conform_to_the_schema_that_is_published(client, tool, arguments):
    schemas = {t.name: t.output_schema for t in (await client.list_tools()).tools}
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    jsonschema.validate(result.structured_content, schemas[tool])
    assert json.loads(result.content[0].text) == result.structured_content


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("lab_launch", {"config": {"lrr": 1}}, "did you mean 'lr'?"),
        ("lab_launch", {"config": {}, "hypotesis": "x"}, "did you mean 'hypothesis'?"),
        ("lab_approve", {"trial_ids": [1]}, "lab_approve is for people: `pawn-lab approve`"),
        ("lab_kil", {"trial_id": 1}, "there is no tool 'lab_kil'; did you mean 'lab_kill'?"),
        ("lab_kill", {"trial_id": 7}, "trial 7 does not exist"),
        ("lab_resume", {"trial_id": 2**63}, "does not exist"),
        ("lab_events", {"since": 2**63}, "is not allowed"),
        ("lab_events", {"since": -1}, "since -1 is not allowed"),
        ("lab_set_cost", {"cost_per_hour": -1}, "cost_per_hour -1.0 is not allowed"),
    ],
)
async def test_a_refusal_is_an_error_result_in_the_labs_own_words(client, tool, arguments, message):
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert message in result.content[0].text


async def test_two_clients_at_once_are_told_apart_and_read_on_each_from_its_own_cursor(workspace):
    def server() -> LabServer:
        return LabServer(lambda: Lab.open(workspace, trainer=stand_in("complete")))

    one, two = (Implementation(name=name, version="1") for name in ("one", "two"))
    async with Client(server(), client_info=one) as a, Client(server(), client_info=two) as b:
        async with anyio.create_task_group() as group:
            for seed, client in enumerate((a, b)):
                config = CONFIG | {"seed": seed}
                group.start_soon(client.call_tool, "lab_launch", {"config": config})
        details = [await b.call_tool("lab_status", {"trial_id": number}) for number in (1, 2)]
        with Lab.open(workspace) as lab:
            ended(lab, 1), ended(lab, 2)
        first = await a.call_tool("lab_events", {"since": 0})
        cursor = first.structured_content["cursor"]
        again = await a.call_tool("lab_events", {"since": cursor})
        other = await b.call_tool("lab_events", {"since": 0})
    names = {detail.structured_content["detail"]["asked_by"] for detail in details}
    assert names == {"one", "two"}
    assert again.structured_content["unchanged"]
    assert other.structured_content["events"] == first.structured_content["events"]


async def test_calls_at_once_start_one_trial_and_lose_no_note(workspace):
    server = LabServer(lambda: Lab.open(workspace, trainer=stand_in("complete")))
    launch = {"config": CONFIG, "idempotency_key": "once"}
    async with Client(server) as client, anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(client.call_tool, "lab_launch", launch)
            group.start_soon(client.call_tool, "lab_notes", {"append": f"note {number}"})
    with Lab.open(workspace) as lab:
        assert len(queries.trials(lab)) == 1
        assert all(f"note {number}" in notebook.read(lab) for number in range(8))
        ended(lab, 1)


async def test_more_waits_than_worker_threads_hold_up_no_other_call(workspace):
    with Lab.open(workspace, trainer=stand_in("gate")) as lab:
        trial = launching.launch(lab, CONFIG).id
        in_state(lab, trial, State.RUNNING)
        async with Client(LabServer(lambda: Lab.open(workspace))) as client:
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(client.call_tool, "lab_wait", {"timeout_s": 60})
                with anyio.fail_after(30):
                    status = await client.call_tool("lab_status", {})
                group.cancel_scope.cancel()
            with anyio.fail_after(30):  # those that were broken off hold no place any more
                after = await client.call_tool("lab_wait", {"timeout_s": 0.1})
            await anyio.to_thread.run_sync(eventually, lambda: not waiting_threads())
        assert after.structured_content["over"] == "timeout"
        assert status.structured_content["counts"] == {"running": 1}
        assert queries.trial(lab, trial).state is State.RUNNING
        open_gate(lab, trial)
        ended(lab, trial)


def waiting_threads() -> int:
    """Count the threads of this process that are in a wait."""
    frames = sys._current_frames().values()
    return sum(
        lab_wait.__code__ in {f.f_code for f, _ in traceback.walk_stack(frame)} for frame in frames
    )


async def test_a_plot_comes_as_a_picture_beside_its_numbers(study, tmp_path):
    shutil.copytree(study, tmp_path / "runs")
    async with Client(LabServer(lambda: Lab.open(tmp_path / "runs"))) as client:
        result = await client.call_tool("lab_plot", {"tag": "plain"})
    text, picture = result.content
    assert json.loads(text.text) == result.structured_content
    assert (picture.type, picture.mime_type) == ("image", "image/png")
    assert base64.b64decode(picture.data).startswith(b"\x89PNG")


async def test_a_defect_of_the_lab_does_not_leak_its_text():
    def broken() -> Lab:
        raise RuntimeError("secret detail")

    async with Client(LabServer(broken)) as client:
        result = await client.call_tool("lab_status", {})
    assert result.is_error
    assert "RuntimeError" in result.content[0].text
    assert "secret detail" not in result.content[0].text


async def test_what_cannot_be_sent_in_a_refusal_is_replaced():
    def broken() -> Lab:
        raise LabError("no lab in /tmp/\udcff")

    async with Client(LabServer(broken)) as client:
        result = await client.call_tool("lab_status", {})
    assert result.is_error
    assert result.content[0].text == "no lab in /tmp/\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_process_serves_over_stdio(era, workspace):
    process = StdioServerParameters(
        command=str(PAWN_LAB), args=["mcp", "--workspace", str(workspace)]
    )
    async with Client(process, mode=era, read_timeout_seconds=60) as client:
        assert client.protocol_version == ERAS[era]
        assert not (await client.call_tool("lab_notes", {"append": "over the wire"})).is_error
        notes = await client.call_tool("lab_notes", {})
    assert "over the wire" in notes.structured_content["notes"]
    assert "over the wire" in (workspace / "lab-notes.md").read_text()


def test_nothing_but_the_protocol_is_written_to_stdout(workspace):
    requests = [
        {"method": "initialize", "id": 1, "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"method": "tools/call", "id": 2, "params": {"name": "lab_status", "arguments": {}}},
        {"method": "tools/call", "id": 3, "params": {"name": "lab_nope", "arguments": {}}},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **request}) + "\n" for request in requests)
    command = [PAWN_LAB, "mcp", "--workspace", workspace]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(lines)
        server.stdin.flush()
        replies = [json.loads(server.stdout.readline()) for _ in range(3)]
        server.stdin.close()
        assert server.stdout.read() == ""
    assert server.returncode == 0
    assert {reply["id"] for reply in replies} == {1, 2, 3}
    assert all(reply["jsonrpc"] == "2.0" for reply in replies)


INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}


def test_importing_the_server_and_the_cli_leaves_torch_alone():
    code = "import sys, pawn_lab.server, pawn_lab.cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
