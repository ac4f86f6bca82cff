"""The generated reference pages stay true to the code."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_docs.py"


def test_the_generated_pages_are_up_to_date():
    for path, text in runpy.run_path(str(SCRIPT))["pages"]():
        assert path.read_text(encoding="utf-8") == text, "run `make docs`"
