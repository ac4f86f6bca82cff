"""The lab with the real trainer of positions: launched, paused, resumed, forked and compared."""

import pytest
from lab_testing import ended
from made_positions import made_positions

from pawn_lab.errors import InvalidConfigError
from pawn_lab.lab import Lab, launching, resuming
from pawn_lab.states import State
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.results import lab_results

MULTITASK = {"run_type": "multitask", "variant": "toy", "total_steps": 3, "batch_size": 8}
MULTITASK |= {"eval_interval": 1, "val_positions": 16, "warmup_steps": 1, "ssl_warmup_steps": 0}
MULTITASK |= {"device": "cpu", "local_checkpoints": True, "num_workers": 0, "log_interval": 1}


@pytest.fixture
def lab(workspace):
    with Lab.open(workspace) as lab:
        yield lab


@pytest.fixture
def config(tmp_path) -> dict:
    return MULTITASK | {"positions": str(made_positions(tmp_path / "positions"))}


def done(lab, trial_id: int):
    """Wait until a trial has ended well."""
    trial = ended(lab, trial_id)
    assert trial.state in (State.COMPLETED, State.PAUSED), lab.paths.trial(trial_id).log.read_text()
    return trial


def test_trials_of_positions_are_paused_resumed_forked_and_compared_over_seeds(lab, config):
    launched = launching.launch_group(lab, config | {"pause_after_steps": 2}, seeds=2)
    paused = [done(lab, trial.id) for trial in launched.trials]
    assert {trial.state for trial in paused} == {State.PAUSED}
    whole = done(lab, resuming.resume(lab, paused[0].id).id)
    changes = {"ssl_weight": 0.5, "ssl_pin_weight": 2.0, "lr": 1e-4}
    forked = done(lab, resuming.resume(lab, paused[1].id, overrides=changes).id)
    assert {name: forked.config[name] for name in changes} == changes
    answer = lab_results(lab, trial_ids=[whole.id, forked.id])
    columns = answer.wire()["rows"]["columns"]
    assert {"best_val_loss", "last_val_loss", "policy_top1", "value_mse"} <= {*columns}
    assert {row.last_step for row in answer.rows} == {3}
    [group] = lab_compare(lab, trial_ids=[trial.id for trial in paused]).groups
    assert group.trial_ids == [trial.id for trial in paused]
    for metric in ("piece_skill", "policy_loss"):
        [curve] = lab_plot(lab, trial_ids=[whole.id], metric=metric).curves
        assert len(curve.points) >= 3
    after = launching.launch(lab, config | {"checkpoint": f"trial:{whole.id}@best"})
    assert done(lab, after.id).config["checkpoint"].startswith(f"trial:{whole.id}@")


def test_a_folder_of_positions_that_is_not_there_is_refused_at_the_launch(lab, tmp_path):
    with pytest.raises(InvalidConfigError, match=r"positions .* does not exist"):
        launching.launch(lab, MULTITASK | {"positions": str(tmp_path / "nowhere")})
