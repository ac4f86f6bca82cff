"""What every run that learns from games has, random or real: batches of them, and validation."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pawn_core.config import idle
from pawn_core.config.facts import Merit, Metric, Panel
from pawn_core.config.idle import Idle
from pawn_core.config.training import OPTIMIZER, SPEED, TrainingConfig
from pawn_core.config.types import Seed

METRICS = (
    Metric("val_loss", "validation loss (nats per token)", "low", own_kind=True),
    Metric("perplexity", "validation perplexity", "low", own_kind=True),
    Metric("top1", "top-1 accuracy", "high", own_kind=True),
    Metric("top5", "top-5 accuracy", "high", own_kind=True),
    Metric("kl", "KL to the exact distribution (nats)", "low"),
    Metric("legal_rate", "legal predictions", "high"),
    Metric("late_legal_rate", "legal predictions, late plies", "high"),
    Metric("game_completion", "games completed by a side", "high"),
    Metric("game_completion_both", "games completed by both sides", "high"),
    Metric("mean_plies_completed", "plies before the first illegal prediction", "high"),
    Metric("loss", "training loss (nats per token)", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
    Metric("games_per_s", "games a second", None, "train"),
)
PANELS = (
    Panel("Loss", ("val_loss", "loss", "perplexity")),
    Panel("Accuracy", ("top1", "top5")),
    Panel("Legality", ("legal_rate", "late_legal_rate")),
    Panel("Whole games", ("game_completion", "game_completion_both", "mean_plies_completed")),
    Panel("Distance to the exact law", ("kl",), logy=True),
    OPTIMIZER,
    SPEED,
)
_COMPOUND = ("late_legal_rate", "game_completion", "mean_plies_completed")


class GameTrainingConfig(TrainingConfig):
    """A run of optimizer steps on games, validated on others."""

    measured_on: ClassVar[frozenset[str]] = TrainingConfig.measured_on | {"val_games"}
    incidental: ClassVar[frozenset[str]] = (
        TrainingConfig.incidental
        | {"patience_metric"}
        | {"batching", "attention"}  # the gradients are the same
    )
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = PANELS
    beside_merit: ClassVar[tuple[str, ...]] = ("top1", "legal_rate", "game_completion", "kl")
    sample: ClassVar[str] = "validation games"
    shapeless: ClassVar[frozenset[str]] = TrainingConfig.shapeless | {"patience_metric"}
    rarely_set: ClassVar[frozenset[str]] = TrainingConfig.rarely_set | (
        {"val_games", "patience_metric", "residual_dtype", "batching", "attention"}
    )

    patience_metric: Literal["val_loss", "compound"] = Field(
        "val_loss",
        description="What has to improve; compound: any of val_loss, late_legal_rate, "
        "game_completion and mean_plies_completed.",
    )
    batch_size: int = Field(256, ge=1, le=65_536, description="Games per optimizer step.")
    data_seed: Seed | None = Field(None, description="Training games; default: seed.")
    val_games: int = Field(512, ge=1, le=1_000_000, description="Validation games.")
    residual_dtype: Literal["float32", "amp"] = Field(
        "float32",
        description="Residual stream between layers: in float32, or in amp_dtype, which moves "
        "half as many bytes and rounds each layer's sum.",
    )
    batching: Literal["auto", "padded", "bucketed", "packed"] = Field(
        "auto",
        description="How games lie in a batch: a row each, parts of like length, or several to a "
        "row; the gradients are the same. auto: what is fastest on the device.",
    )
    attention: Literal["auto", "varlen", "flash", "flex", "dense"] = Field(
        "auto",
        description="How a GPU attends in packed rows; the gradients are the same. auto: the first "
        "that works there.",
    )

    @property
    def watched(self) -> tuple[Merit, ...]:
        """Metrics of evaluations of which one has to improve, or patience runs out."""
        compound = _COMPOUND if self.patience_metric == "compound" else ()
        return (*super().watched, *(Merit(name, "high") for name in compound))

    @property
    def evaluated_on(self) -> str:
        """What an evaluation is made on."""
        return f"{self.val_games} games"

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from idle.watched_metric(self)
        yield from idle.residual(self)
        yield from idle.packed_attention(self, on_gpu)
