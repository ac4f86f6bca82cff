"""The lab with the real trainers of text: from a new model to reinforced ones that are compared."""

import pytest
from lab_testing import ended

from pawn_lab.lab import Lab, launching, resuming
from pawn_lab.states import State
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.results import lab_results

TEXT = {"mix_env_ratio": 1.0, "history": False, "val_prompts": 4, "device": "cpu"}
TEXT |= {"local_checkpoints": True, "num_workers": 0, "log_interval": 1}
SFT = TEXT | {"run_type": "sft", "variant": "tiny", "d_model": 16, "n_heads": 2, "n_layers": 1}
SFT |= {"total_steps": 2, "batch_size": 2, "eval_interval": 1, "max_seq_len": 224}
GRPO = TEXT | {"run_type": "grpo", "total_steps": 3, "batch_size": 2, "group_size": 2}
GRPO |= {"max_new_tokens": 8, "eval_interval": 1, "checkpoint": "trial:1@best"}


@pytest.fixture
def lab(workspace):
    with Lab.open(workspace) as lab:
        yield lab


def done(lab, trial_id: int):
    """Wait until a trial has ended well."""
    trial = ended(lab, trial_id)
    assert trial.state in (State.COMPLETED, State.PAUSED), lab.paths.trial(trial_id).log.read_text()
    return trial


def test_a_base_is_trained_reinforced_paused_resumed_and_compared_over_seeds(lab):
    done(lab, launching.launch(lab, SFT).id)
    launched = launching.launch_group(lab, GRPO | {"pause_after_steps": 2}, seeds=2)
    paused = [done(lab, trial.id) for trial in launched.trials]
    assert {trial.state for trial in paused} == {State.PAUSED}
    assert paused[0].config["checkpoint"] in ("trial:1@1", "trial:1@2")
    whole = done(lab, resuming.resume(lab, paused[0].id).id)
    answer = lab_results(lab, trial_ids=[whole.id])
    columns = answer.wire()["rows"]["columns"]
    assert {"best_eval_reward", "last_eval_reward", "environment_fen_exact", "kl"} <= {*columns}
    assert (answer.rows[0].last_step, answer.forecasts) == (3, None)
    [group] = lab_compare(lab, trial_ids=[trial.id for trial in paused]).groups
    assert group.trial_ids == [trial.id for trial in paused]
    for metric, points in (("kl", 3), ("environment_fen_fields", 4)):
        [curve] = lab_plot(lab, trial_ids=[whole.id], metric=metric).curves
        assert len(curve.points) == points
