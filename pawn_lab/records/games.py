"""Which real games a trial reads, as its trainer says."""

from pathlib import PurePath
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError

from pawn_core.metrics import LARGEST_STEP, MOST_NAME_CHARACTERS
from pawn_lab.records.record import Record
from pawn_lab.text import clean

MOST_REASONS = 32
_MOST_CHARACTERS = 4096


def _short(text: Any) -> Any:
    return clean(text).replace("\n", " ")[:_MOST_CHARACTERS] if isinstance(text, str) else text


Count = Annotated[int, Field(ge=0, le=LARGEST_STEP)]
Text = Annotated[str, BeforeValidator(_short)]
Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=MOST_NAME_CHARACTERS)]


class Games(Record):
    """Where real games come from, how many were kept for what, and why the others were dropped."""

    source: Text
    revision: Text | None = None
    read: Count
    kept: Count
    train: Count
    val: Count
    dropped: Annotated[dict[Reason, Count], Field(default_factory=dict, max_length=MOST_REASONS)]
    duplicates: Count = 0
    """Games that are trained on and have the moves of one before them."""
    in_training: Count = 0
    """Games left out of validation for the moves of one that is trained on."""

    @classmethod
    def of(cls, document: Any) -> Self | None:
        """Return what a trainer's document says; None where it cannot be read."""
        try:
            return cls.model_validate(document, strict=True)
        except ValidationError:
            return None

    def described(self) -> str:
        """Return a line: `a.pgn: 900 games read, 12 to train on, 5 to validate; dropped 3 elo`."""
        path = PurePath(self.source)
        source = path.name if path.is_absolute() else self.source
        of_revision = f"@{self.revision}" if self.revision and "@" not in source else ""
        used = f"{self.train:,} to train on, {self.val:,} to validate"
        line = f"{source}{of_revision}: {self.read:,} games read, {used}"
        dropped = self.dropped | {"in_training": self.in_training}
        most_first = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
        reasons = [f"{count:,} {reason}" for reason, count in most_first if count]
        return f"{line}; dropped {', '.join(reasons)}" if reasons else line
