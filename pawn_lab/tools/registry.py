"""What a tool is: one function over a lab, and how the server and the CLI call it."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from pawn_lab.lab import Lab
from pawn_lab.lab.functions import LabFunction, Schema
from pawn_lab.store.failures import translated
from pawn_lab.tools.meanings import explained
from pawn_lab.tools.values import Answer

_LEVELS = 2
_NULL = {"type": "null"}
_CHECKED = frozenset({"default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


@dataclass(frozen=True)
class LabTool(LabFunction):
    """A verb of the lab: MCP tool and CLI command at once.

    `run` returns an `Answer`; its name is that of the MCP tool, as in `lab_set_cost`.
    Its docstring is the manual; an agent is shown the first two paragraphs.
    """

    run: Callable[..., Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    waits: bool = False
    """It may take up to a minute, and does nothing meanwhile."""
    creates: bool = False
    """It makes the lab where there is none yet, or does not need one."""
    for_people: bool = False
    """For people: MCP shows it to the pages of a host alone, not to models."""

    @property
    def verb(self) -> str:
        """CLI name, as in `set-cost`."""
        return self.name.removeprefix("lab_").replace("_", "-")

    @property
    def description(self) -> str:
        """The first two paragraphs of the manual, which every session of an agent pays for."""
        return "\n\n".join(self.manual.split("\n\n")[:2])

    @property
    def input_schema(self) -> Schema:
        """JSON Schema of the arguments as hosts show it."""
        return input_schema(self.whole_schema)

    @property
    def output_schema(self) -> Schema:
        """JSON Schema of the answer, each field with its meaning."""
        whole = self.signature.return_annotation.output_schema()
        return explained(self.name, output_schema(whole))

    def __call__(self, lab: Lab, arguments: Mapping[str, Any]) -> Answer:
        """Check the arguments and run the tool.

        Raises:
            InvalidRequestError: an argument is unknown, missing or out of range.
            LabError, ConfigError: what the lab refused, and why.
        """
        given = self.checked(arguments)
        with translated(lab.paths.root), nullcontext() if self.waits else lab.one_pass():
            return self.run(lab, **given).masked()


def input_schema(whole: Schema) -> Schema:
    """Return the schema of a tool's arguments: each of one type, without what the tool does.

    What may be text or something else is text, which the tool reads.
    """
    named = brief(whole, whole.get("$defs", {}))["properties"]
    arguments = {name: _argument(spec) for name, spec in named.items()}
    needed = {"required": whole["required"]} if "required" in whole else {}
    return {"type": "object", "properties": arguments, "additionalProperties": False} | needed


def _argument(spec: Schema) -> Schema:
    kept = {key: value for key, value in spec.items() if key not in _CHECKED}
    if kept.pop("anyOf", None) or isinstance(kept["type"], list):
        kept["type"] = "string"
    if "items" in kept:
        kept["items"] = {"type": kept["items"]["type"]}
    return kept


def output_schema(whole: Schema) -> Schema:
    """Return the schema of an answer: its fields, and those of what they hold."""
    return _down_to(_LEVELS, brief(whole, whole.get("$defs", {})))


def _down_to(levels: int, schema: Schema) -> Schema:
    """Leave out the fields of objects that lie deeper: they are seen in the answer."""
    kept = {key: value for key, value in schema.items() if levels or key != "properties"}
    if "items" in kept:
        kept["items"] = _down_to(levels, kept["items"])
    if "properties" in kept:
        fields = kept["properties"].items()
        kept["properties"] = {name: _down_to(levels - 1, spec) for name, spec in fields}
    return kept


def brief(schema: Any, defined: Schema) -> Any:
    """Drop what says nothing: titles, which repeat names, and null for what may be left out."""
    if isinstance(schema, list):
        return [brief(item, defined) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return brief(defined[schema["$ref"].removeprefix("#/$defs/")], defined)
    return {
        key: _properties(value, defined) if key == "properties" else brief(value, defined)
        for key, value in schema.items()
        if not _says_nothing(key, value) and not (key == "type" and "const" in schema)
    }


def _properties(named: Schema, defined: Schema) -> Schema:
    return {name: brief(_without_null(spec), defined) for name, spec in named.items()}


def _without_null(spec: Schema) -> Schema:
    """Return a property's schema without null: what has no value is neither asked nor sent."""
    options = [option for option in spec.get("anyOf", []) if option != _NULL]
    rest = {key: value for key, value in spec.items() if key != "anyOf"}
    if len(options) == 1:
        return options[0] | rest
    if options and all(option.keys() == {"type"} for option in options):
        return rest | {"type": [option["type"] for option in options]}
    return rest | {"anyOf": options} if options else rest


def _says_nothing(key: str, value: Any) -> bool:
    match key:
        case "title" | "required" | "$defs":
            return True
        case "additionalProperties":
            return isinstance(value, bool)
        case "default":
            return value is None or value is False
        case "items":
            return value == {}
    return False
