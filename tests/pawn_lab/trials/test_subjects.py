"""Weights of other trials are fixed to a step at the launch, and kept while they are waited for."""

import os
import shutil
from pathlib import Path

import pytest
from lab_testing import CONFIG, ended, open_gate

from pawn_lab.errors import (
    InvalidConfigError,
    InvalidRequestError,
    NoCheckpointError,
    TrialStateError,
    UnknownTrialError,
)
from pawn_lab.lab import Lab, launching, queries, storing, sweeping
from pawn_lab.states import State
from pawn_lab.store import trials

EVAL = {"run_type": "eval", "weights": "trial:1", "games": 8, "shard_games": 4, "device": "cpu"}
TEXT = {"local_checkpoints": True, "total_steps": 100, "eval_interval": 100, "device": "cpu"}
MOVES = TEXT | {"mix_env_ratio": 1.0}
SFT = MOVES | {"run_type": "sft", "variant": "tiny"}
GRPO = MOVES | {"run_type": "grpo"}
MULTITASK = TEXT | {"run_type": "multitask", "positions": "positions"}
VARIANTS = {"run_type": "cotrain", "variants": {"a": {"variant": "toy"}, "b": {"variant": "toy"}}}


@pytest.fixture
def lab(open_lab) -> Lab:
    """Return a lab whose trial 1 has trained to step 1000, and whose next trials wait."""
    lab = open_lab("gate:study")
    finish(lab, CONFIG)
    return lab


def finish(lab: Lab, config: dict) -> int:
    trial = launching.launch(lab, config)
    open_gate(lab, trial.id)
    return ended(lab, trial.id).id


@pytest.mark.parametrize("which", ["", "@latest", "@best", "@1000"])
def test_a_launched_evaluation_names_one_step(lab, which: str) -> None:
    trial = launching.launch(lab, EVAL | {"weights": f"trial:1{which}"})
    assert trial.config["weights"] == "trial:1@1000"
    assert trial.config["total_shards"] == 2


def test_a_dry_run_names_it_too(lab) -> None:
    config, _ = launching.estimate(lab, EVAL)
    assert config.model_dump()["weights"] == "trial:1@1000"


def test_the_newest_weights_are_those_at_the_launch_however_often_it_is_repeated(lab) -> None:
    first = launching.launch(lab, EVAL, idempotency_key="once")
    shutil.copytree(
        lab.paths.trial(1).checkpoints / "step_00001000", lab.paths.trial(1).checkpoints / "aside"
    )
    shutil.rmtree(lab.paths.trial(1).checkpoints / "step_00001000")
    assert launching.launch(lab, EVAL, idempotency_key="once").id == first.id
    with pytest.raises(NoCheckpointError):
        launching.launch(lab, EVAL)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"weights": "trial:9"}, UnknownTrialError, "9"),
        ({"weights": "trial:1@7"}, NoCheckpointError, "no checkpoint of step 7; saved: 1000"),
        ({"weights": "trial:1@1000:small"}, InvalidRequestError, "no model 'small'; it has: one"),
        ({"weights": "trial:one"}, InvalidConfigError, "is no trial's weights; allowed: trial:12"),
        ({"weights": "./none"}, InvalidConfigError, "weights './none' does not exist"),
        ({"weights": "x.safetensors"}, InvalidConfigError, "'x.safetensors' does not exist"),
    ],
)
def test_weights_that_are_not_there_are_refused_at_once(lab, fields, error, message) -> None:
    with pytest.raises(error, match=message):
        launching.launch(lab, EVAL | fields)
    assert len(queries.trials(lab)) == 1


def test_a_trial_that_has_saved_nothing_is_refused(lab) -> None:
    waiting = launching.launch(lab, CONFIG | {"lr": 1e-4})
    with pytest.raises(NoCheckpointError, match="has saved no checkpoint"):
        launching.launch(lab, EVAL | {"weights": f"trial:{waiting.id}"})


def test_a_damaged_checkpoint_is_refused(lab) -> None:
    weights = lab.paths.trial(1).checkpoints / "step_00001000/model.safetensors"
    weights.write_bytes(b"damaged")
    with pytest.raises(NoCheckpointError, match="no checkpoint that can be trusted"):
        launching.launch(lab, EVAL)


