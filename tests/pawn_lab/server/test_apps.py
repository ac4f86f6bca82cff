"""The page as an MCP App: offered to hosts that render it, with decisions kept from the model."""

import pytest
from lab_testing import CONFIG, ended, stand_in
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import Implementation

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.page import document
from pawn_lab.server import LabServer
from pawn_lab.server.apps import DRAWN, URI
from pawn_lab.tools import AGENT_TOOLS, TOOLS

pytestmark = pytest.mark.anyio
ERAS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
HOST = Implementation(name="host", version="1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ERAS)
async def host(request, workspace):
    """A client that renders apps."""
    server = LabServer(lambda: Lab.open(workspace, trainer=stand_in("complete")))
    renders = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
    client = Client(server, mode=request.param, client_info=HOST, extensions=renders)
    async with client:
        assert client.protocol_version == ERAS[request.param]
        yield client


async def test_the_page_is_one_document_that_needs_nothing_of_another_place(host):
    [listed] = [r for r in (await host.list_resources()).resources if str(r.uri) == URI]
    [read] = (await host.read_resource(URI)).contents
    assert listed.mime_type == read.mime_type == "text/html;profile=mcp-app"
    rules = {"ui": {"csp": {"connectDomains": [], "resourceDomains": []}}}
    assert (listed.meta, read.meta) == (rules, rules)
    assert read.text == document("PAWN lab")
    assert 'data-source="app"' in read.text


async def test_tools_that_are_drawn_name_the_page_in_both_places(host):
    meta = {tool.name: tool.meta for tool in (await host.list_tools()).tools}
    drawn = {name for name, told in meta.items() if told and "ui/resourceUri" in told}
    assert drawn == DRAWN
    for name in drawn:
        assert meta[name]["ui/resourceUri"] == meta[name]["ui"]["resourceUri"] == URI
        assert "model" in meta[name]["ui"]["visibility"]


async def test_decisions_are_for_pages_alone_and_not_listed_where_no_page_is_rendered(
    host, workspace
):
    listed = (await host.list_tools()).tools
    people = {
        tool.name for tool in listed if (tool.meta or {}).get("ui", {}).get("visibility") == ["app"]
    }
    assert people == {tool.name for tool in TOOLS if tool.for_people}
    assert {"lab_approve", "lab_tag"} <= people
    async with Client(LabServer(lambda: Lab.open(workspace))) as plain:
        names = [tool.name for tool in (await plain.list_tools()).tools]
    assert names == [tool.name for tool in AGENT_TOOLS]


async def test_what_a_person_approves_on_the_page_says_so_in_its_event(host, workspace):
    with Lab.open(workspace, trainer=stand_in("complete")) as lab:
        trial = launching.launch(lab, CONFIG, hold=True).id
    answer = await host.call_tool("lab_approve", {"trial_ids": [trial]})
    assert not answer.is_error
    with Lab.open(workspace) as lab:
        ended(lab, trial)
        [event] = [e for e in queries.events(lab).events if e.kind == "approved"]
    assert event.data == {"by": "host, by its page"}
