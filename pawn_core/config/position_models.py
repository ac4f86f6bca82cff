"""The fields of models of positions: a tower or a transformer, of a named size or of one's own."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from pawn_core.config.architecture import Architecture
from pawn_core.config.dimensions import DIMENSIONS, DimensionsConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME
from pawn_core.config.weights import WeightsSource

POSITION_VARIANTS = MappingProxyType(
    {
        "toy": Architecture(d_model=16, n_layers=2, n_heads=2, d_ff=64),
        "tiny": Architecture(d_model=32, n_layers=4, n_heads=4, d_ff=128),
        "small": Architecture(d_model=64, n_layers=6, n_heads=4, d_ff=256),
        "medium": Architecture(d_model=128, n_layers=10, n_heads=8, d_ff=512),
        "matrix0": Architecture(d_model=288, n_layers=22, n_heads=8, d_ff=1152),
        "matrix0_320": Architecture(d_model=320, n_layers=24, n_heads=20, d_ff=1280),
    }
)
"""Channels, blocks and attention heads; d_ff is of the transformer's blocks alone. `matrix0` are
the sizes of that project's tools at two times."""
POLICY_RANKS = MappingProxyType(
    {"toy": 8, "tiny": 32, "small": 64, "medium": 96, "matrix0": 160, "matrix0_320": 128}
)
"""Of the policy head of each variant."""
TASK_WEIGHTS = MappingProxyType(
    {
        "piece": 1.0,
        "threat": 0.8,
        "pin": 0.7,
        "fork": 0.6,
        "control": 0.5,
        "pawn_structure": 0.4,
        "king_safety": 0.4,
    }
)
"""The self-supervised tasks, in the engine's order, and how much each counts by default."""
HEADS = ("policy", "value", *TASK_WEIGHTS)
OF_NEW_POSITION_MODELS = DIMENSIONS | {"trunk", "variant", "policy_rank"}
"""Fields of no effect where there are weights to start from."""
_CUSTOM_RANK = 64


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
    trunk: Literal["tower", "transformer"] = Field(
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
    policy_rank: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Rank of the policy head's last product; default: the variant's.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    value_head: Literal["tanh", "wdl"] = Field(
        "tanh",
        description="One number from -1 to 1, or the odds of win, draw and loss.",
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
        rank = POLICY_RANKS.get(self.variant, _CUSTOM_RANK)
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

    def _idle_beside_weights(self) -> Iterator[Idle]:
        fields = type(self).model_fields
        usual = {name: fields[name].default for name in ("trunk", "variant")}
        usual |= self.variants[usual["variant"]]._asdict()
        if "policy" not in self.new_heads:
            usual["policy_rank"] = POLICY_RANKS[usual["variant"]]
        for field, value in usual.items():
            yield Idle(field, value, "checkpoint has its own")
