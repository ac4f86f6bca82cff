"""Documents for people: what was measured as tables, what others wrote as text."""

from markdown_it import MarkdownIt

from pawn_lab.reporting.document import (
    Chapter,
    Commands,
    Document,
    Grid,
    Items,
    Picture,
    Prose,
    escaped,
)
from pawn_lab.reporting.page import page


def rendered(markdown):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)


def test_text_of_others_is_text_whatever_it_looks_like():
    for text in (
        "**bold** <b>x</b> `c` [a](http://x) # h | cell",
        "1. one",
        "- a ~~b~~ ![i](http://x)",
    ):
        shown = rendered(Prose(text).markdown())
        assert not any(
            f"<{tag}" in shown for tag in ("strong", "b>", "code", "a ", "img", "ol", "h1")
        )
    assert rendered(escaped("a*b")).strip() == "<p>a*b</p>"


def test_lines_of_a_text_become_one_line():
    assert escaped("one\n\n# two\x1b[31m red") == "one \\# two red"


def test_a_table_keeps_its_cells_apart_and_leaves_what_is_missing_empty():
    shown = rendered(Grid(["a|b", "c"], [["x|y\nz", None], [0.123456, 7]]).markdown())
    assert shown.count("<td>") == 4
    assert "<td>x|y z</td>" in shown
    assert "<td></td>" in shown
    assert "<td>0.1235</td>" in shown


def test_a_table_without_rows_says_so():
    assert Grid(["a"], []).markdown() == "none"


def test_commands_stay_within_their_fence():
    shown = rendered(Commands(["echo '```'", "<b>"]).markdown())
    assert shown.count("<pre>") == 1
    assert "echo '```'\n&lt;b&gt;" in shown.replace("&#39;", "'").replace("&#x27;", "'")


def a_document():
    picture = Picture("curve.png", b"\x89PNG", "a curve")
    blocks = [Prose("Is <script> text?"), picture, Items(["![x](http://elsewhere/a.png)"])]
    return Document("A <study>", [Chapter("One", blocks)])


def test_a_page_holds_its_pictures_and_fetches_and_runs_nothing():
    html = page(a_document())
    assert "data:image/png;base64,iVBORw==" in html
    assert "elsewhere" not in html.replace("http://elsewhere/a.png)", "")
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert "<title>A &lt;study&gt;</title>" in html


def test_a_picture_of_another_place_is_not_shown():
    document = Document("t", [Chapter("s", [Picture("own.png", b"x", "own")])])
    markdown = document.markdown()
    assert "own.png" in markdown
    assert 'src="own.png"' not in page(document)
