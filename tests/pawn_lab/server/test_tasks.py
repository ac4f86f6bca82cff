"""Waits as MCP tasks, through the official client."""

from typing import Any, Literal

import anyio
import jsonschema
import pytest
from lab_testing import CONFIG, ended, in_state, open_gate, stand_in
from mcp.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim, advertise
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.server import LabServer
from pawn_lab.states import State
from pawn_lab.tools.wait import TOOL as WAIT

pytestmark = pytest.mark.anyio
TASKS = "io.modelcontextprotocol/tasks"
INVALID_PARAMS, MISSING_CAPABILITY = -32602, -32021


class Named(RequestParams):
    task_id: str


class Seen(Result):
    """Whatever a method answers."""

    model_config = ConfigDict(extra="allow")


class Created(Result):
    result_type: Literal["task"] = "task"
    model_config = ConfigDict(extra="allow")


class Tasks(ClientExtension):
    """A client that hands tasks to its caller instead of polling itself."""

    identifier = TASKS

    def claims(self) -> list[ResultClaim[Created]]:
        return [ResultClaim(result_type="task", model=Created, resolve=self.hand_over)]

    async def hand_over(self, created: Created, context: ClaimContext) -> CallToolResult:
        raise AssertionError("the tests poll by themselves")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lab(workspace):
    """A lab with one trial that runs until its gate is opened."""
    with Lab.open(workspace, trainer=stand_in("gate")) as lab:
        in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
        yield lab


def server(workspace) -> LabServer:
    return LabServer(lambda: Lab.open(workspace))


async def ask(client: Client, method: str, task_id: str) -> dict[str, Any]:
    request = Request[Named, Literal["tasks"]].model_construct(
        method=method, params=Named(task_id=task_id)
    )
    answer = await client.session.send_request(request, Seen)
    return answer.model_dump(by_alias=True, mode="json", exclude={"meta"}, exclude_none=True)


async def create(client: Client, **arguments: Any) -> dict[str, Any]:
    created = await client.session.call_tool("lab_wait", arguments, allow_claimed=True)
    assert isinstance(created, Created), created
    return created.model_dump(by_alias=True, mode="json")


async def test_a_wait_is_a_task_that_ends_with_the_tools_own_result_in_another_server(
    lab, workspace
):
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        with anyio.fail_after(10):
            task = await create(client)
        assert (task["status"], task["resultType"]) == ("working", "task")
        assert (await ask(client, "tasks/get", task["taskId"]))["status"] == "working"
    open_gate(lab, 1)
    ended(lab, 1)
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        done = await ask(client, "tasks/get", task["taskId"])
        again = await ask(client, "tasks/get", task["taskId"])
    assert (done["status"], done["resultType"]) == ("completed", "complete")
    result = CallToolResult.model_validate(done["result"])
    jsonschema.validate(result.structured_content, WAIT.output_schema)
    assert result.structured_content["over"] == "event"
    assert "completed" in result.content[0].text
    assert again == done


async def test_polls_at_once_get_one_and_the_same_end(lab, workspace):
    answers: list[dict[str, Any]] = []
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        task = await create(client)
        open_gate(lab, 1)
        ended(lab, 1)

        async def poll() -> None:
            answers.append(await ask(client, "tasks/get", task["taskId"]))

        async with anyio.create_task_group() as group:
            for _ in range(24):
                group.start_soon(poll)
        await ask(client, "tasks/cancel", task["taskId"])
        answers.append(await ask(client, "tasks/get", task["taskId"]))
    assert len(answers) == 25
    assert answers[0]["status"] == "completed"
    assert all(answer == answers[0] for answer in answers)


async def test_cancelling_a_task_leaves_the_trial_alone(lab, workspace):
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        task = await create(client, until="step>=100")
        assert await ask(client, "tasks/cancel", task["taskId"]) == {"resultType": "complete"}
        assert (await ask(client, "tasks/get", task["taskId"]))["status"] == "cancelled"
    assert queries.trial(lab, 1).state is State.RUNNING
    open_gate(lab, 1)
    ended(lab, 1)
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        assert (await ask(client, "tasks/get", task["taskId"]))["status"] == "cancelled"


async def test_a_wait_that_is_over_bounded_or_refused_is_answered_at_once(lab, workspace):
    async with Client(server(workspace), extensions=[Tasks()]) as client:
        over = await client.call_tool("lab_wait", {"trial_ids": [1], "until": "running"})
        bounded = await client.call_tool("lab_wait", {"timeout_s": 0.1})
        refused = await client.call_tool("lab_wait", {"until": "endd"})
    assert over.structured_content["over"] == "event"
    assert bounded.structured_content["over"] == "timeout"
    assert refused.is_error
    assert "did you mean 'ended'" in refused.content[0].text
    open_gate(lab, 1)
    ended(lab, 1)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_who_does_not_declare_tasks_never_gets_one(lab, workspace, mode):
    extensions = [Tasks()] if mode == "legacy" else []
    async with Client(server(workspace), mode=mode, extensions=extensions) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, open_gate, lab, 1)
            result = await client.call_tool("lab_wait", {})
        assert result.structured_content["over"] == "event"
        if mode == "auto":
            with pytest.raises(MCPError) as refusal:
                await ask(client, "tasks/get", "0" * 32)
            assert refusal.value.error.code == MISSING_CAPABILITY
    ended(lab, 1)


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
@pytest.mark.parametrize("task_id", ["0" * 32, "../lab", "", "x" * 1000])
async def test_an_unknown_task_is_refused_by_its_name(workspace, method, task_id):
    async with Client(server(workspace), extensions=[advertise(TASKS)]) as client:
        with pytest.raises(MCPError, match="there is no task") as refusal:
            await ask(client, method, task_id)
    assert refusal.value.error.code == INVALID_PARAMS


async def test_a_long_poll_reports_progress(lab, workspace, monkeypatch):
    monkeypatch.setattr("pawn_lab.server.lab_server.PROGRESS_S", 0.05)
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)
        assert message.startswith("waiting for")
        if len(heard) == 3:
            open_gate(lab, 1)

    async with Client(server(workspace)) as client:
        result = await client.call_tool("lab_wait", {"timeout_s": 60}, progress_callback=hear)
    assert result.structured_content["over"] == "event"
    assert heard == sorted(heard)
    assert len(heard) >= 3
    ended(lab, 1)
