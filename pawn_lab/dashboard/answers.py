"""What the page asks of the lab, and what it asks it to do: every action is a call of a tool."""

import contextlib
import re
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote

import anyio
import anyio.to_thread
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pawn_core.config.errors import did_you_mean
from pawn_core.untrusted import parse_object
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.errors import InvalidRequestError, WorkspaceError
from pawn_lab.hosting import TOKEN_VARIABLE, Access
from pawn_lab.text import mask_secrets
from pawn_lab.tools import TOOLS, LabTool
from pawn_lab.views import answered

AUTHOR_HEADER = "x-pawn-author"
_AUTHOR = re.compile(r"[\w .@+-]{1,24}")
_MOST_BODY_BYTES = 4 << 20
_MOST_AT_ONCE = 4
"""Questions that are answered at the same time: each may hold a lab's curves in memory."""
_NO_TOKEN = "this server needs a token: give the one that PAWN_LAB_TOKEN holds where it runs"
_NO_CONTROL = (
    "acting needs the token of this server; where it was started without one, start it with "
    f"`pawn-lab dashboard --control`, or set {TOKEN_VARIABLE}"
)


class GuardedReading:
    """Let through only who may read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 where the token is needed and missing."""
        if scope["type"] == "http" and not self._access.may_read(scope):
            refusal = answer({"error": _NO_TOKEN}, 401, **{"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Answers:
    """The lab's answers to one server's pages."""

    def __init__(self, exhibit: Exhibit, access: Access) -> None:
        self._exhibit, self._access = exhibit, access
        self._tools = {tool.name: tool for tool in TOOLS}
        self._turns = anyio.CapacityLimiter(_MOST_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the routes below `/api`."""
        return [
            Route("/session", self._session),
            Route("/view/{name}", self._view),
            Route("/call/{name}", self._call, methods=["POST"]),
        ]

    async def prepare(self) -> None:
        """Look at the table before anybody asks: configs that were read once stay known."""
        with contextlib.suppress(Exception):  # whoever asks is told
            await self._in_turn(partial(self._look, "trials", {}))

    async def _session(self, request: Request) -> Response:
        """Say what is shown, and what whoever asks may do."""
        return await self._in_turn(partial(self._facts, self._may_act(request)))

    async def _view(self, request: Request) -> Response:
        """Answer a question of a page."""
        name, arguments = request.path_params["name"], dict(request.query_params)
        if len(arguments) < len(request.query_params.multi_items()):
            raise InvalidRequestError("an argument is given twice; allowed: once, a list as 1,2,5")
        return await self._in_turn(partial(self._look, name, arguments))

    async def _call(self, request: Request) -> Response:
        """Call a tool; the body holds its arguments."""
        tool = self._tool(request.path_params["name"])
        if not (tool.read_only or self._may_act(request)):
            raise HTTPException(HTTPStatus.FORBIDDEN, self._why_no_control())
        arguments = await object_in(request)
        if tool.waits:
            arguments["timeout_s"] = 0
        act = partial(self._act, tool, arguments, author(request))
        if tool.read_only:
            return await self._in_turn(act)
        return await anyio.to_thread.run_sync(lambda: answer(act()))

    def _tool(self, name: str) -> LabTool:
        if name not in self._tools:
            hint = did_you_mean(name, self._tools) or f"; tools: {', '.join(self._tools)}"
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no tool '{name[:40]}'{hint}")
        return self._tools[name]

    async def _in_turn(self, look: Callable[[], dict[str, Any]]) -> Response:
        """Answer on a worker thread, a few at once; what acts waits for none of them."""
        return await anyio.to_thread.run_sync(lambda: answer(look()), limiter=self._turns)

    def _facts(self, control: bool) -> dict[str, Any]:
        with self._exhibit.open_to_look() as lab:
            workspace, exists = mask_secrets(str(self._exhibit.place(lab))), lab.exists
        return {
            "mode": self._exhibit.mode,
            "workspace": workspace,
            "exists": exists,
            "version": version("pawn-lab"),
            "control": control,
            "token": self._access.token is not None,
            "board": True,
            "now": time.time(),
        }

    def _look(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with self._exhibit.open_to_look() as lab:
            return answered(lab, name, arguments)

    def _act(self, tool: LabTool, arguments: dict[str, Any], name: str) -> dict[str, Any]:
        with self._exhibit.open().called_by(name) as lab:
            return tool(lab, arguments).wire()

    def _may_act(self, request: Request) -> bool:
        return self._exhibit.mode == "live" and self._access.has_token(request.scope)

    def _why_no_control(self) -> str:
        return _NO_CONTROL if self._exhibit.mode == "live" else "run folders are only looked at"


def author(request: Request) -> str:
    """Return who acts, as events say it.

    Raises:
        InvalidRequestError: the name that the page gave is none.
    """
    given = request.headers.get(AUTHOR_HEADER)
    if given is None:
        return "dashboard"
    name = unquote(given)  # a header of a browser holds no other letters than Latin ones
    if not _AUTHOR.fullmatch(name):
        raise InvalidRequestError(
            f"author {name[:40]!r} is not allowed: 1 to 24 letters, digits, blanks or . @ + - _"
        )
    return f"dashboard: {name.strip()}"


def answer(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    """Return an answer as strict JSON: a number that is none is null."""
    kept = {
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    body = to_json(content, inf_nan_mode="null")
    return Response(body, status, kept | headers, media_type="application/json")


async def refused(_: Request, error: Exception) -> Response:
    """Answer with what the lab says."""
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, LookupError):
        status = HTTPStatus.NOT_FOUND
    elif isinstance(error, WorkspaceError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return answer({"error": mask_secrets(str(error))}, status)


async def not_served(_: Request, error: Exception) -> Response:
    """Answer what is no question, or not for whoever asks."""
    assert isinstance(error, HTTPException)
    return answer({"error": error.detail}, error.status_code, **(error.headers or {}))


async def failed(request: Request, error: Exception) -> Response:
    """Answer after a defect of the lab; the traceback goes to stderr."""
    said = f"{request.url.path} failed: {type(error).__name__}"
    return answer({"error": said}, HTTPStatus.INTERNAL_SERVER_ERROR)


async def object_in(request: Request) -> dict[str, Any]:
    """Return the body's object.

    Raises:
        InvalidRequestError: it holds none, or one that is too large or too deep.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        return parse_object(await _body(request), "the body")
    except ValueError as error:
        raise InvalidRequestError(str(error)) from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY_BYTES:
            said = f"the body has over {_MOST_BODY_BYTES} bytes"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
    return bytes(body)
