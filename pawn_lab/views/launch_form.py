"""What the launch form shows: the fields of a run type in groups, made from its schema."""

import re
from collections.abc import Iterator
from typing import Any

from pawn_core.config import RUN_TYPES, RunConfig, config_json_schema, run_type_named
from pawn_core.config.errors import bounds
from pawn_core.config.types import FIXED_ON_RESUME
from pawn_lab.lab import Lab, queries
from pawn_lab.views.view import View

Json = dict[str, Any]
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def launch_form(lab: Lab, run_type: str | None = None, trial: int | None = None) -> Json:
    """Show the fields of a run type: the group of its length first, then the most particular one.

    With a trial its run type, and what its config has beyond the defaults as `values`.

    Raises:
        ConfigError: no such run type.
        UnknownTrialError: no such trial.
    """
    config = queries.trial(lab, trial).config if trial is not None else None
    name = run_type or (str(config["run_type"]) if config else RUN_TYPES[0].name)
    kind = run_type_named(name).config
    return {
        "run_type": name,
        "run_types": [{"name": each.name, "about": _about(each.config)} for each in RUN_TYPES],
        "unit": kind.progress.unit,
        "resumable": kind.resumable,
        "values": config.beyond_defaults if config else {},
        "groups": sorted(_groups(kind, name), key=lambda group: not _holds_length(group, kind)),
    }


def _about(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _groups(kind: type[RunConfig], run_type: str) -> Iterator[Json]:
    """Yield the fields by the part of the config that first declared them."""
    owners = {name: part for part in kind.__mro__ for name in vars(part).get("__annotations__", {})}
    properties = config_json_schema(run_type)["properties"]
    for part in kind.__mro__:
        fields = [
            _field(name, spec, kind)
            for name, spec in properties.items()
            if owners[name] is part and name != "run_type"
        ]
        if fields:
            yield {"title": _title(part), "about": _about(part), "fields": fields}


def _holds_length(group: Json, kind: type[RunConfig]) -> bool:
    return any(field["name"] == kind.progress.field for field in group["fields"])


def _title(part: type) -> str:
    """Return `Game training` for GameTrainingConfig."""
    words = _CAPITAL.sub(" ", part.__name__.removesuffix("Config"))
    return words.capitalize()


def _field(name: str, spec: Json, kind: type[RunConfig]) -> Json:
    """Return how one field is asked for; `limits` are those of a number, in words."""
    [option] = [each for each in spec.get("anyOf", [spec]) if each.get("type") != "null"]
    return {
        "name": name,
        "about": spec.get("description", ""),
        "kind": _kind(option),
        "choices": option.get("enum") or option.get("items", {}).get("enum"),
        "optional": "anyOf" in spec,
        "default": spec.get("default"),
        "limits": " and ".join(bounds(option, ",")),
        "rare": name in kind.rarely_set,
        "fixed_on_resume": FIXED_ON_RESUME.items() <= spec.items(),
    }


def _kind(option: Json) -> str:
    """Return what a field holds, for which the form has a control."""
    if "enum" in option:
        return "choice"
    if option.get("type") == "array" and "enum" in option["items"]:
        return "choices"
    known = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}
    return known.get(option.get("type", ""), "json")


LAUNCH_FORM = View(launch_form, title="Launch form")
