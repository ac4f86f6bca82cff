"""What every run on random games can be told about them: tokens, targets, the random player."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config import idle
from pawn_core.config.facts import Kinds
from pawn_core.config.game_training import GameTrainingConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed

DEFAULT_VAL_SEED = 1_000_000_007
GAMES = frozenset(
    {"mate_boost", "discard_ply_limit", "vocabulary", "max_seq_len"}
    | {"prepend_outcome", "no_outcome_token"}
)
"""Fields that decide what games, training and validation, are like as sequences."""


class GamesConfig(GameTrainingConfig):
    """Learn from random games of the engine."""

    measured_on: ClassVar[frozenset[str]] = GameTrainingConfig.measured_on | GAMES | {"val_seed"}
    learned_from: ClassVar[frozenset[str]] = GameTrainingConfig.learned_from | GAMES
    kinds: ClassVar[Kinds] = Kinds("games", GAMES)
    shapeless: ClassVar[frozenset[str]] = GameTrainingConfig.shapeless | {"val_seed"}
    rarely_set: ClassVar[frozenset[str]] = GameTrainingConfig.rarely_set | {
        "targets",
        "val_seed",
        "prepend_outcome",
        "cuda_graphs",
    }
    pace_fields: ClassVar[frozenset[str]] = GameTrainingConfig.pace_fields | (
        {"vocabulary", "max_seq_len", "prepend_outcome", "targets", "discard_ply_limit"}
        | {"cuda_graphs"}
    )
    incidental: ClassVar[frozenset[str]] = GameTrainingConfig.incidental | {"cuda_graphs"}

    tried_with: ClassVar[Mapping[str, int]] = {"val_games": 32}

    # Tokens
    vocabulary: Literal["searchless", "coordinate"] = Field(
        "searchless",
        description="Move tokens: 1,980 actions, or the legacy 4,278.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_seq_len: int | None = Field(
        None,
        ge=2,
        le=1024,
        description="Tokens per game; default 512, coordinate 256.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    prepend_outcome: bool | None = Field(
        None,
        description="Start each sequence with the outcome; default only with coordinate.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    no_outcome_token: bool = Field(
        False,
        description="The same as prepend_outcome: false.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    # Learning
    targets: Literal["sampled", "legal"] = Field(
        "sampled",
        description="Learn from the move that was played, or from the exact distribution over "
        "legal moves (pure sequences of random play only).",
        json_schema_extra=ABLATION,
    )

    # Games
    val_seed: Seed = Field(DEFAULT_VAL_SEED, description="Validation games; never a training seed.")
    mate_boost: Fraction = Field(
        0.0,
        description="Probability of playing a mate in one.",
        json_schema_extra=ABLATION,
    )
    discard_ply_limit: bool = Field(
        False,
        description="Only games that ended by the rules.",
        json_schema_extra=ABLATION,
    )

    # Hardware
    cuda_graphs: bool = Field(
        False,
        description="Record a step's operations and let the GPU repeat them: the host, which holds "
        "up small models, has little to do. One GPU, not float16, batches of fixed shapes.",
    )

    @model_validator(mode="after")
    def _check_graphs(self) -> Self:
        contradictions = {
            "gpus": self.gpus > 1 and "processes wait for each other",
            "amp_dtype": self.amp_dtype == "float16" and "its scaler looks at each gradient",
            "batching": self.batching == "bucketed" and "each batch has other shapes",
        }
        for field, why in contradictions.items():
            if self.cuda_graphs and why:
                value = getattr(self, field)
                raise ValueError(f"cuda_graphs: true contradicts {field} {value!r}: {why}")
        return self

    @model_validator(mode="after")
    def _check_tokens(self) -> Self:
        if self.no_outcome_token and self.prepend_outcome:
            raise ValueError("no_outcome_token: true contradicts prepend_outcome: true")
        return self

    @model_validator(mode="after")
    def _check_targets(self) -> Self:
        reasons = {
            "prepend_outcome": "the outcome token tells how the game ends",
            "discard_ply_limit": "games are chosen by how they end",
        }
        for field, why in reasons.items():
            if self.targets == "legal" and getattr(self, field):
                raise ValueError(
                    f"targets 'legal' contradicts {field}: true: {why}, so the distribution of the "
                    "next move is not known; use targets 'sampled'"
                )
        return self

    @model_validator(mode="after")
    def _check_seeds(self) -> Self:
        if self.data_seed == self.val_seed:
            raise ValueError(
                f"val_seed {self.val_seed} is also the training data's seed; "
                "validation games must not be trained on"
            )
        return self

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to; the layout is the vocabulary's."""
        coordinate = self.vocabulary == "coordinate"
        return super().follows() | {
            "prepend_outcome": coordinate and not self.no_outcome_token,
            "max_seq_len": 256 if coordinate else 512,
        }

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from idle.outcome_token(self)
        yield from idle.graphs(self, on_gpu)

    @property
    def max_ply(self) -> int:
        """Most plies of a game that fit a sequence, the outcome token taken off."""
        assert self.max_seq_len is not None
        return self.max_seq_len - bool(self.prepend_outcome)
