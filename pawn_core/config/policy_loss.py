"""How advantages move a policy, and how far from its reference: the fields of the policy loss."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION


class Usual(NamedTuple):
    """What an algorithm has unless it is told otherwise."""

    advantage: str
    clip_eps: float
    clip_eps_high: float
    beta: float
    dynamic_sampling: bool = False


ALGORITHMS = MappingProxyType(
    {
        "grpo": Usual("std", 0.2, 0.2, 0.02),
        "dr_grpo": Usual("mean", 0.2, 0.2, 0.0),
        "dapo": Usual("std", 0.2, 0.28, 0.0, dynamic_sampling=True),
        "gspo": Usual("std", 3e-4, 4e-4, 0.02),
        "cispo": Usual("std", 0.2, 0.2, 0.0),
    }
)
"""arXiv 2402.03300, 2503.20783, 2503.14476, 2507.18071, 2506.13585; beta is 0 where there is none.
"""
KL_ESTIMATORS = MappingProxyType({"loss": ("exact", "k2", "k3", "k3_weighted"), "reward": ("k1",)})
"""Those that pull towards the reference, by where they count; the first one is usual."""


class PolicyLossConfig(BaseConfig):
    """An algorithm of policy gradients with groups, and a KL to the reference."""

    tuned_of_policy: ClassVar[frozenset[str]] = frozenset(
        {"clip_eps", "clip_eps_high", "cispo_cap", "inner_epochs", "minibatches", "std_floor"}
        | {"advantage_clip", "entropy_coef", "echo_coef"}
        | {"beta", "beta_warmup_steps", "beta_min", "beta_max", "target_kl"}
    )
    rarely_set_of_policy: ClassVar[frozenset[str]] = frozenset(
        {"advantage", "std_floor", "advantage_clip", "clip_eps_high", "cispo_cap", "minibatches"}
        | {"kl_estimator", "kl_in", "beta_warmup_steps", "beta_min", "beta_max", "echo_coef"}
        | {"dynamic_sampling", "most_rounds", "kl_warn", "kl_stop"}
    )

    # Policy loss
    algorithm: Literal["grpo", "dr_grpo", "dapo", "gspo", "cispo"] = Field(
        "grpo", description="How advantages move the policy.", json_schema_extra=ABLATION
    )
    advantage: Literal["std", "mean", "leave_one_out"] | None = Field(
        None,
        description="A reward less the mean of its group; std: in deviations of the group; "
        "leave_one_out: less the mean of the others; default: the algorithm's.",
        json_schema_extra=ABLATION,
    )
    std_floor: float = Field(0.05, ge=0.0, le=1e3, description="A group's deviation at least.")
    advantage_clip: float | None = Field(
        2.0, gt=0.0, le=1e6, description="Advantages in deviations at most, up and down; null: any."
    )
    clip_eps: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="Ratios count down to 1 less this; default: the algorithm's.",
    )
    clip_eps_high: float | None = Field(
        None, gt=0.0, le=1e3, description="Ratios count up to 1 and this; default: the algorithm's."
    )
    cispo_cap: float = Field(
        5.0, gt=0.0, le=1e3, description="Weights of tokens at most, in cispo."
    )
    inner_epochs: int = Field(
        1, ge=1, le=64, description="Passes over a step's completions, an update or more each."
    )
    minibatches: int = Field(
        1, ge=1, le=1024, description="Updates of such a pass; divides batch_size."
    )
    entropy_coef: float = Field(0.0, ge=0.0, le=1e3, description="Weight of the entropy bonus.")
    echo_coef: float = Field(
        0.0,
        ge=0.0,
        le=1e3,
        description="Weight of the cross-entropy of right A: completions beside the policy loss.",
        json_schema_extra=ABLATION,
    )
    dynamic_sampling: bool | None = Field(
        None,
        description="Draw further prompts for groups whose rewards are all the same; default with "
        "dapo only.",
        json_schema_extra=ABLATION,
    )
    most_rounds: int = Field(
        4, ge=1, le=256, description="Rounds of prompts that a step draws at most for it."
    )

    # Reference
    kl_in: Literal["loss", "reward"] = Field(
        "loss",
        description="Where the KL to the reference counts.",
        json_schema_extra=ABLATION,
    )
    kl_estimator: Literal["exact", "k1", "k2", "k3", "k3_weighted"] | None = Field(
        None,
        description="Exact over the vocabulary, or from sampled tokens; in the loss all but k1, "
        "which has no gradient there, default exact; in the reward k1.",
        json_schema_extra=ABLATION,
    )
    beta: float | None = Field(
        None, ge=0.0, le=1e3, description="Weight of the KL; default: the algorithm's."
    )
    beta_warmup_steps: int = Field(
        0, ge=0, le=10_000_000, description="Steps before the KL counts."
    )
    target_kl: float | None = Field(
        None, gt=0.0, le=1e3, description="KL that beta is led to; null: beta stays."
    )
    beta_min: float = Field(0.0, ge=0.0, le=1e3, description="Beta at least where it is led.")
    beta_max: float = Field(1.0, gt=0.0, le=1e3, description="Beta at most where it is led.")
    kl_warn: float | None = Field(
        2.0, gt=0.0, le=1e6, description="An event says that the KL is past this; null: none."
    )
    kl_stop: float | None = Field(
        5.0, gt=0.0, le=1e6, description="The run saves and stops past this KL; null: never."
    )

    @model_validator(mode="after")
    def _check_kl(self) -> Self:
        allowed = KL_ESTIMATORS[self.kl_in]
        if self.kl_estimator not in allowed:
            raise ValueError(
                f"kl_estimator '{self.kl_estimator}' does not pull towards the reference with "
                f"kl_in '{self.kl_in}'; allowed: {', '.join(allowed)}"
            )
        return self

    @model_validator(mode="after")
    def _check_led_beta(self) -> Self:
        if self.beta_min > self.beta_max:
            raise ValueError(f"beta_min {self.beta_min:g} is past beta_max {self.beta_max:g}")
        assert self.beta is not None
        if self.target_kl is not None and not self.beta_min <= self.beta <= self.beta_max:
            raise ValueError(
                f"beta {self.beta:g} is where target_kl leads it from; allowed: beta_min "
                f"{self.beta_min:g} to beta_max {self.beta_max:g}"
            )
        if self.target_kl is not None and not self.beta:
            raise ValueError(
                f"beta 0 cannot be led to target_kl {self.target_kl:g}: it is multiplied; "
                "allowed: > 0"
            )
        return self

    @property
    def reads_reference(self) -> bool:
        """Whether the KL to the reference counts for what is learned."""
        return bool(self.beta)

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to: what the algorithm has."""
        usual = ALGORITHMS[self.algorithm]
        own_clip = self.clip_eps not in (None, usual.clip_eps)
        high = {"clip_eps_high": self.clip_eps} if own_clip else {}
        estimator = {"kl_estimator": KL_ESTIMATORS[self.kl_in][0]}
        return super().follows() | usual._asdict() | high | estimator

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        usual = self.follows() | {"kl_estimator": KL_ESTIMATORS["loss"][0]}
        for field, why in self._idle_policy_fields():
            default = type(self).model_fields[field].default
            yield Idle(field, usual.get(field, default), why)

    def _idle_policy_fields(self) -> Iterator[tuple[str, str]]:
        if self.algorithm == "cispo":
            for field in ("clip_eps", "clip_eps_high"):
                yield field, "algorithm 'cispo' caps weights: cispo_cap"
        else:
            yield "cispo_cap", f"algorithm '{self.algorithm}' clips ratios: clip_eps"
        if self.advantage != "std":
            why = f"advantage '{self.advantage}' is not in deviations"
            yield from (("std_floor", why), ("advantage_clip", why))
        if not self.dynamic_sampling:
            yield "most_rounds", "only dynamic_sampling draws further prompts"
        if self.target_kl is None:
            yield from (
                (f, "target_kl null leaves beta as it is") for f in ("beta_min", "beta_max")
            )
        if not self.reads_reference:
            for field in ("kl_in", "kl_estimator", "beta_warmup_steps"):
                yield field, "beta 0 leaves the reference out"
