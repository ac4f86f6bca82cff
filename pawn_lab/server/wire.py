"""What clients send, checked before the SDK sees it: every line gets its answer.

The SDK's own reader over stdio drops a line that it cannot parse, holds a line of any length, and
takes a request whose id is none for a notification; whoever waits for that answer waits for ever.
"""

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
from anyio import create_task_group
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, RequestBodyLimitMiddleware
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    RequestId,
)
from mcp_types.jsonrpc import jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = DEFAULT_MAX_REQUEST_BODY_SIZE
"""Of a message, over stdio as over HTTP."""
_CHUNK_BYTES = 1 << 16
_PARENT_LOOK_S = 1.0
_TOKEN = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_ID = re.compile(r'\s*+:\s*+(?:(-?\d{1,18})|"([^"\\]{1,200})")\s*+[,}]')


def received(line: bytes) -> JSONRPCMessage | list[JSONRPCError]:
    """Return the message that a line is, or the errors that answer it: one for each request."""
    if len(line) > MOST_BYTES:
        return [_refusal(INVALID_REQUEST, f"a message has at most {MOST_BYTES} bytes", line)]
    try:
        value = from_json(line)
    except ValueError as error:
        return [_refusal(PARSE_ERROR, f"not JSON of whole characters: {error}", line)]
    if isinstance(value, list):
        return _refused_batch(value)
    try:
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        return [_refusal(INVALID_REQUEST, "not a JSON-RPC 2.0 message", line)]
    if _asks(value) and not isinstance(message, JSONRPCRequest):
        return [_refusal(INVALID_REQUEST, "id is not allowed: a whole number or text", b"")]
    return message


def _refused_batch(batch: list[Any]) -> list[JSONRPCError]:
    """Refuse each request of a batch by its own id, so that no caller waits."""
    reason = "a batch is not taken: send its messages one by one"
    ids = [item["id"] for item in batch if _asks(item) and type(item["id"]) in (int, str)]
    return [_error(INVALID_REQUEST, reason, request_id) for request_id in ids or [None]]


def _asks(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value and "method" in value


def _refusal(code: int, reason: str, line: bytes) -> JSONRPCError:
    return _error(code, reason, _id_within(line.decode(errors="replace")))


def _error(code: int, reason: str, request_id: RequestId | None) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=reason))


def _id_within(text: str) -> RequestId | None:
    """Return the id of a request that could not be parsed, if it can be told from its brackets."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("{", "["):
            depth += 1
        elif token[0] in ("}", "]"):
            depth -= 1
        elif depth == 1 and token[1] == "id" and (match := _ID.match(text, token.end())):
            return int(match[1]) if match[1] else match[2]
    return None


Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]


@asynccontextmanager
async def stdio() -> AsyncIterator[tuple[Incoming, Any]]:
    """Serve standard input and output: the SDK writes, and what comes in is read here.

    Meanwhile standard input is empty for everybody else in this process and its children. It ends
    with whoever started us, even where another process holds the other end of it.

    Raises:
        BrokenPipeError: nobody reads the answers any more.
    """
    incoming, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
    nothing, gone = anyio.wrap_file(StringIO()), False
    try:
        with _standard_input() as descriptor:
            async with (
                stdio_server(stdin=nothing) as (ended, answers),
                create_task_group() as group,
            ):
                await ended.aclose()
                group.start_soon(_forward_for, os.getppid(), descriptor, incoming, answers)
                yield messages, answers
                group.cancel_scope.cancel()
    except* BrokenPipeError:
        gone = True
    if gone:
        raise BrokenPipeError


@contextmanager
def _standard_input() -> Iterator[int]:
    """Take the standard input for ourselves."""
    descriptor = os.dup(0)
    try:
        with Path(os.devnull).open("rb") as empty:
            os.dup2(empty.fileno(), 0)
        yield descriptor
    finally:
        os.dup2(descriptor, 0)
        os.close(descriptor)


async def _forward_for(
    parent: int,
    descriptor: int,
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    answers: Any,
) -> None:
    """Pass on what comes as long as the process that started us lives."""
    async with create_task_group() as group:
        group.start_soon(_cancel_without, parent, group.cancel_scope)
        await _forward(descriptor, incoming, answers)
        group.cancel_scope.cancel()


async def _cancel_without(parent: int, scope: anyio.CancelScope) -> None:
    while os.getppid() == parent:
        await anyio.sleep(_PARENT_LOOK_S)
    scope.cancel()


async def _forward(
    descriptor: int, incoming: MemoryObjectSendStream[SessionMessage | Exception], answers: Any
) -> None:
    """Pass on what is a message, and answer what is none."""
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # the server has ended
        async with incoming:
            async for line in lines(descriptor):
                match received(line):
                    case list() as errors:
                        for error in errors:
                            await answers.send(SessionMessage(error))
                    case message:
                        await incoming.send(SessionMessage(message))


async def lines(descriptor: int) -> AsyncIterator[bytes]:
    """Yield the lines of a pipe that are not blank; of one that is too long its beginning."""
    pending = b""
    while chunk := await _read(descriptor):
        *whole, rest = (pending + chunk).split(b"\n")
        pending = rest[: MOST_BYTES + 1]
        for line in whole:
            if line.strip():
                yield line
    if pending.strip():
        yield pending


async def _read(descriptor: int) -> bytes:
    """Read what is there, without a thread that nothing could wake when the server is to end."""
    with suppress(PermissionError):  # a regular file cannot be waited for, and never blocks
        await anyio.wait_readable(descriptor)
    return os.read(descriptor, _CHUNK_BYTES)


class CheckedRequests:
    """Answers what is no message over HTTP too, and does not ask for events to be replayed.

    No events are kept; of a client that comes back the SDK would answer status 500.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._bounded = RequestBodyLimitMiddleware(self._checked, MOST_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            asked = scope["headers"]
            scope["headers"] = [header for header in asked if header[0] != b"last-event-id"]
        app = self._bounded if scope.get("method") == "POST" else self._app
        await app(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body comes in one piece, as the limit hands it on."""
        body: list[Message] = [await receive()]
        match received(body[0].get("body", b"")):
            case [error, *_]:
                # The connection says whose answer it is; an id that was guessed says nothing more.
                error.id = None if error.error.code == PARSE_ERROR else error.id
                content = error.model_dump_json(by_alias=True, exclude_unset=True)
                await Response(content, 400, media_type="application/json")(scope, receive, send)
            case _:

                async def replay() -> Message:
                    return body.pop() if body else await receive()

                await self._app(scope, replay, send)
