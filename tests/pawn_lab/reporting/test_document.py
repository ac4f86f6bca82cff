"""Documents for people: what was measured as tables, what others wrote as text."""

from markdown_it import MarkdownIt

from pawn_core.evaluation.report import Figure, Report, Table
from pawn_lab.reporting.document import (
    Chapter,
    Commands,
    Document,
    Grid,
    Items,
    Picture,
    Prose,
    Tables,
    escaped,
)


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


def test_what_a_page_shows_is_plain_values_that_json_has():
    blocks = [Prose("<b>\x1b[31mx"), Grid(["a"], [[0.5], [float("nan")], [None]]), Items(["- y"])]
    document = Document("A <study>", [Chapter("One", blocks)])
    assert document.data() == {
        "title": "A <study>",
        "sections": [
            {
                "title": "One",
                "blocks": [
                    {"kind": "prose", "text": "<b>x"},
                    {"kind": "grid", "columns": ["a"], "rows": [[0.5], ["nan"], [None]]},
                    {"kind": "items", "lines": ["- y"]},
                ],
            }
        ],
    }


def test_a_picture_is_its_curves_where_it_has_them_or_else_its_image():
    image = Picture("a.png", b"\x89PNG", "a curve")
    assert image.data() == {"kind": "picture", "caption": "a curve", "png": "iVBORw=="}
    drawn = Picture("a.png", b"\x89PNG", "a curve", curves={"curves": []})
    assert drawn.data() == {"kind": "curves", "caption": "a curve", "answer": {"curves": []}}


def test_what_an_evaluation_measured_is_tables_in_text_and_all_of_it_on_a_page():
    report = Report("legality", "d", (Figure("rate", 0.5),), (Table("by ply", ("ply",), ((1,),)),))
    block = Tables("trial:1", report)
    assert block.markdown() == "trial:1: by ply\n\n| ply |\n| --- |\n| 1 |"
    assert block.data() == {
        "kind": "evaluation",
        "title": "trial:1",
        "report": report.document(),
    }
