"""Adapter trials as the lab's tools show them, over stand-ins that read a file's games."""

import json
import shutil

import pytest
from lab_testing import CONFIG, ended, eventually

from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.run_paths import BACKBONE, SENTINEL
from pawn_lab.errors import InvalidConfigError, InvalidRequestError, TrialStateError
from pawn_lab.lab import Lab, launching, queries, resuming, storing, sweeping
from pawn_lab.records import Games
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.report import lab_report
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status

TRAIN, STEPS = 98, 20 * 98 // 8
"""Games of the file less two; steps of twenty epochs of them in batches of 8."""


@pytest.fixture
def games(tmp_path, monkeypatch):
    """A file of a hundred games in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games.pgn").write_text('[Event "?"]\n\n1. e4 *\n\n' * 100)
    return tmp_path / "games.pgn"


@pytest.fixture
def lab(open_lab, games) -> Lab:
    """A lab whose trial 1 is a backbone of step 1000."""
    lab = open_lab("study")
    ended(lab, launching.launch(lab, CONFIG).id)
    return lab


def adapter(**fields) -> dict:
    """Return a config of an adapter on trial 1."""
    usual = {"run_type": "adapter", "strategy": "lora", "checkpoint": "trial:1@best"}
    usual |= {"pgn": "games.pgn", "epochs": 20, "batch_size": 8, "device": "cpu"}
    return usual | {"local_checkpoints": True} | fields


def finished(lab, sweep_id):
    def look():
        sweep = sweeping.get(lab, sweep_id)
        return sweep if sweep.state != "active" else None

    return eventually(look, f"end of sweep {sweep_id}")


def test_each_seed_orders_the_games_anew(lab):
    configs = [t.config for t in launching.launch_group(lab, adapter(), seeds=2).trials]
    assert [(config["seed"], config["data_seed"]) for config in configs] == [(0, 0), (1, 1)]


def test_a_launch_fixes_the_backbone_to_a_step_and_the_games_to_a_place(lab, games):
    trial = launching.launch(lab, adapter(val_pgn="games.pgn"))
    assert trial.config["checkpoint"] == "trial:1@1000"
    assert (trial.config["pgn"], trial.config["val_pgn"]) == (str(games), str(games))


def test_a_data_set_of_the_hub_stays_unless_there_is_such_a_path(lab, games):
    name = "player/games"
    planned = lab_launch(lab, adapter(pgn=name), dry_run=True).plan
    assert planned.config["pgn"] == name
    (games.parent / name).mkdir(parents=True)
    planned = lab_launch(lab, adapter(pgn=name), dry_run=True).plan
    assert planned.config["pgn"] == str(games.parent / name)


@pytest.mark.parametrize("pgn", ["missing.pgn", "some/missing.pgn.zst", "/no/such/folder", "./a/b"])
def test_games_that_are_not_there_are_refused_at_the_launch(lab, pgn):
    with pytest.raises(InvalidConfigError, match=f"pgn '{pgn}' does not exist"):
        launching.launch(lab, adapter(pgn=pgn))
    assert len(queries.trials(lab)) == 1


def test_an_adapter_is_no_backbone(lab):
    trial = ended(lab, launching.launch(lab, adapter()).id)
    with pytest.raises(InvalidRequestError, match=f"checkpoint 'trial:{trial.id}' is an adapter"):
        launching.launch(lab, adapter(checkpoint=f"trial:{trial.id}"))


def test_a_trial_on_fewer_games_is_as_long_as_they_are(lab):
    asked = launching.launch(lab, adapter())
    assert asked.config.length == 20 * 12_000 // 8
    trial = ended(lab, asked.id)
    assert (trial.state, trial.exit.step) == (State.COMPLETED, STEPS)
    assert (trial.config.length, trial.config.target) == (STEPS, STEPS)
    assert trial.config["total_steps"] == 30_000, "what was asked for stays"
    assert lab_status(lab, trial_id=trial.id).detail.config["total_steps"] == STEPS
    assert queries.progress(lab, trial.id).target_step == STEPS
    assert not [row for row in lab_audit(lab).findings if row.trial_id == trial.id]
    again = lab_launch(lab, adapter())
    assert (again.trial_id, again.repeated) == (trial.id, [trial.id])


def test_what_all_adapters_start_from_is_said_once(lab, games):
    for strategy in ("lora", "film"):
        ended(lab, launching.launch(lab, adapter(strategy=strategy)).id)
    answer = lab_results(lab)
    start = f"checkpoint=trial:1@1000 pgn={games.parent.name}/games.pgn"
    assert sorted(answer.common.split()) == sorted(start.split())
    assert {row.trial_id: row.ablation for row in answer.rows} == {
        1: "baseline",
        2: "strategy=lora",
        3: "strategy=film",
    }
    [row] = lab_results(lab, ablation="strategy=film").rows
    assert row.trial_id == 3


def test_what_adapters_start_from_is_said_of_each_where_it_differs(lab, games):
    (games.parent / "others.pgn").write_text(games.read_text())
    for pgn in ("games.pgn", "others.pgn"):
        ended(lab, launching.launch(lab, adapter(pgn=pgn)).id)
    answer = lab_results(lab)
    assert answer.common == "checkpoint=trial:1@1000"
    folder = games.parent.name
    assert {row.trial_id: row.ablation for row in answer.rows} == {
        1: "baseline",
        2: f"strategy=lora pgn={folder}/games.pgn",
        3: f"strategy=lora pgn={folder}/others.pgn",
    }


def test_steps_that_were_asked_for_stay(lab):
    trial = launching.launch(lab, adapter(total_steps=500))
    ended(lab, trial.id)
    assert queries.trial(lab, trial.id).config.length == 500


def test_a_trial_on_games_that_another_has_read_is_as_long_from_the_launch_on(lab, games):
    ended(lab, launching.launch(lab, adapter()).id)
    assert lab_launch(lab, adapter(lr=1e-5), dry_run=True).plan.steps == STEPS
    assert lab_launch(lab, adapter(elo_min=1800), dry_run=True).plan.steps == 30_000
    games.write_text(games.read_text() * 2)
    trial = launching.launch(lab, adapter(lr=1e-5))
    assert trial.config.length == STEPS
    assert ended(lab, trial.id).config.length == 20 * 198 // 8, "by what it has read itself"


def test_status_and_report_say_which_games_were_read(lab):
    trial = ended(lab, launching.launch(lab, adapter()).id)
    line = "games.pgn: 100 games read, 98 to train on, 2 to validate; dropped 3 elo"
    assert lab_status(lab, trial_id=trial.id).detail.games == line
    assert lab_status(lab, trial_id=1).detail.games is None
    report = lab.paths.root / lab_report(lab, trial_ids=[trial.id]).markdown
    assert f"trial {trial.id}: {line}" in report.read_text()


def test_a_resumed_trial_knows_its_games_from_the_start(lab):
    paused = ended(lab, launching.launch(lab, adapter(pause_after_steps=50)).id)
    assert (paused.state, paused.config.target) == (State.PAUSED, 50)
    resumed = resuming.continue_from(lab, paused.id)
    assert resumed.trial.config.length == STEPS
    whole = ended(lab, resumed.trial.id)
    assert (whole.exit.step, whole.games) == (STEPS, paused.games)
    with pytest.raises(InvalidConfigError, match=f"total_steps {STEPS} leaves nothing to do"):
        resuming.resume(lab, whole.id)


def test_a_backbone_stays_while_adapters_are_built_on_it(lab):
    trial = ended(lab, launching.launch(lab, adapter()).id)
    for only in (True, False):
        with pytest.raises(TrialStateError, match=r"trial 2 is built on trial 1: its checkpoint"):
            storing.delete(lab, [1], checkpoints_only=only)
    assert {f.trial_id for f in storing.delete(lab, [1, trial.id])} == {1, trial.id}


def test_an_audit_misses_the_backbone_of_an_adapter(lab, tmp_path):
    trial = ended(lab, launching.launch(lab, adapter()).id)
    [checkpoint] = lab.paths.trial(trial.id).checkpoints.iterdir()
    document = {"source": "trial:1@1000", "path": str(tmp_path / "moved.safetensors")}
    (checkpoint / BACKBONE).write_text(json.dumps(document))
    sentinel = json.loads((checkpoint / SENTINEL).read_text())
    sentinel["files"][BACKBONE] = file_sha256(checkpoint / BACKBONE)
    (checkpoint / SENTINEL).write_text(json.dumps(sentinel))
    assert not missing_backbones(lab), "the trial has it still"
    shutil.rmtree(lab.paths.trial(1).checkpoints)
    assert missing_backbones(lab) == [trial.id]


def missing_backbones(lab) -> list[int]:
    rows = lab_audit(lab).findings
    return [row.trial_id for row in rows if "its backbone trial:1@1000 is not at" in row.finding]


def test_a_sweep_of_a_path_that_leads_from_here_is_refused_with_the_whole_one(lab, games):
    plan = {"config": adapter(checkpoint="trial:1@1000"), "space": {"lr": [1e-3]}}
    with pytest.raises(InvalidRequestError, match=f"must be fixed: '{games}'"):
        sweeping.start(lab, plan)


@pytest.mark.parametrize("rule", ["asha", "median"])
def test_a_sweep_of_adapters_ends_at_their_real_length(lab, games, rule):
    plan = {
        "config": adapter(checkpoint="trial:1@1000", pgn=str(games)),
        "space": {"lr": [1e-5, 1e-4, 1e-3]},
        "early_stopping": {"rule": rule, "first_rung": 60, "factor": 3, "least": 3},
    }
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    ends = {point.overrides["lr"]: (point.state, point.step) for point in sweep.points}
    assert ends[1e-3] == ("completed", STEPS)
    assert ends[1e-5] == ("stopped", 60)


def test_trials_that_end_before_the_first_rung_are_completed(lab, games):
    plan = {
        "config": adapter(checkpoint="trial:1@1000", pgn=str(games)),
        "space": {"lr": [1e-5, 1e-3]},
        "early_stopping": {"rule": "asha", "first_rung": 5 * STEPS, "factor": 2},
    }
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert [(p.state, p.step) for p in sweep.points] == [("completed", STEPS)] * 2


def test_tpe_over_adapters_completes_every_point_that_it_asks_for(lab, games):
    plan = {
        "config": adapter(checkpoint="trial:1@1000", pgn=str(games)),
        "space": {"lr": {"low": 1e-5, "high": 1e-2, "log": True}, "lora_targets": ["qv", "qkvo"]},
        "method": "tpe",
        "points": 3,
        "parallel": 2,
    }
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert [(p.state, p.step) for p in sweep.points] == [("completed", STEPS)] * 3


def test_a_front_of_accuracy_counts_the_parameters_that_are_trained(lab):
    for rank in (2, 8):
        ended(lab, launching.launch(lab, adapter(lora_rank=rank)).id)
    worse = adapter(strategy="bottleneck", bottleneck_dim=64, lr=1e-5)
    ended(lab, launching.launch(lab, worse).id)
    answer = lab_results(lab, trial_ids=[2, 3, 4], front="parameters", metric="top1")
    assert answer.note is None, "one scale for all strategies"
    assert [(row.trial_id, row.price) for row in answer.fronts] == [(2, 16_384), (3, 65_536)]


def test_a_loss_over_legal_moves_is_told_from_that_of_random_play(lab):
    ended(lab, launching.launch(lab, adapter()).id)
    note = lab_results(lab, trial_ids=[1, 2]).note
    assert "val_loss is validation loss (nats per token) and validation loss over legal" in note


def test_strategies_are_compared_over_seeds_by_loss_and_by_accuracy(lab):
    launching.launch_group(lab, adapter(lora_rank=8), seeds=2)
    launching.launch_group(lab, adapter(strategy="bottleneck", bottleneck_dim=64), seeds=2)
    trials = [ended(lab, trial.id).id for trial in queries.trials(lab)[1:]]
    for metric in ("val_loss", "top1"):
        answer = lab_compare(lab, trial_ids=trials, metric=metric, factor="strategy")
        assert [row.trial_ids for row in answer.groups] == [[4, 5], [2, 3]]
        assert answer.position == STEPS
        assert [row.setting for row in answer.groups] == [
            "strategy=bottleneck bottleneck_dim=64",
            "strategy=lora lora_rank=8",
        ]
        assert answer.groups[1].verdict == "worse", "a size is part of the choice of a strategy"


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"source": "a"}, {"train": "many"}, {"train": -1}, {"dropped": {"\x1b[31m": 1}}],
)
def test_what_a_trainer_says_of_its_games_is_left_out_where_it_is_damaged(document):
    whole = {"source": "a", "read": 1, "kept": 1, "train": 1, "val": 1}
    assert Games.of(whole) is not None
    damaged = whole | document if isinstance(document, dict) and "source" not in document else None
    assert Games.of(damaged if document else document) is None
