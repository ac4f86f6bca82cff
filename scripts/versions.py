"""Say whether every manifest has the version of the package; `--set 0.3.0` writes it into all.

A plugin's content is copied under its version, and hosts never look again at a version they have:
so what they copy must not differ from what the tag of this version has.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

_TOML = r'^version = "(.+)"$'
_JSON = r'^  "version": "(.+)",?$'
_LOCKED = r'^name = "{}"\nversion = "(.+)"$'
_PACKAGE = r'^      "version": "(.+)",?$'
VERSIONS = {
    "pyproject.toml": (_TOML, r'^    "pawn-engine==(.+)",$'),
    "engine/pyproject.toml": (_TOML,),
    "engine/Cargo.toml": (_TOML,),
    "Cargo.lock": (r'^name = "pawn-engine"\nversion = "(.+)"$',),
    "uv.lock": (
        r'^name = "pawn-engine"\nversion = "(.+)"$',
        r'^name = "pawn-lab"\nversion = "(.+)"$',
    ),
    "CITATION.cff": (r"^version: (.+)$",),
    "CHANGELOG.md": (r"^## (\d\S*) \(\d{4}-\d\d-\d\d\)$",),
    ".claude-plugin/plugin.json": (_JSON,),
    ".codex-plugin/plugin.json": (_JSON,),
    ".cursor-plugin/plugin.json": (_JSON,),
    "gemini-extension.json": (_JSON,),
    "plugin.json": (_JSON,),
    "server.json": (_JSON, _PACKAGE),
    "deploy/mcpb/manifest.json": (_JSON,),
    "deploy/mcpb/pyproject.toml": (_TOML, r'^dependencies = \["pawn-lab==(.+)"\]$'),
}
"""By file, where it says a version: the first match of each pattern."""
NOTED = "CHANGELOG.md"
"""Where a version is written by hand, with what changed."""

PLUGIN = (
    *(".claude-plugin", ".codex-plugin", ".cursor-plugin", "gemini-extension.json"),
    *("mcp.json", "plugin.json", "bin", "hooks", "skills"),
)
"""What hosts copy."""


def stated(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each file with each version that it states; none where it should state one."""
    for path, patterns in VERSIONS.items():
        text = (root / path).read_text(encoding="utf-8")
        for pattern in patterns:
            match = re.search(pattern, text, re.MULTILINE)
            yield path, match[1] if match else "none"


def differing(root: Path) -> list[str]:
    """Return a line for each version that is not the package's."""
    (_, version), *others = stated(root)
    return [
        f"{path} says {other}, the package {version}" for path, other in others if other != version
    ]


def stale_plugin(root: Path) -> list[str]:
    """Return a line where what hosts copy differs from that of this version's tag."""
    tag = f"v{next(stated(root))[1]}"
    if not _git(root, "tag", "--list", tag).stdout:
        return []
    changed = _git(root, "diff", "--name-only", tag, "--", *PLUGIN).stdout.split()
    named = ", ".join(changed[:3])
    return (
        [f"the plugin has changed since {tag} ({named}): a new version is due"] if changed else []
    )


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)


def write(root: Path, version: str) -> None:
    """Write a version wherever one is stated, but for the list of changes."""
    for path, patterns in VERSIONS.items():
        if path != NOTED:
            text = (root / path).read_text(encoding="utf-8")
            for pattern in patterns:
                text = _replaced(pattern, text, version)
            (root / path).write_text(text, encoding="utf-8")


def _replaced(pattern: str, text: str, version: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, pattern
    return text[: match.start(1)] + version + text[match.end(1) :]


def main() -> None:
    """Check the versions, or set them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", metavar="VERSION", help="write this version into all manifests")
    parser.add_argument("--tag", help="the tag that is released: v and the version")
    arguments = parser.parse_args()
    if arguments.set:
        write(ROOT, arguments.set)
    complaints = differing(ROOT) + stale_plugin(ROOT)
    version = next(stated(ROOT))[1]
    if arguments.tag not in (None, f"v{version}"):
        complaints.append(f"the tag is {arguments.tag}, the package {version}")
    if complaints:
        sys.exit("\n".join(complaints))
    print(version)


if __name__ == "__main__":
    main()
