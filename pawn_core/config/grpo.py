"""Reinforcement: a model of text learns from the verified rewards of its own completions."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config.facts import Merit, Metric, Panel
from pawn_core.config.policy_loss import PolicyLossConfig
from pawn_core.config.rewards import RewardsConfig
from pawn_core.config.sampling import SamplingConfig
from pawn_core.config.tasks import scheme_kind
from pawn_core.config.text_tasks import ANSWERED, ANSWERS, PACE, TextTasksConfig
from pawn_core.config.training import OPTIMIZER, SPEED
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, StepCount
from pawn_core.config.weights import WeightsSource
from pawn_core.run_paths import REFERENCE, TEXT_FILES

METRICS = (
    Metric("eval_reward", "held-out reward of greedy completions", "high", own_kind=True),
    Metric("eval_reward_policy", "the same, P: prompts", "high", own_kind=True),
    Metric("eval_reward_environment", "the same, A: prompts", "high", own_kind=True),
    *ANSWERS,
    Metric("reward", "mean reward of sampled completions", None, "train"),
    Metric("reward_std", "deviation of rewards inside groups", None, "train"),
    Metric("frac_reward_zero_std", "groups without a difference", None, "train"),
    Metric("kl", "KL to the reference (nats per token)", None, "train"),
    Metric("entropy", "entropy (nats per token)", None, "train"),
    Metric("loss", "loss", None, "train"),
    *PACE,
)
PANELS = (
    Panel("Reward", ("eval_reward", "eval_reward_policy", "eval_reward_environment", "reward")),
    Panel("Parts of the reward", ("rewards/*",)),
    Panel(
        "Groups",
        ("reward_std", "frac_reward_zero_std", "dropped_*", "invalid_completions", "sampling/*"),
    ),
    Panel("Distance to the reference", ("kl", "entropy", "beta", "refused_updates")),
    Panel("Clipping", ("ratio", "clip_ratio/*")),
    Panel("Loss", ("loss", "policy_loss", "kl_loss", "echo_loss")),
    Panel("Length of completions", ("completions/*", "tokens_per_step")),
    ANSWERED,
    Panel(
        "Phases of a step (s)",
        ("generation_s", "rewards_s", "advantages_s", "scoring_s", "update_s"),
    ),
    OPTIMIZER,
    SPEED,
)

_LEARNED = frozenset({"group_size", "max_new_tokens", "shuffle_rewards", "overfit_single_batch"})


class GrpoConfig(PolicyLossConfig, SamplingConfig, RewardsConfig, TextTasksConfig):
    """Sample completions in groups, verify them, and make the better ones of a group likelier."""

    checkpoint_files: ClassVar[frozenset[str]] = TEXT_FILES | {REFERENCE}
    merit: ClassVar[Merit] = Merit("eval_reward", "high", "held-out greedy reward")
    measured_on: ClassVar[frozenset[str]] = (
        TextTasksConfig.measured_on | RewardsConfig.reward_fields | {"max_new_tokens"}
    )
    learned_from: ClassVar[frozenset[str]] = (
        TextTasksConfig.learned_from | RewardsConfig.reward_fields | _LEARNED
    )
    incidental: ClassVar[frozenset[str]] = TextTasksConfig.incidental | {
        "greedy_every",
        "kl_warn",
        "kl_stop",
    }
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = PANELS
    beside_merit: ClassVar[tuple[str, ...]] = ("environment_fen_exact", "policy_best", "kl")
    tuned: ClassVar[frozenset[str]] = (
        TextTasksConfig.tuned | SamplingConfig.sampling_fields | PolicyLossConfig.tuned_of_policy
    )
    searched: ClassVar[tuple[str, ...]] = (
        *("lr", "beta", "temperature", "clip_eps", "entropy_coef"),
        *("weight_decay", "warmup_steps", "min_lr_ratio", "max_grad_norm"),
    )
    rarely_set: ClassVar[frozenset[str]] = (
        TextTasksConfig.rarely_set
        | PolicyLossConfig.rarely_set_of_policy
        | SamplingConfig.sampling_fields - {"temperature"}
        | {"reward_shaping", "shuffle_rewards", "greedy_every"}
    )
    pace_fields: ClassVar[frozenset[str]] = TextTasksConfig.pace_fields | {
        "group_size",
        "max_new_tokens",
        "inner_epochs",
        "dynamic_sampling",
    }
    shown_live: ClassVar[tuple[str, ...]] = ("reward", "kl")
    loss_falls: ClassVar[bool] = False
    why_no_forecast: ClassVar[str] = "has a reward that goes up and down by chance"
    can_be_forecast: ClassVar[bool] = False

    run_type: Literal["grpo"] = Field(
        "grpo", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    checkpoint: WeightsSource = Field(
        description="What to start from, and the frozen reference: trial:3, trial:3@best, a "
        "checkpoint of an sft or grpo run or its folder, or GPT-2 in a folder or a Hugging Face "
        "repository.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    # Length
    total_steps: StepCount = Field(200, description="Optimizer steps of the whole schedule.")
    eval_interval: StepCount = Field(20, description="Steps between evaluations.")
    log_interval: StepCount = Field(1, description="Steps between train records.")
    val_prompts: int = Field(64, ge=1, le=1_000_000, description="Held-out prompts of each task.")
    gpus: int = Field(1, ge=1, le=1, description="Reinforcement computes on one device.")

    # Groups
    batch_size: int = Field(8, ge=1, le=65_536, description="Prompts a step.")
    group_size: int = Field(
        8,
        ge=2,
        le=4096,
        description="Completions of a prompt, which are compared with each other: one alone has "
        "nothing to be compared with.",
    )

    # Controls
    shuffle_rewards: bool = Field(
        False,
        description="A control that cannot learn: rewards change places inside each group.",
        json_schema_extra=ABLATION,
    )
    overfit_single_batch: bool = Field(
        False,
        description="Every step has the prompts of the first.",
        json_schema_extra=ABLATION,
    )

    lr: float = Field(
        1e-5,
        gt=0.0,
        le=1.0,
        description="Peak learning rate; 1e-5 suits GPT-2, small models over characters learn at "
        "1e-4 and more.",
    )
    weight_decay: Fraction = Field(0.0, description="Decoupled weight decay of matrices.")

    # Evaluation
    greedy_every: StepCount | None = Field(
        None,
        description="Steps between greedy evaluations of the step's own prompts, before and after "
        "its update; null: none.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_groups_of_one(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("group_size") == 1:
            raise ValueError(
                "group_size 1 is not allowed: a completion's advantage is its reward less that of "
                "others of the same prompt; allowed: 2 to 4096"
            )
        return raw

    @model_validator(mode="after")
    def _check_minibatches(self) -> Self:
        if self.batch_size % (self.minibatches * self.accumulation_steps):
            raise ValueError(
                f"minibatches {self.minibatches} x accumulation_steps {self.accumulation_steps} "
                f"does not divide batch_size {self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _check_scheme(self) -> Self:
        known = scheme_kind(self.reward_scheme).tasks
        for task, share in (self.task_shares or {}).items():
            if share and known is not None and task not in known:
                raise ValueError(
                    f"reward_scheme '{self.reward_scheme}' does not know task '{task}'; allowed: "
                    "verified"
                )
        return self

    @property
    def real_size(self) -> bool:
        """Weights to start from may be large, but then the config does not say so."""
        return False
