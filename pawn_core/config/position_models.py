"""The fields of models of positions: a tower or a transformer, of a named size or of one's own."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from pawn_core.config.architecture import Architecture
from pawn_core.config.dimensions import DIMENSIONS, DimensionsConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.idle import Idle
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction
from pawn_core.config.weights import WeightsSource

Trunk = Literal["tower", "transformer"]
ValueHead = Literal["tanh", "wdl"]
POSITION_VARIANTS = MappingProxyType(
    {
        "toy": Architecture(d_model=16, n_layers=2, n_heads=1, d_ff=64),
        "tiny": Architecture(d_model=32, n_layers=4, n_heads=2, d_ff=128),
        "small": Architecture(d_model=64, n_layers=6, n_heads=4, d_ff=256),
        "medium": Architecture(d_model=128, n_layers=10, n_heads=8, d_ff=512),
        "matrix0": Architecture(d_model=288, n_layers=22, n_heads=18, d_ff=1152),
        "matrix0_320": Architecture(d_model=320, n_layers=24, n_heads=20, d_ff=1280),
    }
)
"""Channels, blocks and attention heads of 16 channels; d_ff is of the transformer's blocks alone.
`matrix0` are the sizes of that project's tools at two times: towers of 44.3 and 57.7 million
parameters."""
POLICY_RANKS = MappingProxyType({"matrix0": 160, "matrix0_320": 128})
"""Of the dense policy heads of Matrix0; other variants have the head without a rank, 0."""
TASK_WEIGHTS = MappingProxyType({task.name: task.weight for task in POSITION_TASKS})
"""How much each self-supervised task counts by default."""
HEADS = ("policy", "value", *TASK_WEIGHTS)
OF_NEW_POSITION_MODELS = DIMENSIONS | (
    {"trunk", "variant", "policy_rank", "attention_every", "attention_mask_share"}
)
"""Fields of no effect where there are weights to start from."""
_ATTENTION = ("attention_every", "attention_mask_share")


def _listed(value: Any) -> Any:
    """Return names as a tuple: of a list, or of `a,b` as a command line has them."""
    if isinstance(value, str):
        return tuple(filter(None, (name.strip() for name in value.split(","))))
    return tuple(value) if isinstance(value, list) else value


def _checked_heads(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in HEADS:
            hint = did_you_mean(name, HEADS)
            raise ValueError(f"{shown(name)} is no head; allowed: {', '.join(HEADS)}{hint}")
    if len(set(names)) < len(names):
        raise ValueError("a head is named twice")
    return names


Heads = Annotated[
    tuple[Annotated[str, Field(json_schema_extra={"enum": list(HEADS)})], ...],
    BeforeValidator(_listed),
    AfterValidator(_checked_heads),
]


class PositionModelConfig(DimensionsConfig):
    """A new model of positions, or weights to start from."""

    variants: ClassVar[Mapping[str, Architecture]] = POSITION_VARIANTS

    checkpoint: WeightsSource | None = Field(
        None,
        description="What to start from: trial:3, trial:3@best, a checkpoint of a multitask run or "
        "its folder; default: a new model.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    new_heads: Heads = Field(
        (),
        description="Heads that begin anew although there are weights to start from: "
        f"{', '.join(HEADS)}.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    trunk: Trunk = Field(
        "tower",
        description="Residual convolutions with attention after every third block, or blocks of a "
        "transformer over the 64 squares.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    variant: Literal["toy", "tiny", "small", "medium", "matrix0", "matrix0_320", "custom"] = Field(
        "tiny",
        description="Size of a new model; its dimensions can be overridden one by one.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    attention_every: int = Field(
        3,
        ge=0,
        le=256,
        description="Residual blocks of a tower before each block of attention; 0: no attention.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    attention_mask_share: Fraction = Field(
        0.8,
        description="Share of a tower's attention that is confined to ranks, files, diagonals and "
        "knight moves; the rest sees the whole board.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    policy_rank: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="Rank of a dense policy head over the whole board; 0: each square's moves from "
        "its own channels; default: the variant's.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    value_head: ValueHead = Field(
        "tanh",
        description="One number from -1 to 1, or the chances of loss, draw and win.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    @property
    def real_size(self) -> bool:
        """Whether it is no small new model."""
        return self.checkpoint is not None or self.variant not in ("toy", "tiny")

    def weights_named(self) -> dict[str, str]:
        """Return what to start from, where that is no new model."""
        return {} if self.checkpoint is None else {"checkpoint": self.checkpoint}

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        rank = POLICY_RANKS.get(self.variant, 0)
        return super().follows() | {"policy_rank": rank}

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing: those of new models where there are weights."""
        yield from super().idle_fields(on_gpu)
        if self.checkpoint:
            yield from self._idle_beside_weights()
            return
        yield Idle("new_heads", (), "a new model's heads are all new")
        if self.trunk == "tower" and self.d_model:
            yield Idle("d_ff", 4 * self.d_model, "a tower has no feed-forward layers")
            yield from self._idle_of_a_tower()
        elif self.trunk == "transformer":
            for field in _ATTENTION:
                why = "of a tower; each square of a transformer sees all others in every layer"
                yield Idle(field, type(self).model_fields[field].default, why)

    def _idle_of_a_tower(self) -> Iterator[Idle]:
        if not 0 < self.attention_every <= self.architecture.n_layers:
            yield Idle("attention_every", 0, None)
            why = f"attention_every {self.attention_every} leaves no attention"
            share = type(self).model_fields["attention_mask_share"].default
            yield Idle("attention_mask_share", share, why)

    def _idle_beside_weights(self) -> Iterator[Idle]:
        fields = type(self).model_fields
        usual = {name: fields[name].default for name in ("trunk", "variant", *_ATTENTION)}
        usual |= self.variants[usual["variant"]]._asdict()
        if "policy" not in self.new_heads:
            usual["policy_rank"] = POLICY_RANKS.get(usual["variant"], 0)
        for field, value in usual.items():
            yield Idle(field, value, "checkpoint has its own")
