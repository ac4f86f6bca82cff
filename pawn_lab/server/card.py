"""The server card: what a client may know of the lab over HTTP before it connects.

SEP-2127 and its extension: the card beside the endpoint, and a catalog of one at the well-known
place. Pages of other origins are refused both, as everything else.
"""

from importlib.metadata import version
from typing import Any

from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from pawn_lab.hosting import Access
from pawn_lab.server.identity import DESCRIPTION, REGISTRY_NAME, TITLE, WEBSITE, icons

CARD_TYPE = "application/mcp-server-card+json"
CATALOG = "/.well-known/mcp/catalog.json"
WELL_KNOWN_CARD = "/.well-known/mcp/server-card.json"
"""Where clients of before the extension look."""
_SCHEMA = "https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json"
_TOKEN = {
    "name": "Authorization",
    "description": "Bearer and the token that the server was started with.",
    "isRequired": True,
    "isSecret": True,
}


def card_routes(endpoint: str, access: Access) -> list[BaseRoute]:
    """Return the routes of the card and the catalog of a server at a path."""

    async def send_card(request: Request) -> JSONResponse:
        return JSONResponse(card(_url(request, endpoint), access), media_type=CARD_TYPE)

    async def send_catalog(request: Request) -> JSONResponse:
        return JSONResponse(catalog(_url(request, f"{endpoint}/server-card")))

    return [
        Route(f"{endpoint}/server-card", send_card),
        Route(WELL_KNOWN_CARD, send_card),
        Route(CATALOG, send_catalog),
    ]


def card(url: str, access: Access) -> dict[str, Any]:
    """Return the card of the server whose endpoint has this address."""
    remote = {
        "type": "streamable-http",
        "url": url,
        "supportedProtocolVersions": [*reversed(KNOWN_PROTOCOL_VERSIONS)],
    }
    return {
        "$schema": _SCHEMA,
        "name": REGISTRY_NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": version("pawn-lab"),
        "websiteUrl": WEBSITE,
        "repository": {"url": WEBSITE, "source": "github"},
        "icons": [icon.model_dump(by_alias=True, exclude_none=True) for icon in icons()],
        "remotes": [remote if access.reading_is_open else remote | {"headers": [_TOKEN]}],
    }


def catalog(card_url: str) -> dict[str, Any]:
    """Return the catalog with the one server of this host."""
    publisher, name = REGISTRY_NAME.split("/")
    domain = ".".join(reversed(publisher.split(".")))
    entry = {
        "identifier": f"urn:air:{domain}:{name}",
        "displayName": TITLE,
        "type": CARD_TYPE,
        "url": card_url,
    }
    return {"specVersion": "draft", "entries": [entry]}


def _url(request: Request, path: str) -> str:
    return f"{request.base_url}".rstrip("/") + path
