"""Where the files lie that come with the lab but are no modules: skills, hooks, plans.

In a checkout they lie beside the packages; a wheel carries them in `pawn_lab/share`, in the same
places below it (the wheel of pyproject.toml).
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "share"

ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent
"""What they are below."""

SKILLS = ROOT / "skills"
HOOKS = ROOT / "hooks"
PLANS = ROOT / "runs" / "plans"
