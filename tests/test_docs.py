"""What pages show is true of the code: commands parse, and the site has no dead link."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from pawn_core.config import RUN_TYPES, config_json_schema
from pawn_core.options import given_options
from pawn_lab.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"", "bash", "console", "json", "python", "text"}
PROGRAM = re.compile(
    r"^(?:\w+=\S+ )*(?:\S*python )?\S*?(pawn-lab|pawn-train|scripts/\w+\.\w+)(?= |$)"
)
REST = re.compile(r"\s(?:\||\|\||&&|;|>|>>|#)(?:\s.*)?$")
FOLDERS = (".", "scripts")


def by_name(page: Path) -> str:
    return page.name


def fences(page: Path) -> list[tuple[str, str]]:
    """Return a page's blocks of code: language and text."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every command of ours in a block: the program and its arguments."""
    for line in text.replace("\\\n", " ").splitlines():
        said = line.strip().removeprefix("$ ")
        if (match := PROGRAM.match(said)) is not None:
            yield match[1], shlex.split(REST.sub("", said[match.end() :]))


def shown(page: Path) -> list[tuple[str, list[str]]]:
    return [command for _, text in fences(page) for command in commands(text)]


def names_of(script: str) -> set[str]:
    """Return the names in a script and in what it imports of ours, and the fields of configs."""
    source = (ROOT / script).read_text(encoding="utf-8")
    modules = re.findall(r"^from ([\w.]+) import", source, re.MULTILINE)
    places = [
        ROOT / folder / f"{name.replace('.', '/')}.py" for name in modules for folder in FOLDERS
    ]
    texts = [source, *(path.read_text(encoding="utf-8") for path in places if path.exists())]
    fields = {name for kind in RUN_TYPES for name in config_json_schema(kind.name)["properties"]}
    return fields.union(*(re.findall(r"[A-Za-z]\w*", text.replace("-", "_")) for text in texts))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_a_page_has_only_blocks_of_known_languages(page: Path):
    assert {language for language, _ in fences(page)} <= LANGUAGES


@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=by_name)
def test_a_command_that_a_page_shows_is_one_that_there_is(page: Path):
    for program, arguments in shown(page):
        if program == "pawn-lab":
            app.parse_args(arguments, exit_on_error=False, print_error=False)
        elif program == "pawn-train":
            given_options(arguments)
        else:
            flags = [word.partition("=")[0] for word in arguments if word.startswith("--")]
            given = {flag[2:].replace("-", "_") for flag in flags} - {"help"}
            assert given <= names_of(program), f"{program} {shlex.join(arguments)}"


def test_commands_are_found_and_wrong_ones_are_noticed():
    assert len([command for page in PAGES for command in shown(page)]) > 60
    (found,) = commands('$ bin/pawn-lab status --json | grep -q "x" # now')
    assert found == ("pawn-lab", ["status", "--json"])
    with pytest.raises(Exception, match="--jsn"):
        app.parse_args(["status", "--jsn"], exit_on_error=False, print_error=False)


def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_pages", ROOT / "scripts/record_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RECORDER = recorder()
RECORDED = [page for page in PAGES if RECORDER.CONSOLE.search(page.read_text(encoding="utf-8"))]


def test_a_console_is_recorded_anew_with_what_its_commands_print_now(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n```console\n$ echo one\ntwo\n$ cat <<'END'\n> a\n> END\n```\nend\n")
    RECORDER.record(page)
    said = "# A\n```console\n$ echo one\none\n$ cat <<'END'\n> a\n> END\na\n```\nend\n"
    assert page.read_text() == said


def test_a_command_that_fails_fails_the_recording_and_leaves_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\n$ false\n```\n")
    with pytest.raises(RECORDER.CommandFailedError, match="ended with 1"):
        RECORDER.record(page)
    assert "\none" not in page.read_text().replace("echo one", "")


def without_numbers(text: str) -> list[str]:
    """Return the words of a console: numbers, rules of tables and blanks depend on the machine."""
    return [word for word in text.split() if not re.search(r"\d", word) and word.strip("-─")]


@pytest.mark.slow
@pytest.mark.parametrize("page", RECORDED, ids=by_name)
def test_a_recorded_page_still_says_what_its_commands_print(page: Path, tmp_path):
    before = page.read_text(encoding="utf-8")
    again = tmp_path / page.name
    again.write_text(before, encoding="utf-8")
    RECORDER.record(again)
    assert without_numbers(again.read_text(encoding="utf-8")) == without_numbers(before)


class Links(HTMLParser):
    """What a page of the site loads when it is opened, and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in ("script", "img", "iframe") and attributes.get("src"):
            self.loaded.append(attributes["src"] or "")
        if tag == "link" and attributes.get("rel") not in (
            "canonical",
            "alternate",
            "next",
            "prev",
        ):
            self.loaded.append(attributes.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Build the site; a link to a page, a heading or a file that is not there stops the build."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [program, "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    assert done.returncode == 0, re.findall(r"Warning: .*|\S+\.md:\d+:\d+", said)
    return folder / "site"


def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(site: Path):
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in site.glob("*.html")}
    for page in site.glob("*.html"):
        outside = [address for address in Links(page).loaded if re.match(r"(https?:)?//", address)]
        assert outside == [], page.name


def test_every_page_has_a_place_in_the_navigation():
    named = set(re.findall(r"[\w]+\.md", (ROOT / "zensical.toml").read_text(encoding="utf-8")))
    assert named == {page.name for page in (ROOT / "docs").glob("*.md")}
