"""How a config names the weights of another trial. Never imports torch."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pawn_core.config.errors import shown

Which = int | Literal["latest", "best"]
"""A checkpoint: of a step, the newest, or the best by the trial's metric of merit."""

REPOSITORY = re.compile(
    r"([\w.-]{1,96}/[\w.-]{1,96})(?:@([\w./-]{1,128}))?(?::(\w[\w.-]*(?:/\w[\w.-]*)*))?"
)
"""`owner/name`, `owner/name@revision`, `owner/name@revision:folder`."""

PREFIX = "trial:"
_REFERENCE = re.compile(r"trial:(\d{1,9})(?:@(latest|best|\d{1,9}))?(?::([a-z0-9][a-z0-9_-]*))?")
FORMS = "trial:12, trial:12@latest, trial:12@best, trial:12@5000; of several models trial:12:small"


@dataclass(frozen=True)
class TrialWeights:
    """A checkpoint of a trial in the same workspace."""

    trial: int
    which: Which = "latest"
    model: str = ""
    """Which of a trial's several models."""

    @classmethod
    def parse(cls, source: str) -> "TrialWeights | None":
        """Return what a source names; None where it is no trial.

        Raises:
            ValueError: it begins like a trial and goes on otherwise.
        """
        if not source.startswith(PREFIX):
            return None
        match = _REFERENCE.fullmatch(source)
        if match is None:
            raise ValueError(f"{shown(source)} is no trial's weights; allowed: {FORMS}")
        number, which, model = match.groups(default="")
        checkpoint = int(which) if which.isdigit() else which or "latest"
        return cls(int(number), checkpoint, model)  # type: ignore[arg-type]

    def at(self, step: int) -> "TrialWeights":
        """Return the same trial's weights at a step."""
        return TrialWeights(self.trial, step, self.model)

    def __str__(self) -> str:
        """Return the source that names these weights."""
        return f"{PREFIX}{self.trial}@{self.which}" + (f":{self.model}" if self.model else "")


def _checked(source: str) -> str:
    TrialWeights.parse(source)
    return source


WeightsSource = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_checked)]
"""Weights of a trial, in files or on the hub; only the form of a trial's can be checked yet."""
