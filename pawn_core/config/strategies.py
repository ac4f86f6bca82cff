"""The fields of the adapter strategies: where each adapts the model, and how far it may go."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pawn_core.config.adapters import ADAPTER_NAMES, ADAPTERS, TARGETS, Strategy, adapter_named
from pawn_core.config.architecture import Architecture
from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import shown
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME

_LAYERS = re.compile(r"(top|bottom)-([1-9]\d{0,2})|\d{1,3}(,\d{1,3})*")
_OF_STRATEGIES = frozenset().union(*(strategy.fields for strategy in ADAPTERS))


def _checked_name(name: str) -> str:
    return adapter_named(name).name


def _as_text(value: Any) -> Any:
    """Return layers as text: `4` of a command line is a number, `[4, 5]` of JSON a list."""
    listed = value if isinstance(value, list | tuple) else [value]
    numbers = all(isinstance(number, int) and not isinstance(number, bool) for number in listed)
    return ",".join(map(str, listed)) if numbers and listed else value


def _checked_layers(value: str) -> str:
    value = value.strip("[]").replace(" ", "")
    if not _LAYERS.fullmatch(value):
        raise ValueError(f"{shown(value)} names no layers; allowed: top-4, bottom-4 or 4,5,6,7")
    numbers = value.split(",")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{shown(value)} names a layer twice")
    return value


def _checked_targets(value: str) -> str:
    if not value or set(value) - set(TARGETS) or len(set(value)) < len(value):
        raise ValueError(f"{shown(value)} names no matrices of attention; allowed: some of qkvo")
    return "".join(letter for letter in TARGETS if letter in value)


StrategyName = Annotated[
    str, Field(json_schema_extra={"enum": list(ADAPTER_NAMES)}), AfterValidator(_checked_name)
]
Layers = Annotated[
    str, Field(max_length=1024), BeforeValidator(_as_text), AfterValidator(_checked_layers)
]
Targets = Annotated[str, Field(max_length=4), AfterValidator(_checked_targets)]


class StrategyConfig(BaseConfig):
    """How a model is adapted."""

    strategy: StrategyName = Field(
        description=f"How to adapt: {', '.join(ADAPTER_NAMES)} (from scratch).",
        json_schema_extra=FIXED_ON_RESUME | ABLATION | {"enum": list(ADAPTER_NAMES)},
    )
    adapter_layers: Layers | None = Field(
        None,
        description="Layers to adapt: top-4, bottom-4 or 4,5,6,7, counted from 0; default all, "
        "unfreeze top-1.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    bottleneck_dim: int = Field(
        8,
        ge=1,
        le=65_536,
        description="Width of a bottleneck.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    bottleneck_n_hidden: int = Field(
        0,
        ge=0,
        le=16,
        description="Hidden layers of that width inside a bottleneck.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    no_adapt_attn: bool = Field(
        False, description="No bottleneck after attention.", json_schema_extra=FIXED_ON_RESUME
    )
    no_adapt_ffn: bool = Field(
        False,
        description="No bottleneck after the feed-forward part.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    lora_rank: int = Field(
        4, ge=1, le=4096, description="Rank of LoRA's update.", json_schema_extra=FIXED_ON_RESUME
    )
    lora_alpha: float | None = Field(
        None,
        gt=0.0,
        le=65_536.0,
        description="LoRA's update counts alpha / rank times; default: lora_rank.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    lora_targets: Targets = Field(
        "qkvo",
        description="Matrices of attention that LoRA adapts.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    lora_ffn: bool = Field(
        False,
        description="LoRA on the feed-forward matrices too.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    output_film: bool | None = Field(
        None,
        description="FiLM on the logits too; default with film, not with hybrid.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    film_lr: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="Peak learning rate of FiLM's parameters; default: lr.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    density: float = Field(
        0.01,
        gt=0.0,
        le=1.0,
        description="Share of a matrix's entries that a sparse update moves.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    sparse_targets: Targets = Field(
        "qkvo",
        description="Matrices of attention with a sparse update.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    sparse_ffn: bool = Field(
        False,
        description="A sparse update of the feed-forward matrices too.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    rosa_warmup_steps: int = Field(
        128,
        ge=0,
        le=10_000_000,
        description="Steps of LoRA alone before the entries are chosen.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    rosa_mask_batches: int = Field(
        32,
        ge=1,
        le=100_000,
        description="Batches whose gradients choose the entries.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    rosa_grad_alpha: int = Field(
        2,
        ge=1,
        le=8,
        description="Entries are ranked by the sum of |gradient| to this power.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    d_model: int = Field(
        84, ge=2, le=16_384, description="Width of tiny.", json_schema_extra=FIXED_ON_RESUME
    )
    n_layers: int = Field(
        2, ge=1, le=256, description="Layers of tiny.", json_schema_extra=FIXED_ON_RESUME
    )
    n_heads: int = Field(
        4, ge=1, le=256, description="Attention heads of tiny.", json_schema_extra=FIXED_ON_RESUME
    )
    d_ff: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Feed-forward width of tiny; default 8/3 x d_model.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_seq_len: int = Field(
        512,
        ge=2,
        le=1024,
        description="Tokens per game of tiny; a backbone has its own.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        if "no_adapt_attn" in self.adapts_by.fields and self.no_adapt_attn and self.no_adapt_ffn:
            raise ValueError("no_adapt_attn and no_adapt_ffn leave nothing to adapt; set one")
        return self

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not divisible by n_heads {self.n_heads}")
        return self

    @property
    def adapts_by(self) -> Strategy:
        """The strategy's entry."""
        return adapter_named(self.strategy)

    @property
    def architecture(self) -> Architecture:
        """Dimensions of a model that is trained from scratch."""
        d_ff = self.d_ff or 8 * self.d_model // 3
        return Architecture(self.d_model, self.n_layers, self.n_heads, d_ff)

    def layers_of(self, n_layers: int) -> tuple[int, ...]:
        """Return the layers to adapt in a model of so many, ascending.

        Raises:
            ValueError: the model lacks one.
        """
        text = self.adapter_layers
        if text is None:
            return tuple(range(n_layers))
        end, _, count = text.partition("-")
        if count:
            first = n_layers - int(count) if end == "top" else 0
            layers = range(first, first + int(count))
        else:
            layers = sorted(map(int, text.split(",")))
        if layers[0] < 0 or layers[-1] >= n_layers:
            raise ValueError(
                f"adapter_layers {text!r} are not all there: the model has {n_layers} layers, "
                f"0 to {n_layers - 1}"
            )
        return tuple(layers)

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to, of those that the strategy reads."""
        null = {"lora_alpha": float(self.lora_rank), "d_ff": self.architecture.d_ff}
        read = {n: value for n, value in null.items() if n in self.adapts_by.fields}
        return super().follows() | read | dict(self.adapts_by.follows)

    def unread(self) -> frozenset[str]:
        """Return the fields of other strategies, and a backbone's where there is none."""
        backbone = {"checkpoint"} if self.adapts_by.from_scratch else frozenset[str]()
        return _OF_STRATEGIES - self.adapts_by.fields | backbone

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing: those of other strategies."""
        yield from super().idle_fields(on_gpu)
        for field in sorted(_OF_STRATEGIES - self.adapts_by.fields):
            readers = ", ".join(s.name for s in ADAPTERS if field in s.fields)
            default = type(self).model_fields[field].default
            yield Idle(field, default, f"strategy '{self.strategy}' does not read it: {readers}")
