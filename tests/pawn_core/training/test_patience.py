"""What counts as improvement."""

import pytest

from pawn_core.config import parse_config
from pawn_core.training.patience import Patience

METRICS = ("val_loss", "late_legal_rate", "game_completion", "mean_plies_completed")


def evaluation(*values: float | None) -> dict[str, float | None]:
    return dict(zip(METRICS, values, strict=True))


def patience(metric: str) -> Patience:
    raw = {"local_checkpoints": True, "patience_metric": metric}
    return Patience.of(parse_config(raw))


FIRST = evaluation(2.0, 0.9, 0.5, 100.0)


@pytest.mark.parametrize(
    ("second", "by_loss", "compound"),
    [
        (FIRST, 1, 1),
        (evaluation(1.9, 0.8, 0.4, 90.0), 0, 0),
        (evaluation(2.1, 0.91, 0.5, 100.0), 1, 0),
        (evaluation(2.1, 0.9, 0.51, 100.0), 1, 0),
        (evaluation(2.1, 0.9, 0.5, 101.0), 1, 0),
        (evaluation(2.1, None, 0.5, 100.0), 1, 1),
    ],
)
def test_compound_patience_is_content_with_any_of_its_metrics(second, by_loss, compound) -> None:
    for metric, expected in (("val_loss", by_loss), ("compound", compound)):
        counted = patience(metric)
        counted.observe(FIRST, 1)
        counted.observe(second, 2)
        assert (counted.without_improvement, counted.best_step) == (expected, 1 + (expected == 0))


def test_each_metric_keeps_its_own_best() -> None:
    counted = patience("compound")
    for step, values in enumerate(
        [(2.0, None, 0.5, 9.0), (1.0, None, 0.4, 9.0), (1.5, None, 0.45, 9.0)], start=1
    ):
        counted.observe(evaluation(*values), step)
    assert counted.best == {"val_loss": 1.0, "game_completion": 0.5, "mean_plies_completed": 9.0}
    assert (counted.without_improvement, counted.best_step) == (1, 2)
    assert counted.describe().startswith("no better val_loss 1 or ")


def test_a_metric_first_watched_after_a_resume_starts_without_a_best_value() -> None:
    before, after = patience("val_loss"), patience("compound")
    before.observe(FIRST, 1)
    after.load_state_dict(before.state_dict())
    after.observe(evaluation(3.0, 0.1, 0.1, 1.0), 2)
    assert (after.without_improvement, after.best_step) == (0, 2)
    assert after.best["val_loss"] == 2.0
