"""The demo's end of the wire: the official MCP client, what it read, and a server it may kill."""

import os
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self

from mcp import StdioServerParameters
from mcp.client import Client

from pawn_lab.shim.identity import parent_of, process_ids
from pawn_lab.tools import tokens


class ToolCallError(Exception):
    """A tool refused a call; the text is the lab's own."""


class TrialFailedError(Exception):
    """A trial of the study did not end as it should; the text is the end of its log."""


class LabClient:
    """A connection to a lab server of its own, started over stdio."""

    def __init__(self, workspace: Path) -> None:
        self.tokens_read = 0
        """Of all answers, as `pawn_lab.tools.tokens` counts them."""
        self._client = Client(
            StdioServerParameters(
                command=str(Path(sys.executable).with_name("pawn-lab")),
                args=["mcp", "--workspace", str(workspace)],
                env={n: v for n, v in os.environ.items() if n.startswith(("PAWN_", "PYTHON"))},
            ),
            read_timeout_seconds=60,
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        others = _children()
        await self._stack.enter_async_context(self._client)
        (self._server,) = _children() - others
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer.

        Raises:
            ToolCallError: the lab refused, and says why.
        """
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(getattr(block, "text", "") for block in result.content)
        self.tokens_read += tokens.count_text(text)
        if result.is_error:
            raise ToolCallError(text)
        return {name: _records(value) for name, value in (result.structured_content or {}).items()}

    def kill_server(self) -> None:
        """Kill the server the hard way, as a crash would; the client, its parent, reaps it."""
        with suppress(ProcessLookupError):
            os.kill(self._server, signal.SIGKILL)


def _records(value: Any) -> Any:
    """Return a table as records without their nulls; any other value as it is."""
    if not isinstance(value, dict) or value.keys() != {"columns", "rows"}:
        return value
    records = [dict(zip(value["columns"], row, strict=True)) for row in value["rows"]]
    return [{name: v for name, v in record.items() if v is not None} for record in records]


def _children() -> set[int]:
    """Return the PIDs of this process's children."""
    return {pid for pid in process_ids() if _parent(pid) == os.getpid()}


def _parent(pid: int) -> int | None:
    with suppress(OSError):  # it has just ended
        return parent_of(pid)
    return None


def fresh_workspace(runs: Path) -> Path:
    """Make `demo-<time>` under `runs` and let `runs/demo` point at it."""
    workspace = runs / time.strftime("demo-%Y%m%d-%H%M%S")
    workspace.mkdir(parents=True)
    link = runs / "demo"
    link.unlink(missing_ok=True)
    link.symlink_to(workspace.name)
    return workspace
