"""Skills name only tools, commands, files and words of the lab that exist, and fit their hosts."""

import re
from pathlib import Path

import pytest
from reading import pages, read_page

import pawn_core
import pawn_lab
from pawn_lab.cli.app import app
from pawn_lab.shipped import ROOT, SKILLS
from pawn_lab.tools import TOOLS

FOLDERS = sorted(path.parent for path in SKILLS.glob("*/SKILL.md"))
NAMES = {folder.name for folder in FOLDERS}
MOST_LINES = 150


def named(path):
    return str(path.relative_to(SKILLS))


def front_matter(text: str) -> dict[str, str]:
    _, head, _ = text.split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.strip().splitlines())


def test_the_skills_of_a_study_are_there():
    study = {"manage-pod", "run-ablation", "diagnose-trial", "write-lab-notes"}
    models = {"evaluate-model", "finetune-player", "publish-model"}
    assert study | models == NAMES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_skill_fits_what_agents_load(folder):
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    head = front_matter(text)
    assert head.keys() == {"name", "description"}
    assert head["name"] == folder.name
    assert len(head["name"]) <= 64
    assert 0 < len(head["description"]) <= 1024
    assert len(text.splitlines()) < MOST_LINES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_page_of_a_skill_is_named_by_the_skill(folder):
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    assert all(f"{page.name}`" in text for page in folder.glob("references/*"))
    assert {path.name for path in folder.iterdir()} <= {"SKILL.md", "references"}


@pytest.mark.parametrize("path", pages(), ids=named)
def test_a_skill_names_only_skills_tools_commands_and_scripts_that_exist(path):
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\blab_[a-z_]+", text)) <= {tool.name for tool in TOOLS}
    assert set(re.findall(r"`pawn-lab ([a-z-]+)", text)) <= set(app)
    assert set(re.findall(r"skill `?([a-z]+-[a-z-]+)", text)) <= NAMES
    for script in re.findall(r"scripts/[\w.]+", text):
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("path", pages(), ids=named)
def test_a_page_is_read_to_its_last_table(path):
    text = path.read_text(encoding="utf-8")
    heads = len(re.findall(r"^\|-", text, re.MULTILINE))
    tables = read_page(text).tables
    assert len(tables) == heads
    assert all(len(row) == len(table.head) for table in tables for row in table.rows)


SIGNS = {"headline", "kind", "health", "finding"}
"""Fields of answers whose words a table may have as signs."""


def test_every_sign_of_a_table_is_something_that_the_lab_says():
    folders = [Path(package.__file__).parent for package in (pawn_core, pawn_lab)]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    tables = [table for path in pages() for table in read_page(path.read_text()).tables]
    told = [table for table in tables if SIGNS & {*table.head[0].codes}]
    signs = {sign for table in told for row in table.rows for sign in row[0].codes}
    assert {"out of memory", "loss climbs", "the disk is full", "not uploaded to"} <= signs
    parts = {part for sign in signs for part in sign.split(": ")}
    assert {part for part in parts if part not in sources} == set()
