"""The board: a process beside the server that holds a model, asked a question at a time.

The server never imports torch. The process starts with the first question, ends when nothing is
asked for a while, and is started anew after it has died.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pawn_core.config.weights import TrialWeights
from pawn_lab.dashboard.answers import answer, object_in
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosting import TOKEN_VARIABLE, Access
from pawn_lab.views.board_models import checkpoint_folder

_MOST_WAITING = 8
_SECONDS, _SECONDS_TO_FIT = 120.0, 600.0
"""For an answer; the first one takes a start, and that of probes their fit."""
_LONGEST_ANSWER = 16 << 20
_ENDED = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    anyio.IncompleteRead,
)


class Board:
    """The board of one server."""

    def __init__(self, exhibit: Exhibit, access: Access) -> None:
        self._exhibit, self._access = exhibit, access
        self._process = BoardProcess((sys.executable, "-m", "pawn_core.board"))

    def routes(self) -> list[Route]:
        """Return the routes below `/api`."""
        return [Route("/board/{question}", self._ask, methods=["POST"])]

    async def close(self) -> None:
        """End the process."""
        await self._process.end()

    async def _ask(self, request: Request) -> Response:
        """Answer a question of `pawn_core.board`; the body holds its fields."""
        fields = await object_in(request)
        if "source" in fields:
            any_source = self._access.has_token(request.scope)
            find = partial(self._place, fields["source"], any_source)
            fields["source"] = await anyio.to_thread.run_sync(find)
        question = request.path_params["question"]
        seconds = _SECONDS_TO_FIT if question == "probes" else _SECONDS
        return answer(await self._process.ask(question, fields, seconds))

    def _place(self, source: object, any_source: bool) -> str:
        """Return the weights of a trial as their folder.

        Raises:
            InvalidRequestError: not such weights, and whoever asks may name no others.
        """
        try:
            weights = TrialWeights.parse(source) if isinstance(source, str) else None
        except ValueError as error:
            raise InvalidRequestError(f"source: {error}") from None
        if weights is not None:
            with self._exhibit.open_to_look() as lab:
                return str(checkpoint_folder(lab, weights))
        if not any_source or not isinstance(source, str):
            raise InvalidRequestError(
                f"source {str(source)[:80]!r} is not allowed: weights of a trial, as "
                "trial:12@best; folders and repositories need the token of this server"
            )
        return source


class BoardProcess:
    """A process that answers a line for a line, one at a time.

    Args:
        command: starts it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._turn = anyio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._lines: BufferedByteReceiveStream
        self._asked = 0

    async def ask(self, question: str, fields: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the answer.

        Raises:
            InvalidRequestError: the question is not allowed; says why.
            HTTPException: too many wait, or the process took too long or died.
        """
        if self._waiting >= _MOST_WAITING:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the board is busy: {self._waiting} questions wait; ask again later",
            )
        self._waiting += 1
        try:
            async with self._turn:
                said = await self._answered(question, fields, seconds)
        finally:
            self._waiting -= 1
        if "error" in said:
            raise InvalidRequestError(said["error"])
        return said["answer"]

    async def end(self) -> None:
        """Kill the process, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.aclose()

    async def _answered(
        self, question: str, fields: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Ask, and leave no process behind whose answer nobody waits for."""
        whole = False
        try:
            with anyio.fail_after(seconds):
                said = await self._exchanged(question, fields)
            whole = True
            return said
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"the board took more than {seconds:g} s for '{question[:40]}' and was ended; "
                "a smaller model may do",
            ) from None
        except (*_ENDED, anyio.DelimiterNotFound, ValueError):
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the process of the board ended at '{question[:40]}'; ask again to start it",
            ) from None
        finally:
            if not whole:
                await self.end()

    async def _exchanged(self, question: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Ask; once more where a process that had answered before is gone, perhaps of itself."""
        fresh = self._process is None
        try:
            return await self._exchange(question, fields)
        except _ENDED:
            if fresh:
                raise
        await self.end()
        return await self._exchange(question, fields)

    async def _exchange(self, question: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._asked += 1
        asked = {"id": self._asked, "question": question, "fields": fields}
        line = json.dumps(asked).encode() + b"\n"
        process = await self._running()
        assert process.stdin is not None
        await process.stdin.send(line)
        answered = json.loads(await self._lines.receive_until(b"\n", _LONGEST_ANSWER))
        if answered["id"] != self._asked:
            raise ValueError("an answer to another question")
        return answered

    async def _running(self) -> Process:
        """Return the process, started if there is none that runs."""
        if self._process is not None and self._process.returncode is not None:
            await self.end()
        if self._process is None:
            environment = {n: v for n, v in os.environ.items() if n != TOKEN_VARIABLE}
            self._process = await anyio.open_process(
                self._command, stderr=None, env=environment, stdin=subprocess.PIPE
            )
            assert self._process.stdout is not None
            self._lines = BufferedByteReceiveStream(self._process.stdout)
        return self._process
