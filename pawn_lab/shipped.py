"""Where the files lie that come with the lab but are no modules: skills, hooks, plugin, plans.

In a checkout they lie beside the packages; a wheel carries them in `pawn_lab/share`, in the same
places below it (`force-include` of pyproject.toml).
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "share"

ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent
"""The folder of a plugin: `skills/`, `hooks/` and the hosts' manifests are below it."""

SKILLS = ROOT / "skills"
HOOKS = ROOT / "hooks"
PLANS = ROOT / "runs" / "plans"
