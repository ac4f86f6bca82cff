"""The page as an MCP App: hosts that render it draw some answers, and let people decide there.

Extension io.modelcontextprotocol/ui, revision 2026-01-26; other hosts have text and picture.
"""

from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import FunctionResource

from pawn_lab.page import document
from pawn_lab.tools import LabTool

URI = "ui://pawn-lab/app"
DRAWN = frozenset({"lab_plot", "lab_status", "lab_compare"})
"""Tools whose answers the page shows."""

_FLAT_URI = "ui/resourceUri"
"""Where hosts of before the first revision look for it."""


def lab_app() -> Apps:
    """Return the extension with its one resource, which asks for nothing of another place."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=URI,
            name="pawn-lab-app",
            title="PAWN lab",
            description="Curves, comparisons and the state of the lab, drawn by hosts.",
            mime_type=APP_MIME_TYPE,
            meta={"ui": {"csp": {"connectDomains": [], "resourceDomains": []}}},
            fn=lambda: document("PAWN lab"),
        )
    )
    return apps


def tool_meta(tool: LabTool) -> dict[str, Any] | None:
    """Return what hosts are told of a tool: which page draws it, and who may call it."""
    if tool.for_people:
        return {"ui": {"visibility": ["app"]}}
    if tool.name in DRAWN:
        return {"ui": {"resourceUri": URI, "visibility": ["model", "app"]}, _FLAT_URI: URI}
    return None
