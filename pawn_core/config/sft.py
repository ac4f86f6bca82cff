"""Supervised learning of the text tasks: the base of what is then reinforced."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config.facts import Kinds, Metric, PathKind
from pawn_core.config.idle import Idle
from pawn_core.config.text_models import OF_NEW_MODELS, TextModelConfig
from pawn_core.config.text_tasks import HELD_OUT, LEARNED, TASK_FIELDS, TextTasksConfig
from pawn_core.config.training import TrainingConfig
from pawn_core.config.types import FIXED_ON_RESUME, Fraction, StepCount
from pawn_core.run_paths import TEXT_FILES

METRICS = (
    Metric("val_loss", "held-out loss (nats per token of a completion)", "low", own_kind=True),
    Metric("policy_loss", "the same, P: prompts", "low", own_kind=True),
    Metric("environment_loss", "the same, A: prompts", "low", own_kind=True),
    Metric("policy_exact", "P: completions that are right to the letter", "high", own_kind=True),
    Metric("environment_exact", "A: completions right to the letter", "high", own_kind=True),
    Metric("environment_fen_exact", "A: next positions that are right", "high", own_kind=True),
    Metric("policy_best", "P: best moves that are the engine's", "high", own_kind=True),
    Metric("policy_legality", "P: candidate moves that are legal", "high", own_kind=True),
    Metric("loss", "training loss (nats per token)", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
)


class SftConfig(TextTasksConfig, TextModelConfig, TrainingConfig):
    """Learn right completions of prompts that are made from seeds, without end."""

    measured_on: ClassVar[frozenset[str]] = (
        TrainingConfig.measured_on | HELD_OUT | {"greedy_prompts"}
    )
    learned_from: ClassVar[frozenset[str]] = TrainingConfig.learned_from | LEARNED
    incidental: ClassVar[frozenset[str]] = (
        TrainingConfig.incidental | TextTasksConfig.incidental_of_tasks
    )
    checkpoint_files: ClassVar[frozenset[str]] = TEXT_FILES
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    beside_merit: ClassVar[tuple[str, ...]] = ("environment_fen_exact", "policy_best")
    sample: ClassVar[str] = "held-out prompts"
    kinds: ClassVar[Kinds] = Kinds("tasks", TASK_FIELDS)
    rarely_set: ClassVar[frozenset[str]] = (
        TrainingConfig.rarely_set
        | TextTasksConfig.rarely_set_of_tasks
        | OF_NEW_MODELS - {"variant"}
        | {"greedy_prompts"}
    )
    pace_fields: ClassVar[frozenset[str]] = (
        TrainingConfig.pace_fields
        | OF_NEW_MODELS
        | {"checkpoint", "mix_env_ratio", "task_format", "stockfish_depth", "stockfish_workers"}
    )
    weights_fields: ClassVar[frozenset[str]] = frozenset({"checkpoint"})
    path_fields: ClassVar[Mapping[str, PathKind]] = TextTasksConfig.path_fields_of_tasks
    speaks: ClassVar[str] = "text"
    further_metrics: ClassVar[bool] = True

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

    @model_validator(mode="after")
    def _check_held_out(self) -> Self:
        if self.data_seed == self.val_seed:
            raise ValueError(
                f"val_seed {self.val_seed} is also the training data's seed; "
                "held-out prompts must not be trained on"
            )
        return self

    @property
    def evaluated_on(self) -> str:
        """What an evaluation is made on."""
        return f"{self.val_prompts} prompts of each task"

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        if self.greedy_prompts > self.val_prompts:
            why = f"there are val_prompts {self.val_prompts}"
            yield Idle("greedy_prompts", self.val_prompts, why)
