"""Skills name only tools, commands and files that exist."""

import re
from pathlib import Path

import pytest

from pawn_lab.tools import TOOLS

ROOT = Path(__file__).parents[2]
SKILLS = sorted((ROOT / "skills").glob("*/SKILL.md"))
PAGES = sorted((ROOT / "skills").glob("*/*.md"))


def front_matter(text: str) -> dict[str, str]:
    _, head, _ = text.split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.strip().splitlines())


def test_the_skill_of_the_study_is_there():
    assert "manage-pod" in {path.parent.name for path in SKILLS}


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_a_skill_fits_what_agents_load(path):
    text = path.read_text()
    head = front_matter(text)
    assert head["name"] == path.parent.name
    assert len(head["name"]) <= 64
    assert 0 < len(head["description"]) <= 1024
    assert len(text.splitlines()) < 500


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_page_of_a_skill_is_named_by_the_skill(path):
    assert path.name == "SKILL.md" or f"`{path.name}`" in (path.parent / "SKILL.md").read_text()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_skill_names_only_tools_and_commands_that_exist(path):
    text = path.read_text()
    assert set(re.findall(r"\blab_[a-z_]+", text)) <= {tool.name for tool in TOOLS}
    verbs = set(re.findall(r"`pawn-lab ([a-z-]+)", text))
    assert verbs <= {tool.verb for tool in TOOLS} | {"mcp"}
    for script in re.findall(r"scripts/[\w.]+", text):
        assert (ROOT / script).is_file(), script
