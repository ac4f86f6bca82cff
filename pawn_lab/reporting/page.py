"""A document as one HTML file: nothing in it runs, and nothing of it is fetched."""

import base64
import html
from collections.abc import Mapping

from markdown_it import MarkdownIt

from pawn_lab.reporting.document import Document

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #8886; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: 13.5px; }
th, td { border: 1px solid #8886; padding: .25rem .55rem; text-align: left; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; padding: .7rem; background: #8881; font-size: 12.5px; }
img { max-width: 100%; background: white; border-radius: 4px; }
@media print { body { max-width: none; } }"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(document: Document) -> str:
    """Return a document as HTML, its pictures inside."""
    inline = {
        picture.name: f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
        for picture in document.pictures()
    }
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{html.escape(document.title)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
{_body(document.markdown(), inline)}</body>
</html>
"""


def _body(markdown: str, inline: Mapping[str, str]) -> str:
    """Return Markdown as HTML; its own markup is text, and only our pictures are shown."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        for child in token.children or []:
            if child.type == "image":
                child.attrSet("src", inline.get(str(child.attrGet("src")), ""))
    return parser.renderer.render(tokens, parser.options, {})
