"""lab_schema: what a run config may hold."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_core.config import RUN_TYPES, config_json_schema, run_type_named
from pawn_core.config.errors import bounds
from pawn_lab.lab import Lab
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Table

NO_BOUND = 1_000_000
"""An upper bound from here on guards against slips, and tells nothing."""


class SchemaField(Answer):
    """One field of a run config."""

    name: str
    type: str
    default: Any = None
    about: str = ""


class SchemaAnswer(Reading):
    """Fields of a run type; rarely_set: names of the others."""

    cuttable: ClassVar = ("fields",)
    narrower: ClassVar = "without full there are fewer"

    run_type: str
    run_types: list[str]
    fields: Table[SchemaField]
    rarely_set: str | None = None
    json_schema: dict[str, Any] | None = None


def lab_schema(
    lab: Lab,
    run_type: Annotated[str, Field(description="As in run_types.")] = "pretrain",
    full: Annotated[bool, Field(description="Every field, JSON Schema.")] = False,
    since: Since = None,
    max_tokens: MaxTokens = 8000,
) -> SchemaAnswer:
    """List what a run config may hold: fields with type, default and meaning.

    Call it before your first lab_launch.

    An unknown field or a value out of bounds is refused at launch, with the reason. Fields that
    most configs leave alone are only named; `full` lists every one.
    """
    question = Question.of(lab, ("schema", run_type, full), since, max_tokens)
    schema = config_json_schema(run_type)
    properties = schema["properties"]
    rarely_set = run_type_named(run_type).config.rarely_set
    rare = [name for name in properties if name in rarely_set]
    answer = SchemaAnswer(
        run_type=run_type,
        run_types=[kind.name for kind in RUN_TYPES],
        fields=[
            _field(name, spec) for name, spec in properties.items() if full or name not in rare
        ],
        rarely_set=None if full else ", ".join(rare),
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
    """Return `number > 0, <= 1`, `integer >= 1`, `one of: a, b`; null leaves any field out."""
    if "anyOf" in spec:
        return " or ".join(_type(option) for option in spec["anyOf"] if option["type"] != "null")
    if "const" in spec:
        return f"'{spec['const']}'"
    if "enum" in spec:
        return "one of: " + ", ".join(map(str, spec["enum"]))
    limits = {k: value for k, value in spec.items() if "ax" not in k or value < NO_BOUND}
    return f"{spec.get('type', 'any')} {', '.join(bounds(limits))}".rstrip()


TOOL = LabTool(
    lab_schema, title="Fields of a run config", read_only=True, idempotent=True, creates=True
)
