"""Resources and prompts, and the notices that a resource has changed."""

import json

import anyio
import pytest
from lab_testing import CONFIG, ended, stand_in
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from pawn_lab.lab import Lab, launching, notebook
from pawn_lab.server import LabServer
from pawn_lab.tools import TOOLS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "auto"])
async def client(request, workspace):
    with Lab.open(workspace, trainer=stand_in("complete")) as lab:
        notebook.append(lab, "the rate is too high", section="Phase 1")
        ended(lab, launching.launch(lab, CONFIG).id)
    async with Client(LabServer(lambda: Lab.open(workspace)), mode=request.param) as client:
        yield client


async def text_of(client: Client, uri: str) -> str:
    return (await client.read_resource(uri)).contents[0].text


async def test_notes_leaderboard_and_trials_can_be_read(client):
    resources = {str(r.uri): r.mime_type for r in (await client.list_resources()).resources}
    listed = {uri: mime for uri, mime in resources.items() if not uri.startswith("skill://")}
    assert listed == {
        "lab://notes": "text/markdown",
        "lab://leaderboard": "application/json",
        "ui://pawn-lab/app": "text/html;profile=mcp-app",
    }
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["lab://trials/{trial_id}"]
    assert "the rate is too high" in await text_of(client, "lab://notes")
    assert json.loads(await text_of(client, "lab://leaderboard"))["rows"]["rows"][0][0] == 1
    trial = json.loads(await text_of(client, "lab://trials/1"))
    assert trial["trial"]["state"] == "completed"
    assert trial["progress"]["trial_id"] == 1


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("lab://trials/7", "trial 7 does not exist"),
        ("lab://trials/abc", "'abc' is not a trial number"),
        ("lab://secrets", "Unknown resource"),
    ],
)
async def test_a_resource_that_does_not_exist_is_an_error(client, uri, message):
    with pytest.raises(MCPError, match=message):
        await client.read_resource(uri)


async def test_a_change_made_by_another_process_is_announced(workspace):
    server = LabServer(lambda: Lab.open(workspace))
    uris = ("lab://notes", "lab://leaderboard", "lab://trials/1")
    async with Client(server) as client, client.listen(resource_subscriptions=uris) as changes:
        await anyio.sleep(0.2)  # the first look; what happened before it is no change
        with Lab.open(workspace, trainer=stand_in("complete")) as lab:
            notebook.append(lab, "launched", section="Now")
            await anyio.to_thread.run_sync(ended, lab, launching.launch(lab, CONFIG).id)
        announced = set()
        with anyio.fail_after(20):
            async for change in changes:
                announced.add(change.uri)
                if announced == set(uris):
                    break


async def test_prompts_name_only_tools_that_exist_and_take_their_arguments(client):
    prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
    assert set(prompts) == {
        "ablation_study",
        "learning_rate",
        "check_in",
        "post_mortem",
        "wrap_up",
    }
    filled = {"config": "{}", "trial_id": "12"}
    tools = {tool.name for tool in TOOLS}
    for prompt in prompts.values():
        needed = {a.name: filled[a.name] for a in prompt.arguments or [] if a.required}
        message = (await client.get_prompt(prompt.name, needed)).messages[0].content.text
        words = {word.strip("().,:;") for word in message.split()}
        assert {word for word in words if word.startswith("lab_")} <= tools
        assert all(value in message for value in needed.values())
        assert "{" not in message.replace("{}", "")


async def test_the_ablation_prompt_has_the_numbers_of_the_usual_study(client):
    message = (await client.get_prompt("ablation_study")).messages[0].content.text
    assert "5000\nsteps; full length: 200000 steps" in message
