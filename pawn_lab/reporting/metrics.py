"""The metrics that trials report: which way is better, and what makes two values comparable."""

from dataclasses import dataclass
from typing import Literal

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError

GAMES = frozenset(
    {"mate_boost", "discard_ply_limit", "vocabulary", "max_seq_len"}
    | {"prepend_outcome", "no_outcome_token"}
)
"""Config fields that decide what games, training and validation, are like as sequences."""


@dataclass(frozen=True)
class Metric:
    """A number of eval or train records; `better` is None where neither way is."""

    name: str
    title: str
    better: Literal["low", "high"] | None
    record: Literal["eval", "train"] = "eval"
    own_games: bool = False
    """How hard the validation games are to predict shows in the value itself."""


METRICS = (
    Metric("val_loss", "validation loss (nats per token)", "low", own_games=True),
    Metric("perplexity", "validation perplexity", "low", own_games=True),
    Metric("top1", "top-1 accuracy", "high", own_games=True),
    Metric("top5", "top-5 accuracy", "high", own_games=True),
    Metric("kl", "KL to the exact distribution (nats)", "low"),
    Metric("legal_rate", "legal predictions", "high"),
    Metric("late_legal_rate", "legal predictions, late plies", "high"),
    Metric("game_completion", "games completed by a side", "high"),
    Metric("game_completion_both", "games completed by both sides", "high"),
    Metric("mean_plies_completed", "plies before the first illegal prediction", "high"),
    Metric("loss", "training loss (nats per token)", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
    Metric("games_per_s", "games a second", None, "train"),
)


def metric_named(name: str) -> Metric:
    """Return a metric.

    Raises:
        InvalidRequestError: no such metric; lists them.
    """
    return _one_of(name, METRICS)


def metric_of_merit(name: str) -> Metric:
    """Return a metric by which trials can be ranked.

    Raises:
        InvalidRequestError: no such metric, or neither way of it is better; lists them.
    """
    return _one_of(name, tuple(metric for metric in METRICS if metric.better))


def _one_of(name: str, metrics: tuple[Metric, ...]) -> Metric:
    by_name = {metric.name: metric for metric in metrics}
    if name not in by_name:
        raise InvalidRequestError(
            f"metric {name[:100]!r} is not allowed{did_you_mean(name, by_name)}; "
            f"one of: {', '.join(by_name)}"
        )
    return by_name[name]
