"""What a trial's config comes to: the one definition of the same setting, and of the same run."""

import contextlib
import functools
import json
from typing import Any

from pawn_lab.trials import configs

Config = dict[str, Any]
Pairs = dict[str, list[Any]]
"""Values of the first and of the second, by field."""

_MOST_KEPT = 4096


def settings(config: Config, on_gpu: bool | None = None) -> Config:
    """Return what makes a trial's run: equal for configs that come to the same run.

    A config that this version refuses, of another one say, stands for itself, and so do fields
    that only it has.
    """
    return json.loads(_settings(json.dumps(config, sort_keys=True), on_gpu))


def no_effect(config: Config, on_gpu: bool | None = None) -> dict[str, str]:
    """Return the fields that a config sets to no effect, each with the reason."""
    return dict(_no_effect(json.dumps(config, sort_keys=True), on_gpu))


def differing(a: Config, b: Config) -> Pairs:
    """Return the fields whose values are not the same; one that is missing counts as None."""
    names = dict.fromkeys([*a, *b])
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


@functools.lru_cache(_MOST_KEPT)
def _settings(config: str, on_gpu: bool | None) -> str:
    raw = json.loads(config)
    if (parsed := configs.known(raw)) is not None:
        with contextlib.suppress(ValueError):
            return json.dumps(parsed.settings(on_gpu) | configs.unknown_fields(raw))
    return json.dumps({name: value for name, value in raw.items() if value is not None})


@functools.lru_cache(_MOST_KEPT)
def _no_effect(config: str, on_gpu: bool | None) -> tuple[tuple[str, str], ...]:
    parsed = configs.known(json.loads(config))
    return tuple(parsed.no_effect(on_gpu).items()) if parsed else ()
