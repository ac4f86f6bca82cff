"""What a multitask run minimises: policy, value, and seven tasks that squares set themselves."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from pawn_core.config.idle import Idle
from pawn_core.config.position_data import PositionDataConfig
from pawn_core.config.position_tasks import POSITION_TASKS, position_task
from pawn_core.config.types import ABLATION, Fraction

TASK_FIELDS = frozenset(f"ssl_{task.name}_weight" for task in POSITION_TASKS)
_OF_TASKS = ("ssl_warmup_steps", "ssl_every_n", "ssl_chunk_size", *sorted(TASK_FIELDS))
_OF_MASKS = ("piece_mask_ratio", "piece_mask_share")


def _task_weight(task: str, about: str) -> Any:
    return Field(
        position_task(task).weight,
        ge=0.0,
        le=1e3,
        description=f"Weight of {about}; 0: not learned.",
        json_schema_extra=ABLATION,
    )


class MultitaskLossesConfig(PositionDataConfig):
    """The weights of all losses, and what each of them is."""

    of_losses: ClassVar[frozenset[str]] = TASK_FIELDS | (
        {"ssl_weight", "ssl_warmup_steps", "ssl_every_n", "policy_weight", "value_weight"}
        | {"huber_delta", "label_smoothing"}
    )

    value_head: Any
    """The model's own."""

    policy_weight: float = Field(
        1.0, ge=0.0, le=1e3, description="Weight of the policy loss.", json_schema_extra=ABLATION
    )
    label_smoothing: Fraction = Field(
        0.05,
        description="Share of the policy's target that is spread evenly over legal moves.",
        json_schema_extra=ABLATION,
    )
    value_weight: float = Field(
        1.0, ge=0.0, le=1e3, description="Weight of the value loss.", json_schema_extra=ABLATION
    )
    value_loss: Literal["huber", "mse"] = Field(
        "huber",
        description="Of value_head tanh; that of wdl is a cross-entropy.",
        json_schema_extra=ABLATION,
    )
    huber_delta: float = Field(
        1.0,
        gt=0.0,
        le=1e3,
        description="Error of the value from which on the Huber loss is linear; values differ by 2 "
        "at most.",
        json_schema_extra=ABLATION,
    )
    ssl_weight: float = Field(
        0.15,
        ge=0.0,
        le=1e3,
        description="Weight of all self-supervised tasks together; 0: none is learned.",
        json_schema_extra=ABLATION,
    )
    ssl_warmup_steps: int = Field(
        500, ge=0, le=10_000_000, description="Steps over which ssl_weight rises from 0."
    )
    ssl_every_n: int = Field(
        1, ge=1, le=1_000_000, description="Learn the tasks in one of so many steps."
    )
    ssl_chunk_size: int = Field(
        0,
        ge=0,
        le=65_536,
        description="Positions whose task heads are computed at once, and again in the backward "
        "pass: less memory, more compute, the same gradients; 0: all.",
    )
    ssl_piece_weight: float = _task_weight("piece", "what stands on the hidden squares")
    ssl_threat_weight: float = _task_weight("threat", "squares that the opponent attacks")
    ssl_pin_weight: float = _task_weight("pin", "men of the side to move that are pinned")
    ssl_fork_weight: float = _task_weight("fork", "pieces that attack two enemy men or more")
    ssl_control_weight: float = _task_weight("control", "who attacks a square more often")
    ssl_pawn_structure_weight: float = _task_weight("pawn_structure", "eight planes of pawns")
    ssl_king_safety_weight: float = _task_weight(
        "king_safety", "attackers of the squares around the king"
    )

    @property
    def task_weights(self) -> dict[str, float]:
        """The weight of each task that is learned, `ssl_weight` aside."""
        names = [task.name for task in POSITION_TASKS if self._can_be_learned(task.name)]
        weights = {name: getattr(self, f"ssl_{name}_weight") for name in names}
        return {name: weight for name, weight in weights.items() if weight}

    def _can_be_learned(self, task: str) -> bool:
        hidden = self.piece_mask_ratio * self.piece_mask_share > 0.0
        return self.ssl_weight > 0.0 and (hidden or not position_task(task).of_hidden)

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        if not self.policy_weight:
            yield from self._usual(("label_smoothing",), "policy_weight 0 leaves the policy out")
        yield from self._idle_of_value()
        if not self.ssl_weight:
            yield from self._usual(_OF_TASKS, "ssl_weight 0 leaves the tasks out")
        elif not self.task_weights:
            yield Idle("ssl_weight", 0.0, "no task has a weight")
        if not any(position_task(task).of_hidden for task in self.task_weights):
            yield from self._idle_masks()

    def _idle_of_value(self) -> Iterator[Idle]:
        if not self.value_weight:
            yield from self._usual(("value_loss", "huber_delta"), "value_weight 0 leaves it out")
        elif self.value_head == "wdl":
            yield from self._usual(("value_loss", "huber_delta"), "value_head 'wdl' has its own")
        elif self.value_loss == "mse":
            yield from self._usual(("huber_delta",), "value_loss 'mse' has none")

    def _idle_masks(self) -> Iterator[Idle]:
        if self.ssl_weight and self.ssl_piece_weight:
            yield Idle("ssl_piece_weight", 0.0, "no squares are hidden")
        yield from self._usual(_OF_MASKS, "the task piece is not learned")

    def _usual(self, fields: tuple[str, ...], why: str) -> Iterator[Idle]:
        for field in fields:
            yield Idle(field, type(self).model_fields[field].default, why)
