"""Functions over a lab that take arguments from outside, checked by their signatures."""

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from pawn_core.config.errors import did_you_mean, shown
from pawn_lab.errors import InvalidRequestError

Schema = dict[str, Any]


@dataclass(frozen=True)
class LabFunction:
    """A function that takes the lab first and then arguments by name, known by its own name."""

    run: Callable[..., Any]
    title: str

    @property
    def name(self) -> str:
        """What callers ask for."""
        return self.run.__name__

    @property
    def manual(self) -> str:
        """The docstring without its indentation."""
        return inspect.getdoc(self.run) or self.title

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """Signature as a caller sees it: without the lab."""
        signature = inspect.signature(self.run, eval_str=True)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @functools.cached_property
    def arguments(self) -> type[BaseModel]:
        """Model of the arguments; it refuses unknown names."""
        fields: dict[str, Any] = {
            name: (parameter.annotation, ... if _required(parameter) else parameter.default)
            for name, parameter in self.signature.parameters.items()
        }
        return create_model(
            f"{self.name}_arguments", __config__=ConfigDict(extra="forbid"), **fields
        )

    @functools.cached_property
    def whole_schema(self) -> Schema:
        """JSON Schema of the arguments with all that is checked."""
        return self.arguments.model_json_schema()

    def checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each argument, checked, or its default.

        Raises:
            InvalidRequestError: an argument is unknown, missing or out of range.
        """
        try:
            model = self.arguments.model_validate(self._given(arguments))
        except ValidationError as error:
            raise InvalidRequestError(self._complaint(error)) from None
        return {name: getattr(model, name) for name in self.signature.parameters}

    def _given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as meant: callers send null for what is left out, JSON as text."""
        known = self.whole_schema["properties"]
        read = {
            name: self.read(value, known[name]) if name in known else value
            for name, value in arguments.items()
        }
        return {name: value for name, value in read.items() if value is not None}

    def read(self, value: Any, spec: Schema) -> Any:
        """Return a value as its property means it: what may be text stays as it is."""
        return value if takes_text(spec) else parsed(value)

    def _complaint(self, error: ValidationError) -> str:
        return "\n".join(map(self._describe, error.errors(include_url=False)))

    def _describe(self, problem: Any) -> str:
        where = ".".join(map(str, problem["loc"]))
        arguments = list(self.signature.parameters)
        match problem["type"]:
            case "extra_forbidden":
                hint = (
                    did_you_mean(where, arguments)
                    or f"; it takes: {', '.join(arguments) or 'nothing'}"
                )
                return f"{self.name} has no argument '{where}'{hint}"
            case "missing":
                return f"{self.name} needs '{where}'"
            case _:
                return f"{where} {shown(problem['input'])} is not allowed: {problem['msg']}"


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def parsed(value: Any) -> Any:
    """Parse JSON text where an object or a list is due: some callers send nested JSON as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def takes_text(spec: Schema) -> bool:
    """Say whether a property may be text."""
    return any(option.get("type") == "string" for option in spec.get("anyOf", [spec]))
