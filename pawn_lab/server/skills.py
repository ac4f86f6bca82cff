"""Skills over MCP (extension io.modelcontextprotocol/skills, SEP-2640): the files, and digests.

Each file of a skill is a resource, `skill://NAME/PATH`, served byte for byte. `skills/list` and
`skills/get` say what they hash to, from the files as they are at the call.
"""

import hashlib
import mimetypes
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import FunctionResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams

from pawn_lab.shipped import SKILLS
from pawn_lab.text import shorten

SKILL_FILE = "SKILL.md"
TTL_MS = 300_000
"""How long a host may take what is listed as current."""

_FENCE = "---\n"
_MOST_URI_CHARACTERS = 100

Document = dict[str, Any]


class SkillParams(RequestParams):
    """What `skills/get` names: the URI of a skill's SKILL.md."""

    uri: str


class Skills(Extension):
    """The skills below a folder, one a folder of its own."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self, folder: Path = SKILLS) -> None:
        self._folder = folder

    def resources(self) -> Sequence[ResourceBinding]:
        """Serve every file of every skill."""
        return [
            ResourceBinding(self._resource(skill, file))
            for skill in self._skills()
            for file in files(skill)
        ]

    def methods(self) -> Sequence[MethodBinding]:
        """Serve the two methods that a server of skills must."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", SkillParams, self._get),
        ]

    async def _list(
        self, ctx: ServerRequestContext[Any, Any], params: PaginatedRequestParams
    ) -> HandlerResult:
        if params.cursor is not None:
            raise MCPError(code=INVALID_PARAMS, message="cursor is unknown: there is one page")
        entries = await anyio.to_thread.run_sync(lambda: [*map(self._entry, self._skills())])
        return _cacheable({"skills": entries})

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: SkillParams) -> HandlerResult:
        by_uri = {self._uri(skill / SKILL_FILE): skill for skill in self._skills()}
        if params.uri not in by_uri:
            asked = shorten(params.uri, _MOST_URI_CHARACTERS)
            message = f"uri '{asked}' is no skill's; one of: {', '.join(by_uri)}"
            raise MCPError(code=INVALID_PARAMS, message=message)
        entry = await anyio.to_thread.run_sync(self._entry, by_uri[params.uri])
        return _cacheable({"skill": entry})

    def _skills(self) -> list[Path]:
        return sorted(path.parent for path in self._folder.glob(f"*/{SKILL_FILE}"))

    def _uri(self, file: Path) -> str:
        return f"skill://{file.relative_to(self._folder).as_posix()}"

    def _resource(self, skill: Path, file: Path) -> FunctionResource:
        head = front_matter(text_of(skill / SKILL_FILE))
        is_skill = file.name == SKILL_FILE
        return FunctionResource(
            uri=self._uri(file),
            name=(name := head["name"] if is_skill else file.relative_to(self._folder).as_posix()),
            title=name,
            description=head["description"] if is_skill else f"Of the skill {head['name']}.",
            mime_type=mimetypes.guess_type(file.name)[0] or "text/plain",
            fn=partial(text_of, file),
        )

    def _entry(self, skill: Path) -> Document:
        """Return what hosts are told of a skill: its front matter, and every file's digest."""
        return {
            "uri": self._uri(skill / SKILL_FILE),
            "frontmatter": front_matter(text_of(skill / SKILL_FILE)),
            "resources": [self._digest(file) for file in files(skill)],
        }

    def _digest(self, file: Path) -> Document:
        content = file.read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return {"uri": self._uri(file), "digest": digest, "size": len(content)}


def files(skill: Path) -> list[Path]:
    """Return the files of a skill, SKILL.md among them."""
    return sorted(path for path in skill.rglob("*") if path.is_file())


def text_of(file: Path) -> str:
    """Return a file's text, every byte of it: no end of a line is translated."""
    return file.read_bytes().decode()


def front_matter(text: str) -> dict[str, str]:
    """Return the fields at the head of a skill, each a line of plain text."""
    head = text.removeprefix(_FENCE).partition(_FENCE)[0]
    return dict(line.split(": ", 1) for line in head.splitlines())


def _cacheable(result: Document) -> Document:
    return {"resultType": "complete", "ttlMs": TTL_MS, "cacheScope": "public"} | result
