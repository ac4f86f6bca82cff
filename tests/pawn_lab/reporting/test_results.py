"""Results and progress from metrics streams, whole or not."""

import json
from dataclasses import replace

import pytest
from lab_testing import trial_row

from pawn_core.config import parse_config
from pawn_core.config.registry import RUN_TYPES
from pawn_lab.configs import StoredConfig
from pawn_lab.reporting import results
from pawn_lab.trial_paths import TrialPaths


@pytest.fixture
def paths(tmp_path):
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    return paths


def row(**config):
    resolved = parse_config({"variant": "toy", "local_checkpoints": True} | config)
    return trial_row(resolved.model_dump(mode="json"))


def train(step, time):
    return {"type": "train", "step": step, "time": time, "loss": 5.0}


def evaluation(step, loss):
    return {"type": "eval", "step": step, "time": 0.0, "val_loss": loss, "kl": None}


def write(paths, *records):
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    paths.metrics.write_text("\n".join(lines) + "\n")


def test_the_best_evaluation_has_the_lowest_loss(paths):
    write(paths, evaluation(1, 3.0), evaluation(2, 2.0), evaluation(3, None), evaluation(4, 2.5))
    [result] = results.results(row(), paths, 0.0)
    assert (result.best.step, result.last.step, result.step) == (2, 4, 4)
    assert result.last.metrics == {"val_loss": 2.5, "kl": None}


def test_a_trial_without_metrics_has_no_evaluation(paths):
    [result] = results.results(row(), paths, 0.0)
    assert (result.best, result.last, result.step) == (None, None, None)


def test_torn_and_foreign_lines_are_passed_over(paths):
    write(paths, '{"type": "eval", "st', "", "[]", "\x00", evaluation(1, 3.0))
    assert results.results(row(), paths, 0.0)[0].last.step == 1


def test_progress_tells_the_time_to_the_next_stop(paths):
    write(paths, *(train(step, 100.0 + step * 2) for step in range(10, 60, 10)))
    progress = results.progress(row(total_steps=100, pause_after_steps=80), paths)
    assert (progress.step, progress.target_step) == (50, 80)
    assert progress.steps_per_s == pytest.approx(0.5)
    assert progress.eta_s == pytest.approx(60.0)
    assert progress.models[""].train == {"step": 50, "time": 200.0, "loss": 5.0}


def test_a_clock_that_went_backwards_gives_no_rate(paths):
    write(paths, train(1, 100.0), train(2, 50.0))
    assert results.progress(row(), paths).eta_s is None


def test_progress_reads_only_the_end_of_a_long_stream(paths):
    write(paths, *(train(step, float(step)) for step in range(1, 20_000)))
    assert results.progress(row(), paths).step == 19_999


def test_a_resumed_trial_without_metrics_is_at_its_parents_step(paths):
    assert results.progress(replace(row(), from_step=500), paths).step == 500


def test_ablations_are_the_marked_fields_that_make_another_run_than_the_default():
    config = row(mate_boost=1.0, discard_ply_limit=True, lr=0.01).config
    assert results.ablation(config) == {"mate_boost": 1.0, "discard_ply_limit": True}


@pytest.mark.parametrize("run_type", [kind.name for kind in RUN_TYPES])
def test_a_config_of_defaults_is_no_ablation_and_has_nothing_beyond_them(run_type):
    kind = next(kind for kind in RUN_TYPES if kind.name == run_type).config
    config = StoredConfig({"run_type": run_type} | kind.defaults())
    assert results.ablation(config) == {}
    assert config.beyond_defaults == {}


@pytest.mark.parametrize(
    ("fields", "ablation"),
    [
        ({"no_outcome_token": True}, {}),
        ({"no_outcome_token": True, "vocabulary": "coordinate"}, {"no_outcome_token": True}),
        ({"prepend_outcome": False, "vocabulary": "coordinate"}, {"no_outcome_token": True}),
        ({"prepend_outcome": True, "vocabulary": "coordinate"}, {}),
        ({"prepend_outcome": True}, {"prepend_outcome": True}),
    ],
)
def test_an_outcome_token_or_none_is_an_ablation_where_the_vocabulary_has_it_otherwise(
    fields, ablation
):
    assert results.ablation(row(**fields).config) == ablation


def test_a_config_from_before_a_field_existed_is_still_read():
    assert results.ablation(StoredConfig({"run_type": "pretrain", "mate_boost": 0.5})) == {
        "mate_boost": 0.5
    }


COTRAIN = {
    "run_type": "cotrain",
    "variants": {"toy": {}, "thin": {"variant": "toy", "d_model": 32}},
}


def cotrain_row():
    resolved = parse_config(COTRAIN | {"local_checkpoints": True, "lr": 1e-3})
    return trial_row(resolved.model_dump(mode="json"))


def test_each_variant_of_a_cotraining_run_has_its_own_best_and_last(paths):
    losses = {"toy": (3.0, 2.0, 2.5), "thin": (4.0, 3.5, 3.0)}
    records = [
        evaluation(step, losses[name][step - 1]) | {"variant": name}
        for step in (1, 2, 3)
        for name in losses
    ]
    write(paths, *records)
    toy, thin = results.results(cotrain_row(), paths, 1.0)
    assert (toy.variant, toy.best.step, toy.last.metrics["val_loss"]) == ("toy", 2, 2.5)
    assert (thin.variant, thin.best.step, thin.config["d_model"]) == ("thin", 3, 32)


def test_progress_tells_the_loss_of_each_variant(paths):
    records = [train(n, 10.0 * n) | {"variant": v} for n in (1, 2) for v in ("toy", "thin")]
    write(paths, *records, train(2, 20.0) | {"variant": "toy", "loss": 4.0})
    models = results.progress(cotrain_row(), paths).models
    assert {name: model.train["loss"] for name, model in models.items()} == {
        "toy": 4.0,
        "thin": 5.0,
    }
