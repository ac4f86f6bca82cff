"""The dashboard as an application: the page, the lab's answers to it, and agents beside it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from pawn_core.config import ConfigError
from pawn_lab.dashboard.answers import Answers, GuardedReading, failed, not_served, refused
from pawn_lab.dashboard.board import Board
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.dashboard.files import page_routes
from pawn_lab.dashboard.stream import Watch, stream_route
from pawn_lab.errors import LabError
from pawn_lab.hosting import Access, SameSite

_GZIP_LEAST_BYTES = 4096
_GZIP_LEVEL = 1
"""The fastest: what is sent often goes to a browser on this machine, or through a tunnel."""


class Beside(NamedTuple):
    """Another application that is served beside the page, with what its sessions live in.

    described: routes that say what it is, and need no token.
    """

    path: str
    app: ASGIApp
    running: Callable[[], AbstractAsyncContextManager[object]]
    described: Sequence[BaseRoute] = ()


def dashboard_app(exhibit: Exhibit, access: Access, beside: Beside | None = None) -> Starlette:
    """Return the application; `access` holds for all of it."""
    answers, watch, board = Answers(exhibit, access), Watch(exhibit), Board(exhibit, access)
    asked = [*answers.routes(), stream_route(watch), *board.routes()]
    routes: list[BaseRoute] = [
        *page_routes(),
        Mount("/api", routes=asked, middleware=[Middleware(GuardedReading, access=access)]),
    ]
    if beside is not None:
        routes += [*beside.described, Route(beside.path, endpoint=beside.app)]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = contextlib.nullcontext() if beside is None else beside.running()
        async with running, anyio.create_task_group() as group:
            group.start_soon(watch.run)
            group.start_soon(answers.prepare)
            yield
            await board.close()
            group.cancel_scope.cancel()

    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SameSite, access=access),
            Middleware(GZipMiddleware, _GZIP_LEAST_BYTES, _GZIP_LEVEL),
        ],
        exception_handlers={
            LabError: refused,
            ConfigError: refused,
            HTTPException: not_served,
            Exception: failed,
        },
        lifespan=lifespan,
    )
