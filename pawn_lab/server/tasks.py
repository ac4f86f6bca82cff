"""Waits as MCP tasks (extension io.modelcontextprotocol/tasks, revision 2026-07-28).

A client that declares the extension gets a task at once where a wait would block it, and polls
`tasks/get`. Nothing runs meanwhile: a task is the wait's arguments in a file of the workspace, and
each poll looks whether it is over. So tasks outlive the server, as trials do.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    RequestParams,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from pawn_lab.documents import own_folder, read_json_object, write_json
from pawn_lab.locks import locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.tools.wait import TOOL as WAIT

TTL_MS = 24 * 3600 * 1000
POLL_MS = 2000
_LATEST = 1e11
_TASK_ID = re.compile(r"[0-9a-f]{32}")

Document = dict[str, Any]
CallTool = Callable[[str, dict[str, Any]], Awaitable[CallToolResult]]


class TaskParams(RequestParams):
    """What `tasks/get`, `tasks/update` and `tasks/cancel` name; input responses are ignored."""

    task_id: str


class WaitStore:
    """The waits of a workspace that are tasks; a document each, absent or whole."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._folder = paths.waits

    def create(self, arguments: dict[str, Any]) -> Document:
        """Keep a new wait, and forget those whose time is over."""
        own_folder(self._folder)
        oldest = time.time() - TTL_MS / 1000
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(OSError):  # another process forgot it, or it is no file
                if path.lstat().st_mtime < oldest:
                    path.unlink()
        now = time.time()
        task = {"id": secrets.token_hex(16), "arguments": arguments, "created": now}
        return self._change(task, "working")

    def get(self, task_id: str) -> Document:
        """Return a wait.

        Raises:
            MCPError: there is none of that name, or none any more.
        """
        named = _TASK_ID.fullmatch(task_id)
        task = read_json_object(self._folder / f"{task_id}.json") if named else None
        if task is None or not _is_whole(task) or time.time() > task["created"] + TTL_MS / 1000:
            raise MCPError(
                code=INVALID_PARAMS, message=f"there is no task '{task_id[:40]}', or none any more"
            )
        return task

    def end(self, task_id: str, status: str, result: Document | None = None) -> Document:
        """Record how a wait ended, unless another poll has done so, and return what is recorded.

        Raises:
            MCPError: there is no wait of that name, or none any more.
            TimeoutError: another process kept the waits locked.
        """
        self.get(task_id)
        with locked(self._folder / "lock"):
            task = self.get(task_id)
            is_over = task["status"] != "working"
            return task if is_over else self._change(task, status, result)

    def _change(self, task: Document, status: str, result: Document | None = None) -> Document:
        changed = task | {"status": status, "changed": time.time(), "result": result}
        write_json(self._folder / f"{task['id']}.json", changed)
        return changed


def _is_whole(task: Document) -> bool:
    """Whether a document is one that was written here."""
    moments = [task.get("created"), task.get("changed")]
    return (
        all(isinstance(moment, int | float) and 0 <= moment < _LATEST for moment in moments)
        and isinstance(task.get("id"), str)
        and isinstance(task.get("status"), str)
        and isinstance(task.get("arguments"), dict)
        and isinstance(task.get("result"), dict | None)
    )


class WaitTasks(Extension):
    """Turns a wait that is not over at once into a task, for clients that know tasks."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self, call_tool: CallTool, store: Callable[[], WaitStore]) -> None:
        self._call_tool = call_tool
        self._store = store

    def methods(self) -> Sequence[MethodBinding]:
        """Serve the extension's three methods."""
        handlers = {"get": self._get, "update": self._acknowledge, "cancel": self._cancel}
        modern = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding(f"tasks/{name}", TaskParams, handler, modern)
            for name, handler in handlers.items()
        ]

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,
        ctx: ServerRequestContext[Any, Any],
        call_next: CallNext,
    ) -> HandlerResult:
        """Answer a wait with a task, unless it is over, bounded by the caller or refused."""
        arguments = params.arguments or {}
        bounded = arguments.get("timeout_s") is not None
        if params.name != WAIT.name or bounded or not self._declared(ctx):
            return await call_next(ctx)
        try:
            seen = await self._look(arguments)
        except ToolError:
            return await call_next(ctx)
        if _is_over(seen):
            return seen
        begun = arguments | {"since": (seen.structured_content or {})["cursor"]}
        task = await anyio.to_thread.run_sync(lambda: self._store().create(begun))
        return {"resultType": "task"} | _on_wire(task)

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        require_client_extension(ctx, self.identifier)
        task = await anyio.to_thread.run_sync(lambda: self._store().get(params.task_id))
        if task["status"] == "working" and (result := await self._result(task)) is not None:
            task = await anyio.to_thread.run_sync(
                lambda: self._store().end(params.task_id, "completed", result)
            )
        return _on_wire(task)

    async def _cancel(
        self, ctx: ServerRequestContext[Any, Any], params: TaskParams
    ) -> HandlerResult:
        """Forget what was waited for; the trials do not hear of it."""
        require_client_extension(ctx, self.identifier)
        await anyio.to_thread.run_sync(lambda: self._store().end(params.task_id, "cancelled"))
        return {}

    async def _acknowledge(
        self, ctx: ServerRequestContext[Any, Any], params: TaskParams
    ) -> HandlerResult:
        """Acknowledge input, for which a wait never asks."""
        require_client_extension(ctx, self.identifier)
        await anyio.to_thread.run_sync(lambda: self._store().get(params.task_id))
        return {}

    async def _result(self, task: Document) -> Document | None:
        """Return the tool's result where the wait is over, or has become impossible."""
        try:
            seen = await self._look(task["arguments"])
        except ToolError as error:
            seen = CallToolResult(content=[TextContent(text=str(error))], is_error=True)
        done = seen.is_error or _is_over(seen)
        return seen.model_dump(mode="json", by_alias=True, exclude_none=True) if done else None

    async def _look(self, arguments: dict[str, Any]) -> CallToolResult:
        return await self._call_tool(WAIT.name, arguments | {"timeout_s": 0})

    def _declared(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        capabilities = ctx.session.client_capabilities
        declared = (capabilities.extensions if capabilities else None) or {}
        return self.identifier in declared and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _is_over(seen: CallToolResult) -> bool:
    return (seen.structured_content or {}).get("over") != "timeout"


def _on_wire(task: Document) -> Document:
    shown = {
        "taskId": task["id"],
        "status": task["status"],
        "createdAt": _moment(task["created"]),
        "lastUpdatedAt": _moment(task["changed"]),
        "ttlMs": TTL_MS,
        "pollIntervalMs": POLL_MS,
    }
    return shown if task["result"] is None else shown | {"result": task["result"]}


def _moment(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")
