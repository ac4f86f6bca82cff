"""lab_schema: what a run config may hold."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_core.config import RUN_TYPES, config_json_schema
from pawn_lab.lab import Lab
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Table

_SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


class SchemaField(Answer):
    """One field of a run config."""

    name: str
    type: str
    default: Any = None
    about: str = ""


class SchemaAnswer(Reading):
    """Fields of a run type, in the order they are declared."""

    cuttable: ClassVar = ("fields",)
    narrower: ClassVar = "without full they are shorter"

    run_type: str
    run_types: list[str]
    fields: Table[SchemaField]
    json_schema: dict[str, Any] | None = None


def lab_schema(
    lab: Lab,
    run_type: Annotated[
        str, Field(description="Run type; see run_types in the answer.")
    ] = "pretrain",
    full: Annotated[bool, Field(description="Add the whole JSON Schema.")] = False,
    since: Since = None,
    max_tokens: MaxTokens = 6000,
) -> SchemaAnswer:
    """List the fields of a run config with type, bounds, default and meaning.

    Call it first, before you write a config for lab_launch: an unknown field or a value out of
    bounds is refused there. A field without a default may be left out; the lab fills it in.
    """
    question = Question.of(lab, ("schema", run_type, full), since, max_tokens)
    schema = config_json_schema(run_type)
    answer = SchemaAnswer(
        run_type=run_type,
        run_types=[known.name for known in RUN_TYPES],
        fields=[_field(name, spec) for name, spec in schema["properties"].items()],
        json_schema=schema if full else None,
    )
    return question.answered(answer)


def _field(name: str, spec: dict[str, Any]) -> SchemaField:
    return SchemaField(
        name=name,
        type=_type(spec),
        default=spec.get("default"),
        about=spec.get("description", ""),
    )


def _type(spec: dict[str, Any]) -> str:
    """Return `number > 0, <= 1`, `integer >= 1 or null`, `one of: a, b`."""
    if "anyOf" in spec:
        return " or ".join(map(_type, spec["anyOf"]))
    if "const" in spec:
        return f"'{spec['const']}'"
    if "enum" in spec:
        return "one of: " + ", ".join(map(str, spec["enum"]))
    bounds = [f"{sign} {_bound(spec[key])}" for key, sign in _SIGNS.items() if key in spec]
    return f"{spec.get('type', 'any')} {', '.join(bounds)}".rstrip()


def _bound(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


TOOL = LabTool(
    lab_schema, title="Fields of a run config", read_only=True, idempotent=True, founds=True
)
