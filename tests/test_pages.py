"""Pages name only files that are there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
TOP = {path.partition("/")[0] for path in TRACKED if "/" in path} - {"runs"}
CODE = (".py", ".pyi", ".rs", ".sh", ".md")
HISTORY = {"CHANGELOG.md", "docs/scope.md"}
"""Pages that name what is gone, or what there is not."""
PAGES = [path for path in TRACKED if path.endswith(".md") and path not in HISTORY]
WORD = re.compile(r"(?<![\w./{}-])[\w.-]+(?:/[\w.-]+)*(?![\w./*-])")
NAMED_TEST = re.compile(r"(tests/[\w/]+\.py)?::(test_\w+)")
OF_A_WORKSPACE = {"lab-notes.md", "lab-notes-archive.md", "report.md"}


def named_files(page: str) -> set[str]:
    """Return what a page says as a path of the repository, or as the name of a file of code."""
    words = {word.strip(".") for word in WORD.findall((ROOT / page).read_text(encoding="utf-8"))}
    return {
        word
        for word in words
        if word.rpartition("/")[2] not in OF_A_WORKSPACE
        and (word.endswith(CODE) or ("/" in word and word.partition("/")[0] in TOP))
    }


def is_there(name: str) -> bool:
    return (ROOT / name).exists() or any(path.endswith(f"/{name}") for path in TRACKED)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_are_there(page: str):
    assert sorted(name for name in named_files(page) if not is_there(name)) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_tests_that_are_there(page: str):
    path = ""
    for named, test in NAMED_TEST.findall((ROOT / page).read_text(encoding="utf-8")):
        path = named or path  # of several tests of a file the first one has its name
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"


def test_a_name_of_no_file_is_noticed():
    assert {"tests/pawn_lab/cli/test_app.py", "pawn_lab/demo/study.py"} <= named_files("AGENTS.md")
    assert not is_there("tests/pawn_lab/test_cli.py")
    assert not is_there("nothing.py")
