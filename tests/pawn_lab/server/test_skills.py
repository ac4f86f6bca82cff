"""Skills over MCP, through the official client: what is listed is what is read."""

import hashlib
from typing import Any, Literal

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Request, RequestParams, Result
from pydantic import ConfigDict

from pawn_lab.lab import Lab
from pawn_lab.server import LabServer
from pawn_lab.server.skills import front_matter
from pawn_lab.shipped import SKILLS

pytestmark = pytest.mark.anyio
SKILLS_EXTENSION = "io.modelcontextprotocol/skills"
INVALID_PARAMS = -32602
MOST_FILES, MOST_BYTES = 512, 16 << 20
"""Of a skill, as every host must take it."""


class Asked(RequestParams):
    uri: str | None = None
    cursor: str | None = None


class Seen(Result):
    """Whatever a method answers."""

    model_config = ConfigDict(extra="allow")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(workspace) -> LabServer:
    return LabServer(lambda: Lab.open(workspace))


async def ask(client: Client, method: str, **params: str) -> dict[str, Any]:
    request = Request[Asked, Literal["skills"]].model_construct(
        method=method, params=Asked(**params)
    )
    answer = await client.session.send_request(request, Seen)
    return answer.model_dump(by_alias=True, mode="json", exclude={"meta"}, exclude_none=True)


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert content.mime_type == "text/markdown"
    return content.text


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_file_of_every_skill_is_served_with_its_digest_and_size(server, mode):
    async with Client(server, mode=mode) as client:
        listed = await ask(client, "skills/list")
        assert (listed["ttlMs"] > 0, listed["cacheScope"]) == (True, "public")
        served = {}
        for entry in listed["skills"]:
            assert len(entry["resources"]) <= MOST_FILES
            assert sum(file["size"] for file in entry["resources"]) <= MOST_BYTES
            for file in entry["resources"]:
                content = (await read(client, file["uri"])).encode()
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
                assert (digest, len(content)) == (file["digest"], file["size"]), file["uri"]
                served[file["uri"].removeprefix("skill://")] = content
    on_disk = {str(path.relative_to(SKILLS)): path for path in SKILLS.rglob("*") if path.is_file()}
    assert served == {name: path.read_bytes() for name, path in on_disk.items()}


async def test_the_server_declares_that_it_serves_skills(server):
    async with Client(server) as client:
        assert client.server_capabilities.extensions[SKILLS_EXTENSION] == {}


async def test_an_entry_has_the_front_matter_of_its_skill_and_is_got_alone(server):
    async with Client(server) as client:
        listed = (await ask(client, "skills/list"))["skills"]
        assert "skill://manage-pod/SKILL.md" in {entry["uri"] for entry in listed}
        for entry in listed:
            assert (await ask(client, "skills/get", uri=entry["uri"]))["skill"] == entry
            assert front_matter(await read(client, entry["uri"])) == entry["frontmatter"]
            assert entry["uri"] == f"skill://{entry['frontmatter']['name']}/SKILL.md"
        by_name = {
            resource.name: resource for resource in (await client.list_resources()).resources
        }
        for entry in listed:
            resource = by_name[entry["frontmatter"]["name"]]
            assert str(resource.uri) == entry["uri"]
            assert resource.description == entry["frontmatter"]["description"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("skills/get", {"uri": "skill://nothing/SKILL.md"}),
        ("skills/get", {"uri": "skill://manage-pod/references/gate.md"}),
        ("skills/get", {"uri": "skill://../pyproject.toml"}),
        ("skills/list", {"cursor": "2"}),
    ],
)
async def test_what_is_no_skill_and_no_page_of_the_list_is_refused(server, method, params):
    async with Client(server) as client:
        with pytest.raises(MCPError) as refusal:
            await ask(client, method, **params)
    assert refusal.value.error.code == INVALID_PARAMS


@pytest.mark.parametrize(
    "uri", ["skill://manage-pod/../../pyproject.toml", "skill://none/SKILL.md"]
)
async def test_no_other_file_is_read_as_one_of_a_skill(server, uri):
    async with Client(server) as client:
        with pytest.raises(MCPError):
            await client.read_resource(uri)
