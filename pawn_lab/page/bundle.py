"""The page as it is served, and as one file: its script, its style, its document."""

import base64
import functools
import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pawn_lab.page.modules import BundleError, joined

__all__ = ["LIVE_POLICY", "BundleError", "document", "script", "style"]

STATIC = Path(__file__).parent / "static"
_VENDORED = ("htm-preact.js", "uplot.js")
_LIVE_RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
LIVE_POLICY = "; ".join(_LIVE_RULES)
"""The content security policy of the live page: nothing of another place, no inline script."""


@functools.cache
def script() -> str:
    """Return the whole script: the vendored programs, then our modules, each in its scope.

    Raises:
        BundleError: a module that cannot be joined.
    """
    vendored = [(STATIC / "vendor" / name).read_text(encoding="utf-8") for name in _VENDORED]
    ours = f"(() => {{\n{joined(STATIC / 'main.js', STATIC)}}})();\n"
    return "\n".join([*vendored, ours])


@functools.cache
def style() -> str:
    """Return the whole style sheet: variables and what all pages have first."""
    first = [STATIC / "vendor" / "uplot.css", STATIC / "style.css"]
    files = first + sorted(file for file in STATIC.rglob("*.css") if file not in first)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def document(title: str, data: Mapping[str, Any] | None = None, *, live: bool = False) -> str:
    """Return the page as HTML.

    Args:
        title: text of the title, until the page sets its own.
        data: what a report shows; inlined, so that the file needs nothing else.
        live: the page of a server, with script and style in files of their own and no data.
            Without it and without data, the page of a host that hands over what it shows.

    Raises:
        ValueError: data of a live page, or a number that JSON has not.
    """
    if live and data is not None:
        raise ValueError("a live page has no data of its own")
    kind = "live" if live else "report" if data is not None else "app"
    return f"""\
<!doctype html>
<html lang="en" data-source="{kind}">
<head>
<meta charset="utf-8">
{"" if live else _policy()}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
{_LINKED_STYLE if live else f"<style>{style()}</style>"}
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript.</noscript>
{_LINKED_SCRIPT if live else _inlined(data)}
</body>
</html>
"""


_LINKED_STYLE = '<link rel="stylesheet" href="page/app.css">'
_LINKED_SCRIPT = '<script src="page/app.js"></script>'


def _inlined(data: Mapping[str, Any] | None) -> str:
    code = f"<script>{script()}</script>"
    return code if data is None else f"{_data(data)}\n{code}"


def _data(data: Mapping[str, Any]) -> str:
    """Return data as a script element that does not run and that no text of it can end."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))  # escapes U+2028 and U+2029
    safe = text.replace("<", r"\u003c")
    return f'<script type="application/json" id="pawn-data">{safe}</script>'


def _policy() -> str:
    """Return the policy of a page that fetches nothing and runs one script, named by its hash."""
    hashed = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    rules = (
        "default-src 'none'",
        f"script-src 'sha256-{hashed}'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    content = html.escape("; ".join(rules))
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">\n'
