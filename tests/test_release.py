"""What is published says the same version and name everywhere, and is what registries take."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import make_dist  # noqa: E402
import versions  # noqa: E402

from pawn_lab.server import identity  # noqa: E402

MOST_DESCRIPTION = 100
"""Of the registry; a longer one leaves the listing as it was, without a word."""
MCPB = ROOT / "tests" / "protocol" / "node_modules" / ".bin" / "mcpb"


def registry() -> dict:
    return json.loads((ROOT / "server.json").read_text(encoding="utf-8"))


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_manifest_has_the_version_of_the_package():
    assert versions.differing(ROOT) == []


@pytest.fixture
def copied(tmp_path) -> Path:
    """A repository with the manifests alone, tagged as the version that it has."""
    for path in versions.VERSIONS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "SKILL.md").write_text("Look.\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Release")
    git(tmp_path, "tag", f"v{project()['version']}")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


@pytest.mark.parametrize("path", versions.VERSIONS)
def test_a_manifest_that_is_left_behind_is_named(copied, path):
    text = (copied / path).read_text(encoding="utf-8")
    (copied / path).write_text(text.replace(project()["version"], "9.9.9"), encoding="utf-8")
    assert any(path in line or "9.9.9" in line for line in versions.differing(copied))


def test_a_plugin_that_changed_after_its_release_needs_a_new_version(copied):
    assert versions.stale_plugin(copied) == []
    (copied / "skills" / "SKILL.md").write_text("Look twice.\n")
    [complaint] = versions.stale_plugin(copied)
    assert "skills/SKILL.md" in complaint
    versions.write(copied, "9.9.9")
    assert versions.stale_plugin(copied) == []


def test_a_new_version_is_written_into_every_manifest_but_the_changelog(copied):
    versions.write(copied, "9.9.9")
    [line] = versions.differing(copied)
    assert line.startswith(versions.NOTED)


def test_the_registry_finds_its_mark_in_the_readme_that_is_published():
    assert project()["readme"] == "README.md"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"mcp-name: {registry()['name']}" in readme


def test_the_registry_takes_the_entry():
    entry = registry()
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["description"]) <= MOST_DESCRIPTION
    assert entry["$schema"].startswith("https://static.modelcontextprotocol.io/schemas/")
    [package] = entry["packages"]
    assert {"registryType", "identifier", "version", "transport"} <= package.keys()
    assert (package["registryType"], package["identifier"]) == ("pypi", project()["name"])
    assert package["transport"] == {"type": "stdio"}
    assert all(argument["type"] == "positional" for argument in package["packageArguments"])


def test_server_registry_and_package_name_one_home():
    entry = registry()
    named = (identity.REGISTRY_NAME, identity.TITLE, identity.DESCRIPTION, identity.WEBSITE)
    assert named == tuple(entry[key] for key in ("name", "title", "description", "websiteUrl"))
    assert project()["urls"]["Homepage"] == entry["repository"]["url"] == entry["websiteUrl"]
    assert len(identity.DESCRIPTION) <= MOST_DESCRIPTION


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """The bundle for desktop hosts."""
    folder = tmp_path_factory.mktemp("bundle")
    make_dist.build_bundle(folder)
    [file] = folder.glob("*.mcpb")
    return file


def test_the_bundle_starts_the_released_lab_by_uv_and_nothing_else(bundle):
    with zipfile.ZipFile(bundle) as files:
        assert set(files.namelist()) == {"icon.png", "manifest.json", "pyproject.toml", "server.py"}
        manifest = json.loads(files.read("manifest.json"))
        pins = tomllib.loads(files.read("pyproject.toml").decode())["project"]["dependencies"]
    assert manifest["server"]["type"] == "uv"
    assert manifest["server"]["entry_point"] in manifest["server"]["mcp_config"]["args"]
    assert manifest["description"] == identity.DESCRIPTION
    assert pins == [f"{project()['name']}=={project()['version']}"]


@pytest.mark.skipif(not MCPB.exists(), reason="no mcpb: npm ci --prefix tests/protocol")
def test_the_official_tool_finds_the_bundle_valid(bundle, tmp_path):
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as files:
        files.extractall(unpacked)
    for command in (["validate", unpacked], ["pack", unpacked, tmp_path / "again.mcpb"]):
        done = subprocess.run(
            [MCPB.with_name("node"), MCPB, *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_of_a_workflow_is_pinned_to_a_commit():
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))
        assert used
        assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used), workflow.name
