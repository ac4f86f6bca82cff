"""Values that the tools share: checked arguments in, compact numbers out."""

import json
import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SIGNIFICANT_DIGITS = 4


def compact(number: Any) -> Any:
    """Round to four significant digits; a number that is not finite becomes None."""
    if not isinstance(number, float):
        return number
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(number) else None


def parsed(value: Any) -> Any:
    """Parse JSON text where an object or a list is due: some clients send nested JSON as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


Number = Annotated[float | None, BeforeValidator(compact)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(parsed)]
TrialId = Annotated[int, Field(description="Trial number, as in lab_status.")]
Tag = Annotated[str | None, Field(description="Only trials with this tag.")]


class Answer(BaseModel):
    """What a tool returns; fields without a value are left out on the wire."""

    model_config = ConfigDict(extra="forbid")

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        return self.model_dump(mode="json", exclude_none=True)

    def pictures(self) -> list[bytes]:
        """Return PNG images that are sent beside the object."""
        return []