def test_an_evaluation_has_no_weights_to_evaluate(lab) -> None:
    first = launching.launch(lab, EVAL)
    with pytest.raises(InvalidRequestError, match="run_type 'eval', which makes no weights"):
        launching.launch(lab, EVAL | {"weights": f"trial:{first.id}"})


def test_one_of_several_models_is_to_be_named(lab) -> None:
    shared = {name: value for name, value in CONFIG.items() if name != "variant"}
    several = finish(lab, shared | VARIANTS)
    with pytest.raises(InvalidRequestError, match="several models; it has: a, b; name one, as in"):
        launching.launch(lab, EVAL | {"weights": f"trial:{several}"})
    trial = launching.launch(lab, EVAL | {"weights": f"trial:{several}@1000:b"})
    assert trial.config["weights"] == f"trial:{several}@1000:b"


def test_a_path_holds_wherever_the_trial_runs(lab, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    trial = launching.launch(lab, EVAL | {"weights": "here"})
    assert trial.config["weights"] == str(tmp_path / "here")


@pytest.mark.parametrize("opponent", ["random", "uci:sh"])
def test_an_opponent_without_weights_is_no_file_of_that_name(
    lab, monkeypatch, tmp_path: Path, opponent: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / opponent).mkdir()
    config, _ = launching.estimate(lab, EVAL | {"evals": ["play"], "play_opponent": opponent})
    assert config.model_dump()["play_opponent"] == opponent


def test_an_opposing_trial_is_fixed_to_a_step_too(lab) -> None:
    config, _ = launching.estimate(lab, EVAL | {"evals": ["play"], "play_opponent": "trial:1@best"})
    assert config.model_dump()["play_opponent"] == "trial:1@1000"


def test_a_file_of_games_is_found_wherever_the_trial_runs(lab, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games.pgn").write_text("")
    games = EVAL | {"evals": ["accuracy"], "pgn": "games.pgn"}
    assert launching.launch(lab, games).config["pgn"] == str(tmp_path / "games.pgn")
    with pytest.raises(InvalidConfigError, match=r"pgn 'none\.pgn' does not exist"):
        launching.launch(lab, games | {"pgn": "none.pgn"})


def test_a_model_of_text_is_reinforced_from_the_step_that_was_best(lab) -> None:
    base = finish(lab, SFT)
    trial = launching.launch(lab, GRPO | {"checkpoint": f"trial:{base}@best"})
    assert trial.config["checkpoint"] == f"trial:{base}@100"


def test_weights_of_models_that_speak_otherwise_are_refused_with_those_that_do(lab) -> None:
    taken = (
        "speak moves; run_type 'grpo' takes models that speak text: trials of run_type sft, grpo"
    )
    with pytest.raises(
        InvalidRequestError, match=f"'trial:1@best' is of run_type 'pretrain'.*{taken}"
    ):
        launching.launch(lab, GRPO | {"checkpoint": "trial:1@best"})
    with pytest.raises(InvalidRequestError, match="'multitask' takes models that speak positions"):
        launching.launch(lab, MULTITASK | {"checkpoint": "trial:1@best"})
    base = finish(lab, SFT)
    with pytest.raises(
        InvalidRequestError, match="whose models speak text; evals 'legality' takes"
    ):
        launching.launch(lab, EVAL | {"weights": f"trial:{base}"})


def test_evaluations_take_weights_of_the_models_that_they_measure(lab, tmp_path: Path) -> None:
    folder = {"positions": str(tmp_path)}
    base = finish(lab, TEXT | folder | {"run_type": "multitask", "variant": "toy"})
    for fields in ({"evals": ["play"]}, {"evals": ["positions"]} | folder):
        trial = launching.launch(lab, EVAL | {"weights": f"trial:{base}"} | fields)
        assert trial.config["weights"] == f"trial:{base}@100"
    opposed = EVAL | {"evals": ["play"], "play_opponent": f"trial:{base}"}
    assert launching.launch(lab, opposed).config["play_opponent"] == f"trial:{base}@100"
    with pytest.raises(
        InvalidRequestError, match="speak positions; evals 'legality' takes models that speak moves"
    ):
        launching.launch(lab, EVAL | {"weights": f"trial:{base}"})
    with pytest.raises(
        InvalidRequestError,
        match=r"speak moves; evals 'positions' .*: trials of run_type multitask",
    ):
        launching.launch(lab, EVAL | {"evals": ["positions"]} | folder)


def test_a_program_is_a_path_or_a_name_and_a_file_to_keep_need_not_be_there(
    lab, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "fish").touch(0o755)
    asking = SFT | {"mix_env_ratio": 0.5}
    fields = {"stockfish_path": "./fish", "analysis_cache": "answers.sqlite"}
    config = launching.launch(lab, asking | fields).config
    assert config["stockfish_path"] == str(tmp_path / "fish")
    assert config["analysis_cache"] == str(tmp_path / "answers.sqlite")
    named = launching.launch(lab, asking | {"stockfish_path": "fish"}).config
    assert named["stockfish_path"] == "fish"
    with pytest.raises(InvalidConfigError, match=r"stockfish_path '\./none': no chess program"):
        launching.launch(lab, asking | {"stockfish_path": "./none"})
    with pytest.raises(InvalidConfigError, match="analysis_cache 'no/such': there is no folder"):
        launching.launch(lab, SFT | {"analysis_cache": "no/such"})


def test_a_base_is_kept_while_policies_need_it_to_go_on(lab) -> None:
    base = finish(lab, SFT)
    policy = finish(lab, GRPO | {"checkpoint": f"trial:{base}"})
    with pytest.raises(TrialStateError, match=f"trial {policy} is built on trial {base}"):
        storing.delete(lab, [base], checkpoints_only=True)
    assert [freed.trial_id for freed in storing.delete(lab, [base, policy])] == [base, policy]


def test_no_rule_judges_the_loss_of_a_run_whose_loss_need_not_fall(lab) -> None:
    base = finish(lab, SFT)
    trial = launching.launch(lab, GRPO | {"checkpoint": f"trial:{base}"})
    with lab.database.read() as tx:
        limits = {number: trials.get(tx, number).limits for number in (base, trial.id)}
    assert limits[base]["divergence_factor"] == 2.0
    assert limits[trial.id]["divergence_factor"] is None


def test_a_repository_is_left_as_it_is(lab) -> None:
    trial = launching.launch(lab, EVAL | {"weights": "owner/name@main"})
    assert trial.config["weights"] == "owner/name@main"


def test_a_sweep_evaluates_weights_of_steps_that_it_names(lab) -> None:
    plan = {"config": EVAL, "space": {"games_seed": [1, 2]}}
    with pytest.raises(InvalidConfigError, match="of a plan must be fixed: 'trial:1@1000'"):
        sweeping.start(lab, plan)
    sweep, _ = sweeping.start(lab, plan | {"config": EVAL | {"weights": "trial:1@1000"}})
    weights = [trial.config["weights"] for trial in queries.trials(lab)[1:]]
    assert (len(sweep.points), weights) == (2, ["trial:1@1000"] * 2)


@pytest.mark.parametrize("checkpoints_only", [False, True])
def test_weights_that_an_evaluation_waits_for_cannot_be_deleted(lab, checkpoints_only) -> None:
    trial = launching.launch(lab, EVAL)
    with pytest.raises(TrialStateError, match=f"trial {trial.id}, which is .*, reads trial 1"):
        storing.delete(lab, [1], checkpoints_only=checkpoints_only)
    open_gate(lab, trial.id, "complete")
    assert ended(lab, trial.id).state is State.COMPLETED
    assert storing.delete(lab, [1], checkpoints_only=checkpoints_only)[0].trial_id == 1


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({"evals": ["yardstick"]}, 129),
        ({"evals": ["yardstick"], "yardstick_plies": 130}, 129),
        ({"max_ply": 130}, 129),
        ({"evals": ["yardstick"], "yardstick_plies": 129}, None),
        ({"evals": ["legality"], "max_ply": 129}, None),
    ],
)
def test_games_longer_than_a_models_context_are_refused_at_the_launch(open_lab, fields, most):
    lab = open_lab("gate:study")
    finish(lab, CONFIG | {"max_seq_len": 128})
    if most is None:
        assert launching.launch(lab, EVAL | fields).id == 2
        return
    with pytest.raises(InvalidRequestError, match=rf"128 tokens; allowed: 2 to {most}"):
        launching.launch(lab, EVAL | fields)
