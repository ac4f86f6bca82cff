"""What the server says of itself, in both protocol eras."""

import base64

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from pawn_lab.lab import Lab
from pawn_lab.server import LabServer
from pawn_lab.server.identity import DESCRIPTION, WEBSITE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "auto"])
async def client(request, tmp_path):
    server = LabServer(lambda: Lab.open(tmp_path / "runs"))
    async with Client(server, mode=request.param) as client:
        yield client


@pytest.mark.parametrize(
    "listing", ["list_tools", "list_resources", "list_resource_templates", "list_prompts"]
)
async def test_a_cursor_that_no_list_gave_is_refused(client, listing):
    listed = await getattr(client, listing)()
    assert listed.next_cursor is None
    with pytest.raises(MCPError, match="'of-another-list' is unknown") as refusal:
        await getattr(client, listing)(cursor="of-another-list")
    assert refusal.value.error.code == INVALID_PARAMS


async def test_the_server_tells_its_home_and_shows_an_icon_that_needs_no_network(client):
    told = client.server_info
    assert (told.website_url, told.description) == (WEBSITE, DESCRIPTION)
    png, svg = (icon.src.partition(";base64,") for icon in told.icons)
    assert (png[0], svg[0]) == ("data:image/png", "data:image/svg+xml")
    assert base64.b64decode(png[2]).startswith(b"\x89PNG")
    assert base64.b64decode(svg[2]).startswith(b"<svg")


async def test_the_promise_to_tell_of_changed_lists_is_the_same_in_both_eras(client):
    told = client.server_capabilities
    assert told.tools.list_changed
    assert told.prompts.list_changed
    assert told.resources.list_changed


async def test_every_argument_of_a_prompt_is_described(client):
    prompts = (await client.list_prompts()).prompts
    assert prompts
    assert all(argument.description for prompt in prompts for argument in prompt.arguments or ())


async def test_a_client_is_told_every_revision_that_is_spoken(tmp_path):
    async with Client(LabServer(lambda: Lab.open(tmp_path / "runs"))) as client:
        told = client.session.discover_result
    assert set(told.supported_versions) == set(KNOWN_PROTOCOL_VERSIONS)
