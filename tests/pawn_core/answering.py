"""A run type of the tests' own: no optimizer, no model, items answered one after the other.

`answering_everywhere` on the PYTHONPATH adds it to every process that reads the run types.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pawn_core.config import registry
from pawn_core.config.facts import Merit, Progress
from pawn_core.config.registry import RunType
from pawn_core.config.run import RunConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, StepCount
from pawn_core.run_paths import CONFIG, STATE

if TYPE_CHECKING:
    import pytest

ANSWERS = "answers.safetensors"
EVERYWHERE = Path(__file__).with_name("answering_everywhere")


class AnsweringConfig(RunConfig):
    """Answer items at random and count how many answers are right."""

    progress: ClassVar[Progress] = Progress("total_items", "item")
    merit: ClassVar[Merit] = Merit("accuracy", "high")
    checkpoint_files: ClassVar[frozenset[str]] = frozenset({STATE, CONFIG, ANSWERS})
    measured_on: ClassVar[frozenset[str]] = frozenset({"choices"})
    incidental: ClassVar[frozenset[str]] = RunConfig.incidental | {"report_interval", "item_s"}
    pace_fields: ClassVar[frozenset[str]] = RunConfig.pace_fields | {"item_s"}

    run_type: Literal["answering"] = Field(
        "answering", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    total_items: StepCount = Field(20, description="Items to answer.")
    report_interval: StepCount = Field(5, description="Items between eval records.")
    choices: int = Field(
        4, ge=1, le=100, description="Answers to an item.", json_schema_extra=ABLATION
    )
    tries: int = Field(
        1,
        ge=1,
        le=100,
        description="Guesses at an item; one right is enough.",
        json_schema_extra=ABLATION,
    )
    item_s: float = Field(0.0, ge=0.0, le=10.0, description="Seconds an item takes at least.")


ITEMS: dict[str, Any] = {
    "run_type": "answering",
    "total_items": 60,
    "checkpoint_interval": 5,
    "local_checkpoints": True,
    "device": "cpu",
}

ANSWERING = RunType("answering", AnsweringConfig, "answering_task:Answering")


def register(monkeypatch: "pytest.MonkeyPatch") -> None:
    """Add the run type's one entry for a test, wherever the tuple has been imported to."""
    before = registry.RUN_TYPES
    for module in list(sys.modules.values()):
        if getattr(module, "RUN_TYPES", None) is before:
            monkeypatch.setattr(module, "RUN_TYPES", (*before, ANSWERING))


def register_everywhere(monkeypatch: "pytest.MonkeyPatch") -> None:
    """Add it in this process and in those that this one starts."""
    register(monkeypatch)
    monkeypatch.setenv("PYTHONPATH", f"{EVERYWHERE}:{EVERYWHERE.parent}")
