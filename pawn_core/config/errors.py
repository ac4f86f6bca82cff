"""Configuration errors that name the field, the value and what is allowed.

ConfigError (ValueError)
"""

import difflib
import functools
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

_SHOWN_CHARACTERS = 80
_SHOWN_ERRORS = 8
_SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = _SHOWN_CHARACTERS

# Names that people and agents bring from other trainers, too far from ours for edit distance.
_COMMON_NAMES = {
    "learning_rate": "lr",
    "max_lr": "lr",
    "steps": "total_steps",
    "max_steps": "total_steps",
    "num_steps": "total_steps",
    "scheduler": "lr_schedule",
    "lr_scheduler": "lr_schedule",
    "grad_clip": "max_grad_norm",
    "gradient_accumulation_steps": "accumulation_steps",
    "hidden_size": "d_model",
    "num_layers": "n_layers",
    "num_heads": "n_heads",
    "context_length": "max_seq_len",
    "precision": "amp_dtype",
    "dtype": "amp_dtype",
    "model": "variant",
    "size": "variant",
}


class ConfigError(ValueError):
    """A run configuration that cannot be honoured; the text says which field and what would do."""


class Entry(Protocol):
    """One of a registry."""

    @property
    def name(self) -> str:
        """What configs call it."""
        ...


E = TypeVar("E", bound=Entry)


def did_you_mean(
    name: str, names: Iterable[str], spelled: Callable[[str], str | None] = str
) -> str:
    """Return `; did you mean 'x'?` for the nearest of some names as it is spelled, or nothing."""
    names = list(names)
    if _COMMON_NAMES.get(name) in names:
        return f"; did you mean '{spelled(_COMMON_NAMES[name])}'?"
    close = difflib.get_close_matches(name[:200], names, n=1, cutoff=0.6)
    return f"; did you mean '{spelled(close[0])}'?" if close else ""


def shown(value: Any) -> str:
    """Return a value's repr, cut to a length that fits in a message."""
    return _SHORT.repr(value)


def entry_named(what: str, name: object, entries: Sequence[E]) -> E:
    """Return the entry of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    for entry in entries:
        if entry.name == name:
            return entry
    names = [entry.name for entry in entries]
    hint = did_you_mean(name, names) if isinstance(name, str) else ""
    raise ConfigError(f"{what} {shown(name)} is unknown; one of: {', '.join(names)}{hint}")


def config_error(error: ValidationError, model: type[BaseModel], owner: str) -> ConfigError:
    """Turn pydantic's report into one line per problem; `owner` is what the fields are of."""
    problems = error.errors(include_url=False)
    lines = [_describe(problem, model, owner) for problem in problems[:_SHOWN_ERRORS]]
    if len(problems) > _SHOWN_ERRORS:
        lines.append(f"and {len(problems) - _SHOWN_ERRORS} more")
    return ConfigError("\n".join(lines))


def _describe(problem: Any, model: type[BaseModel], owner: str) -> str:
    field = ".".join(str(part)[:_SHOWN_CHARACTERS] for part in problem["loc"])
    value, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            hint = did_you_mean(field, model.model_fields)
            return f"{field} is not a field of {owner}{hint}"
        case "literal_error":
            allowed = context["expected"].replace("'", "").replace(" or ", ", ")
            hint = did_you_mean(value, allowed.split(", ")) if isinstance(value, str) else ""
            return f"{field} {shown(value)} is unknown; one of: {allowed}{hint}"
        case "value_error":
            message = str(context["error"])
            named = not field or message.startswith(f"{field} ")
            return message if named else f"{field} {shown(value)}: {message}"
        case "missing":
            return f"{field} is required"
        case _:
            return f"{field} {shown(value)} is not allowed: {_bounds(field, model, problem['msg'])}"


def bounds(schema: dict[str, Any], spec: str = "g") -> list[str]:
    """Return the bounds of a number's JSON Schema, such as `>= 1`, each formatted by a spec."""
    return [f"{sign} {schema[key]:{spec}}" for key, sign in _SIGNS.items() if key in schema]


def _bounds(field: str, model: type[BaseModel], message: str) -> str:
    """Return the message with the field's whole range, so that one reply is enough to mend it."""
    schema = _properties(model).get(field, {})
    allowed = [bound for option in (schema, *schema.get("anyOf", [])) for bound in bounds(option)]
    message = message[0].lower() + message[1:]
    return f"{message} (allowed: {' and '.join(allowed)})" if allowed else message


@functools.cache
def _properties(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()["properties"]
