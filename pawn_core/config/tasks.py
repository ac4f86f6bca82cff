"""The text tasks and the schemes that reward them: one entry each.

Read by the configs of `sft` and `grpo`, the lab and the trainers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pawn_core.config.errors import entry_named


class TaskKind(NamedTuple):
    """A text task: its name, where it lives and what is verified of a completion."""

    name: str
    prefix: str
    """What its prompts begin with."""
    implementation: str
    """Import path (`module:Class`) of a `TextTask`."""
    components: Mapping[str, float]
    """What is verified, each a number from 0 to 1, and its weight in the scheme `verified`."""
    headline: str
    """The component that says most."""
    asks_engine: bool = False
    """Whether its answers are those of a chess program."""


class SchemeKind(NamedTuple):
    """A way to make one reward of what was verified."""

    name: str
    implementation: str
    """Import path (`module:Class`) of a `Scheme`."""
    tasks: frozenset[str] | None = None
    """The tasks it knows; None: every one."""
    shapings: tuple[str, ...] = ()
    """Values of `reward_shaping` that it reads, its default first."""


_OF_THE_ORIGINALS = frozenset({"policy", "environment"})

TASKS: tuple[TaskKind, ...] = (
    TaskKind(
        "policy",
        "P: ",
        "pawn_core.tasks.policy:Policy",
        MappingProxyType(
            {
                "format": 1.0,
                "legality": 2.0,
                "candidates": 2.0,
                "evaluations": 1.0,
                "best": 4.0,
                "exact": 0.0,
            }
        ),
        headline="best",
        asks_engine=True,
    ),
    TaskKind(
        "environment",
        "A: ",
        "pawn_core.tasks.environment:Environment",
        MappingProxyType(
            {
                "format": 1.0,
                "fen_exact": 4.0,
                "fen_fields": 2.0,
                "fen_similarity": 0.0,
                "reward": 1.5,
                "flags": 1.5,
                "exact": 0.0,
            }
        ),
        headline="fen_exact",
    ),
)

SCHEMES: tuple[SchemeKind, ...] = (
    SchemeKind("verified", "pawn_core.tasks.schemes.verified:Verified"),
    SchemeKind("rookworld", "pawn_core.tasks.schemes.rookworld:Rookworld", _OF_THE_ORIGINALS),
    SchemeKind(
        "rookworld_graduated",
        "pawn_core.tasks.schemes.rookworld:RookworldGraduated",
        _OF_THE_ORIGINALS,
    ),
    SchemeKind(
        "mini",
        "pawn_core.tasks.schemes.mini:Mini",
        _OF_THE_ORIGINALS,
        ("linear", "graduated", "binary"),
    ),
    SchemeKind("trl", "pawn_core.tasks.schemes.trl:Trl", _OF_THE_ORIGINALS),
)


def task_kind(name: object) -> TaskKind:
    """Return the task of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    return entry_named("task", name, TASKS)


def scheme_kind(name: object) -> SchemeKind:
    """Return the reward scheme of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    return entry_named("reward_scheme", name, SCHEMES)


def component_names() -> tuple[str, ...]:
    """Return every component, `task.component`, as `reward_weights` has them."""
    return tuple(f"{kind.name}.{name}" for kind in TASKS for name in kind.components)
