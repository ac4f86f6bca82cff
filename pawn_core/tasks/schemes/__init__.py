"""Reward schemes: one a file."""

from collections.abc import Mapping
from pkgutil import resolve_name

from pawn_core.config.tasks import scheme_kind
from pawn_core.tasks.schemes.scheme import Scheme, rewards_of

__all__ = ["Scheme", "build_scheme", "rewards_of"]


def build_scheme(name: str, weights: Mapping[str, float], shaping: str | None = None) -> Scheme:
    """Return a scheme.

    Args:
        name: of `pawn_core.config.tasks.SCHEMES`.
        weights: of `task.component`, where they are not the defaults.
        shaping: where the scheme has several.

    Raises:
        ConfigError: there is no such scheme, or the weights of a task are all 0.
    """
    return resolve_name(scheme_kind(name).implementation)(weights, shaping)
