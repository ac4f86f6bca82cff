"""How a model computes: in which precision, compiled or not."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from pawn_core.config import idle
from pawn_core.config.base import BaseConfig
from pawn_core.config.idle import Idle


class ComputeConfig(BaseConfig):
    """Choices that change speed and memory, hardly what is computed."""

    amp_dtype: Literal["auto", "bfloat16", "float16", "none"] = Field(
        "auto",
        description="Autocast type; auto: bfloat16 on a GPU and on a CPU that computes in it "
        "(AVX512_BF16, AMX), else none; of a resumed run, what it was.",
    )
    no_amp: bool = Field(False, description="Train in float32; the same as amp_dtype 'none'.")
    no_compile: bool | None = Field(
        None, description="true: never torch.compile; false: always; null: on a GPU only."
    )
    sdpa_math: bool = Field(False, description="Force the math attention backend (AMD).")

    @model_validator(mode="after")
    def _resolve_precision(self) -> Self:
        if self.no_amp:
            if self.amp_dtype not in ("auto", "none"):
                raise ValueError(f"no_amp: true contradicts amp_dtype '{self.amp_dtype}'")
            self.__dict__["amp_dtype"] = "none"
        return self

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing on the device."""
        yield from super().idle_fields(on_gpu)
        yield from idle.compute(self, on_gpu)
