"""The page on reliability names tests, and each of them exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reliability.md").read_text()


def test_every_test_that_the_page_names_exists():
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^(?:async )?def (test_\w+)\(", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named <= defined


def test_every_promise_but_that_of_seeds_names_a_test():
    promises = re.split(r"^\d+\. ", PAGE.partition("\n## Faults")[0], flags=re.MULTILINE)[1:]
    assert len(promises) == 13
    assert all("`test_" in promise for promise in promises[:-1])
