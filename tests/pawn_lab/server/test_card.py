"""The server card, as a client reads it before it connects."""

import json
from pathlib import Path

import httpx2
import pytest
from lab_testing import serving
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from pawn_lab.hosting import Access
from pawn_lab.server.card import card

REGISTRY = json.loads((Path(__file__).parents[3] / "server.json").read_text(encoding="utf-8"))
TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("open") / "runs") as url:
        yield url


def test_the_catalog_leads_to_the_card_and_the_card_to_the_server(open_server):
    root = open_server.removesuffix("/mcp")
    [entry] = httpx2.get(f"{root}/.well-known/mcp/catalog.json").json()["entries"]
    answer = httpx2.get(entry["url"])
    assert answer.headers["content-type"] == entry["type"] == "application/mcp-server-card+json"
    assert entry["identifier"] == "urn:air:pawn-lab.github.io:pawn-lab"
    [remote] = answer.json()["remotes"]
    assert (remote["type"], remote["url"]) == ("streamable-http", open_server)
    assert set(remote["supportedProtocolVersions"]) == set(KNOWN_PROTOCOL_VERSIONS)
    assert "headers" not in remote
    assert httpx2.get(f"{root}/.well-known/mcp/server-card.json").json() == answer.json()


def test_the_card_says_of_the_server_what_the_registry_says(open_server):
    card = httpx2.get(f"{open_server}/server-card").json()
    for field in ("name", "title", "description", "websiteUrl", "repository"):
        assert card[field] == REGISTRY[field]
    assert {icon["mimeType"] for icon in card["icons"]} == {"image/png", "image/svg+xml"}


def test_pages_of_other_origins_are_refused_the_card(open_server):
    foreign = {"Origin": "https://elsewhere.example"}
    assert httpx2.get(f"{open_server}/server-card", headers=foreign).status_code == 403


def test_the_card_of_a_guarded_server_asks_for_the_token_and_does_not_tell_it():
    told = card("http://lab.example/mcp", Access.to("0.0.0.0", ["lab.example"], TOKEN))
    [remote] = told["remotes"]
    [header] = remote["headers"]
    assert header["name"] == "Authorization"
    assert header["isRequired"]
    assert header["isSecret"]
    assert TOKEN not in json.dumps(told)
