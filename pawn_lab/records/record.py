"""What every answer of the lab is."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A fixed answer."""

    model_config = ConfigDict(frozen=True)
