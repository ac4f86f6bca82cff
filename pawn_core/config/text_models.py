"""The fields of models of text: dimensions of a new one over characters, or weights there are."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import Field

from pawn_core.config.architecture import Architecture
from pawn_core.config.dimensions import DIMENSIONS, DimensionsConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME
from pawn_core.config.weights import WeightsSource

TEXT_VARIANTS = MappingProxyType(
    {
        "tiny": Architecture(d_model=64, n_layers=2, n_heads=4, d_ff=256),
        "mini": Architecture(d_model=128, n_layers=4, n_heads=4, d_ff=512),
        "small": Architecture(d_model=256, n_layers=8, n_heads=4, d_ff=1024),
    }
)
"""About 0.14, 1.1 and 8.4 million parameters over the alphabet of characters."""
OF_NEW_MODELS = DIMENSIONS | {"variant", "max_seq_len"}
"""Fields of no effect where there are weights to start from."""


class TextModelConfig(DimensionsConfig):
    """A new transformer over characters, or weights to start from."""

    variants: ClassVar[Mapping[str, Architecture]] = TEXT_VARIANTS

    checkpoint: WeightsSource | None = Field(
        None,
        description="What to start from: trial:3, trial:3@best, a checkpoint of an sft or grpo run "
        "or its folder, or GPT-2 in a folder or a Hugging Face repository; default: a new model "
        "over characters.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    variant: Literal["tiny", "mini", "small", "custom"] = Field(
        "mini",
        description="Size of a new model; its dimensions can be overridden one by one.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_seq_len: int = Field(
        288,
        ge=16,
        le=8192,
        description="Characters of a prompt with its completion that a new model can read.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @property
    def real_size(self) -> bool:
        """Whether it is no small new model."""
        return self.checkpoint is not None or self.variant in ("small", "custom")

    def weights_named(self) -> dict[str, str]:
        """Return what to start from, where that is no new model."""
        return {} if self.checkpoint is None else {"checkpoint": self.checkpoint}

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing: those of new models where there are weights."""
        yield from super().idle_fields(on_gpu)
        fields = type(self).model_fields
        usual = {name: fields[name].default for name in ("variant", "max_seq_len")}
        usual |= self.variants[usual["variant"]]._asdict()
        for field, value in usual.items() if self.checkpoint else ():
            yield Idle(field, value, "checkpoint has its own")
