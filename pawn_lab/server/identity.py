"""What the server says of itself: its home, its icons, the revisions it speaks, and its lists.

Each list is one page, and stays as it is while a server runs; so a cursor is never right, and the
promise to tell of changes is kept in both eras of the protocol.
"""

from base64 import b64encode
from functools import cache
from importlib.resources import files

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Icon
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

REGISTRY_NAME = "io.github.pawn-lab/pawn-lab"
TITLE = "PAWN lab"
DESCRIPTION = (
    "Run chess world-model experiments: launch, watch, resume, compare and report training trials."
)
WEBSITE = "https://github.com/pawn-lab/pawn-lab"
LISTS = frozenset({"tools/list", "resources/list", "resources/templates/list", "prompts/list"})


@cache
def icons() -> list[Icon]:
    """Return the icon as hosts show it, within the answer: nothing is fetched for it."""
    return [
        _icon("pawn-48.png", "image/png", "48x48"),
        _icon("pawn.svg", "image/svg+xml", "any"),
    ]


def _icon(name: str, mime_type: str, size: str) -> Icon:
    data = b64encode((files("pawn_lab.server") / "icons" / name).read_bytes()).decode()
    return Icon(src=f"data:{mime_type};base64,{data}", mime_type=mime_type, sizes=[size])


async def introduced(ctx: ServerRequestContext, call_next: CallNext) -> HandlerResult:
    """Refuse a cursor that no list gave, and complete what the SDK says of the server.

    Raises:
        MCPError: INVALID_PARAMS, for a cursor.
    """
    if ctx.method in LISTS and (cursor := (ctx.params or {}).get("cursor")):
        raise MCPError(
            INVALID_PARAMS, f"cursor {str(cursor)[:40]!r} is unknown: a list is one page"
        )
    result = await call_next(ctx)
    if isinstance(result, dict):
        if ctx.method == "server/discover":
            result["supportedVersions"] = [*reversed(KNOWN_PROTOCOL_VERSIONS)]
        elif ctx.method == "initialize":
            for capability in ("tools", "resources", "prompts"):
                result["capabilities"][capability]["listChanged"] = True
    return result
