"""Bounded numbers and checked names that several fields share."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict

StepCount = Annotated[int, Field(ge=1, le=100_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
HubRepo = Annotated[str, StringConstraints(pattern=rf"^{_NAME}/{_NAME}$")]
VARIANT = "{variant}"
"""Stands for each variant's name in the repository of a run of several."""
VariantsHubRepo = Annotated[
    str,
    StringConstraints(
        pattern=rf"^{_NAME}/({_NAME}|[A-Za-z0-9._-]{{0,64}}\{{variant\}}[A-Za-z0-9._-]{{0,64}})$"
    ),
]
"""One repository for all variants, or one for each: `owner/pawn-{variant}`."""
HubBucket = Annotated[str, StringConstraints(pattern=rf"^(hf://buckets/)?{_NAME}/{_NAME}$")]
Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:[0-9]{1,2})?)$")]

FIXED_ON_RESUME: JsonDict = {"fixed_on_resume": True}
"""Schema mark of a field that a checkpoint decides: a resumed run cannot change it."""

ABLATION: JsonDict = {"ablation": True}
"""Schema mark of a field that changes what is learned from, or by which rule; results list it."""
