"""Supervised learning of the text tasks: the base of what is then reinforced."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pawn_core.config.facts import Metric, Panel
from pawn_core.config.idle import Idle
from pawn_core.config.text_models import OF_NEW_MODELS, TextModelConfig
from pawn_core.config.text_tasks import ANSWERED, ANSWERS, PACE, TextTasksConfig
from pawn_core.config.training import OPTIMIZER, SPEED
from pawn_core.config.types import FIXED_ON_RESUME, Fraction, StepCount
from pawn_core.run_paths import TEXT_FILES

METRICS = (
    Metric("val_loss", "held-out loss (nats per token of a completion)", "low", own_kind=True),
    Metric("policy_loss", "the same, P: prompts", "low", own_kind=True),
    Metric("environment_loss", "the same, A: prompts", "low", own_kind=True),
    *ANSWERS,
    Metric("loss", "training loss (nats per token)", None, "train"),
    *PACE,
)
PANELS = (
    Panel("Loss", ("val_loss", "policy_loss", "environment_loss", "loss")),
    ANSWERED,
    OPTIMIZER,
    SPEED,
)


class SftConfig(TextModelConfig, TextTasksConfig):
    """Learn right completions of prompts that are made from seeds, without end."""

    measured_on: ClassVar[frozenset[str]] = TextTasksConfig.measured_on | {"greedy_prompts"}
    checkpoint_files: ClassVar[frozenset[str]] = TEXT_FILES
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = PANELS
    beside_merit: ClassVar[tuple[str, ...]] = ("environment_fen_exact", "policy_best")
    rarely_set: ClassVar[frozenset[str]] = (
        TextTasksConfig.rarely_set | OF_NEW_MODELS - {"variant"} | {"greedy_prompts"}
    )
    pace_fields: ClassVar[frozenset[str]] = TextTasksConfig.pace_fields | OF_NEW_MODELS

    tried_with: ClassVar[Mapping[str, int]] = {"val_prompts": 4, "greedy_prompts": 4}

    run_type: Literal["sft"] = Field(
        "sft", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )

    # Length
    total_steps: StepCount = Field(5_000, description="Optimizer steps of the whole schedule.")
    eval_interval: StepCount = Field(500, description="Steps between evaluations.")
    log_interval: StepCount = Field(50, description="Steps between train records.")

    # Learning
    batch_size: int = Field(64, ge=1, le=65_536, description="Prompts per optimizer step.")
    lr: float = Field(1e-3, gt=0.0, le=1.0, description="Peak learning rate.")
    weight_decay: Fraction = Field(0.01, description="Decoupled weight decay of matrices.")

    # Evaluation
    greedy_prompts: int = Field(
        64,
        ge=0,
        le=1_000_000,
        description="Of the held-out prompts of each task, how many are answered and verified at "
        "each evaluation.",
    )

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        if self.greedy_prompts > self.val_prompts:
            why = f"there are val_prompts {self.val_prompts}"
            yield Idle("greedy_prompts", self.val_prompts, why)
