"""What comes with the lab beside its modules is in a wheel where `shipped` looks for it."""

import tomllib
from pathlib import Path, PurePosixPath

import pytest

from pawn_lab import shipped

REPOSITORY = Path(__file__).parents[2]
WHEEL = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]


def test_skills_hooks_and_plans_lie_below_one_root() -> None:
    assert (shipped.SKILLS / "manage-pod" / "SKILL.md").is_file()
    assert (shipped.HOOKS / "hooks.json").is_file()
    assert (shipped.PLANS / "ablation-study.json").is_file()


@pytest.mark.parametrize("folder", [shipped.SKILLS, shipped.HOOKS, shipped.PLANS])
def test_a_wheel_carries_every_folder_in_its_place(folder: Path) -> None:
    place = folder.relative_to(shipped.ROOT).as_posix()
    assert place in WHEEL["only-include"]
    assert WHEEL["sources"][place] == f"pawn_lab/share/{place}"


def test_whatever_a_wheel_moves_is_included_and_there() -> None:
    for source, place in WHEEL["sources"].items():
        assert source in WHEEL["only-include"]
        assert (REPOSITORY / source).is_dir()  # what is a file is not moved
        assert PurePosixPath(place) == PurePosixPath("pawn_lab/share") / source
