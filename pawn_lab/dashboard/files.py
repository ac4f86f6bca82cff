"""The page and its scripts, as the bundle makes them; they hold no data of a lab."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pawn_lab.page import bundle

TITLE = "PAWN lab"
_HEADERS = {
    "Content-Security-Policy": bundle.LIVE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class PageFile(NamedTuple):
    """A file of the page; the type is said here, whatever the machine's table says of names."""

    path: str
    media_type: str
    make: Callable[[], str]


PAGE_FILES = (
    PageFile("/", "text/html", lambda: bundle.document(TITLE, None, live=True)),
    PageFile("/page/app.js", "text/javascript", bundle.script),
    PageFile("/page/app.css", "text/css", bundle.style),
)


def page_routes() -> list[Route]:
    """Return the routes of the page; each file is made once, and sent where it is not known yet."""
    return [_route(file) for file in PAGE_FILES]


def _route(file: PageFile) -> Route:
    content = file.make().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = _HEADERS | {"ETag": tag}

    async def send(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        if tag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=file.media_type, headers=headers)

    return Route(file.path, send)
