"""The evaluations: one entry each, read by the config, the CLI, the lab and the eval task."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pawn_core.config.conditioning import CASES
from pawn_core.config.errors import entry_named
from pawn_core.config.eval_probes import EvalProbesConfig, shards_of_probes
from pawn_core.config.facts import Metric
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.config.real_games import RealGamesConfig

if TYPE_CHECKING:
    from pawn_core.config.eval import EvalConfig

FRESH_GAMES = frozenset(
    {"games", "games_seed", "max_ply", "mate_boost", "discard_ply_limit", "shard_games"}
)
"""Fields of the random games that several evaluations measure on."""
MOVES, POSITIONS = "moves", "positions"
"""What the models speak that there are evaluations of."""
DIAGNOSTIC_SHARD = 64
"""Positions of each kind that a shard of diagnostics has."""
POSITIONS_SHARD = 256
"""Labelled positions that a shard of `positions` has."""


class Eval(NamedTuple):
    """An evaluation: its name, where it lives, how much work it is and which fields it reads."""

    name: str
    implementation: str
    """Import path (`module:Class`) of an `Evaluation`, so that listing them never imports torch."""
    shards: Callable[["EvalConfig"], int]
    """How many shards of work it is, at least 1."""
    fields: frozenset[str]
    """Fields of the config that it reads, those of every evaluation aside; idle without it."""
    metrics: tuple[Metric, ...]
    """What is known of its figures, named `<evaluation>.<figure>`; the first is its headline."""
    in_float32: bool = False
    """Whether it takes no notice of `amp_dtype`: games drawn in 16 bits depend on the batch."""
    measures: frozenset[str] = frozenset({MOVES})
    """What the models that it measures speak, as run types say it."""


def shards_of_games(config: "EvalConfig") -> int:
    """Return the shards that the fresh games make."""
    return -(-config.games // config.shard_games)


def _shards_of_both_modes(config: "EvalConfig") -> int:
    """Return the shards of the fresh games, free and held to the rules."""
    return 2 * shards_of_games(config)


def _shards_of_cases(config: "EvalConfig") -> int:
    """Return the shards of the cases that a model with outcome tokens is asked."""
    return len(CASES) * -(-config.conditioning_games // config.shard_games)


def _shards_of_pairs(config: "EvalConfig") -> int:
    """Return the shards of the pairs of games that a match has."""
    return -(-config.play_pairs // config.pairs_at_once(config.shard_games))


_PLAY = frozenset(
    {"games_seed", "max_ply", "shard_games", "play_opponent", "play_pairs", "play_opening_plies"}
    | {"play_temperature", "play_masked", "play_elo", "play_skill", "play_nodes"}
)

EVALS: tuple[Eval, ...] = (
    Eval(
        "legality",
        "pawn_core.evaluation.positions.legality:Legality",
        shards_of_games,
        FRESH_GAMES,
        (
            Metric("legality.legal_rate", "legal predictions", "high"),
            Metric("legality.late_legal_rate", "legal predictions, late plies", "high"),
            Metric("legality.game_completion", "games completed by a side", "high"),
            Metric("legality.val_loss", "loss (nats per token)", "low", own_kind=True),
            Metric("legality.top1", "top-1 accuracy", "high", own_kind=True),
            Metric("legality.kl", "KL to the exact distribution (nats)", "low"),
        ),
    ),
    Eval(
        "generation",
        "pawn_core.evaluation.generated.likeness:Likeness",
        _shards_of_both_modes,
        FRESH_GAMES | {"generation_temperature"},
        (
            Metric("generation.completion", "games generated without an illegal move", "high"),
            Metric("generation.end_seen", "ends of generated games seen", "high"),
            Metric("generation.free_length_ks", "distance of free lengths to random play", "low"),
            Metric("generation.free_outcome_tv", "distance of free outcomes to random play", "low"),
            Metric(
                "generation.masked_length_ks", "distance of legal lengths to random play", "low"
            ),
            Metric(
                "generation.masked_outcome_tv", "distance of legal outcomes to random play", "low"
            ),
        ),
        in_float32=True,
    ),
    Eval(
        "diagnostics",
        "pawn_core.evaluation.positions.diagnostics:Diagnostics",
        lambda config: -(-config.diagnostic_positions // DIAGNOSTIC_SHARD),
        frozenset({"games_seed", "max_ply", "diagnostic_positions", "diagnostic_games"}),
        (
            Metric("diagnostics.in_check", "legal mass in check", "high"),
            Metric("diagnostics.double_check", "legal mass in double check", "high"),
            Metric("diagnostics.pin_restricts", "legal mass where a pin restricts", "high"),
            Metric("diagnostics.en_passant", "legal mass with en passant", "high"),
            Metric("diagnostics.promotion", "legal mass with a promotion", "high"),
            Metric("diagnostics.checkmate", "probability of PAD after a mate", "high"),
            Metric("diagnostics.stalemate", "probability of PAD after a stalemate", "high"),
        ),
    ),
    Eval(
        "yardstick",
        "pawn_core.evaluation.positions.yardstick:Yardstick",
        shards_of_games,
        frozenset({"games", "games_seed", "shard_games", "yardstick_max_ply", "yardstick_plies"}),
        (
            Metric("yardstick.kl", "KL to the exact law over moves (nats)", "low"),
            Metric("yardstick.legal_rate", "legal predictions on common games", "high"),
            Metric("yardstick.legal_mass", "legal mass on common games", "high"),
            Metric("yardstick.top1_exact", "expected top-1 on common games", "high"),
        ),
    ),
    Eval(
        "conditioning",
        "pawn_core.evaluation.generated.conditioning:Conditioning",
        _shards_of_cases,
        frozenset({"games_seed", "max_ply", "shard_games"})
        | {"generation_temperature", "conditioning_games"},
        (
            Metric("conditioning.match", "games that end as asked", "high"),
            Metric("conditioning.continuation", "continued games that end as asked", "high"),
            Metric("conditioning.poisoned", "games that end as asked against the odds", "high"),
            Metric("conditioning.improbable", "improbable ends reached", "high"),
            Metric("conditioning.impossible_illegal", "illegal play, asked the impossible", "low"),
        ),
        in_float32=True,
    ),
    Eval(
        "play",
        "pawn_core.evaluation.play.play:Play",
        _shards_of_pairs,
        _PLAY,
        (
            Metric("play.score", "score of a game", "high", own_kind=True),
            Metric("play.elo", "Elo difference", "high", own_kind=True),
            Metric("play.forfeited", "games forfeited by an illegal move", "low", own_kind=True),
        ),
        in_float32=True,
        measures=frozenset({MOVES, POSITIONS}),
    ),
    Eval(
        "positions",
        "pawn_core.evaluation.positions.scorecard:Scorecard",
        lambda config: -(-config.max_positions // POSITIONS_SHARD),
        frozenset({"positions", "max_positions", "piece_mask_ratio"}),
        (
            Metric("positions.val_loss", "policy + value loss", "low", own_kind=True),
            Metric("positions.policy_loss", "policy loss (nats)", "low", own_kind=True),
            Metric("positions.policy_top1", "best move found", "high", own_kind=True),
            Metric("positions.policy_top5", "best move among five", "high", own_kind=True),
            Metric("positions.legal_mass", "legal mass of 4,672 moves", "high"),
            Metric("positions.value_mse", "value error (squared)", "low", own_kind=True),
            Metric("positions.value_sign", "sign of the value", "high", own_kind=True),
            Metric("positions.value_ece", "calibration error of the value", "low"),
            *(
                Metric(f"positions.{task.name}_skill", f"{task.name} skill", "high")
                for task in POSITION_TASKS
            ),
            Metric("positions.pin_ap", "pin average precision", "high", own_kind=True),
            Metric("positions.fork_ap", "fork average precision", "high", own_kind=True),
        ),
        measures=frozenset({POSITIONS}),
    ),
    Eval(
        "ceiling",
        "pawn_core.evaluation.positions.ceiling:Ceiling",
        shards_of_games,
        frozenset({"games", "games_seed", "max_ply", "shard_games"})
        | {"ceiling_rollouts", "ceiling_sample_rate"},
        (
            Metric("ceiling.share", "share of the top-1 ceiling", "high"),
            Metric("ceiling.top1", "top-1 where the ceiling is computed", "high", own_kind=True),
            Metric("ceiling.bound", "top-1 ceiling", None, own_kind=True),
        ),
    ),
    Eval(
        "accuracy",
        "pawn_core.evaluation.real_games.accuracy:Accuracy",
        lambda config: -(-config.max_games // config.shard_games),
        frozenset(RealGamesConfig.model_fields)
        | {"max_games", "min_eval_ply", "elo_band", "shard_games"},
        (
            Metric("accuracy.top1", "top-1 on real games", "high", own_kind=True),
            Metric("accuracy.top5", "top-5 on real games", "high", own_kind=True),
            Metric("accuracy.legal_top1", "top-1 among legal moves of real games", "high"),
            Metric("accuracy.loss", "loss on real games (nats per move)", "low", own_kind=True),
        ),
    ),
    Eval(
        "probes",
        "pawn_core.evaluation.probes:Probes",
        shards_of_probes,
        (FRESH_GAMES - {"shard_games"}) | frozenset(EvalProbesConfig.model_fields),
        (
            Metric("probes.piece_type", "piece probe accuracy", "high", own_kind=True),
            Metric("probes.is_check", "check probe accuracy", "high", own_kind=True),
            Metric("probes.material_r2", "material probe R2", "high", own_kind=True),
        ),
    ),
)

EVAL_NAMES = tuple(evaluation.name for evaluation in EVALS)
BY_DEFAULT = ("legality",)


def eval_named(name: object) -> Eval:
    """Return the evaluation of that name.

    Raises:
        ConfigError: no such evaluation; lists those there are.
    """
    return entry_named("evaluation", name, EVALS)
