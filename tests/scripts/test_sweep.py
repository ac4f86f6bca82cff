"""scripts/sweep.py is a thin entry to lab_sweep over what the registry of adapters searches."""

import sys
from pathlib import Path

import pytest
from lab_fixtures import open_lab, workspace
from lab_testing import CONFIG, ended

from pawn_core.config.adapters import adapter_named
from pawn_lab.errors import NoCheckpointError
from pawn_lab.lab import Lab, launching, queries, sweeping

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import sweep

__all__ = ["open_lab", "workspace"]

FIELDS = "--checkpoint trial:1@best --pgn games.pgn --batch-size 8 --device cpu --local-checkpoints"
SEED = "--adapter lora --n-trials 30 --n-jobs 2 --n-gpus 2 --total-steps 20000 --pruner"


@pytest.fixture
def lab(open_lab, tmp_path, monkeypatch) -> Lab:
    """A lab whose trial 1 is a backbone, and which the script opens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games.pgn").write_text('[Event "?"]\n\n1. e4 *\n\n' * 100)
    lab = open_lab("study")
    ended(lab, launching.launch(lab, CONFIG).id)
    monkeypatch.setattr(sweep.Lab, "open", lambda: lab)
    return lab


def planned(lab: Lab, line: str) -> dict:
    options, rest = sweep.parser().parse_known_args(line.split())
    return sweep.plan(lab, options.adapter[0], options, sweep.config_fields(rest))


def test_a_plan_searches_what_the_registry_names_but_for_what_is_given(lab, tmp_path):
    plan = planned(lab, f"{SEED} none {FIELDS} --lora-rank 4")
    assert plan["space"].keys() == adapter_named("lora").searched.keys() - {"lora_rank"}
    assert (plan["method"], plan["points"], plan["parallel"]) == ("tpe", 30, 2)
    config = plan["config"]
    assert (config["strategy"], config["lora_rank"], config["total_steps"]) == ("lora", 4, 20_000)
    assert config["checkpoint"] == "trial:1@1000"
    assert config["pgn"] == str(tmp_path / "games.pgn")
    assert plan["early_stopping"] is None


@pytest.mark.parametrize(("pruner", "rule"), [("hyperband", "asha"), ("median", "median")])
def test_a_pruner_looks_first_at_an_evaluation_early_in_the_run(lab, pruner, rule):
    plan = planned(lab, f"{SEED} {pruner} {FIELDS} --eval-interval 500")
    assert plan["early_stopping"] == {"rule": rule, "first_rung": 2000, "factor": 3}
    assert sweeping.planned(lab, plan).trials == 30


def test_each_strategy_is_searched_and_the_front_of_them_all_is_shown(lab, capsys):
    line = f"--adapter lora,bottleneck --n-trials 2 --n-jobs 2 --pruner none --epochs 8 {FIELDS}"
    assert sweep.main(line.split()) == 0
    out = capsys.readouterr().out
    assert "lora: sweep 1, trials tagged sweep-1" in out
    assert "bottleneck: sweep 2, trials tagged sweep-2" in out
    assert "fronts" in out
    with Lab.look(lab.paths.root) as again:
        strategies = [trial.config["strategy"] for trial in queries.trials(again)[1:]]
    assert strategies == ["lora", "lora", "bottleneck", "bottleneck"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"--adapter lora {FIELDS} --lr 7", "lr 7"),
        (f"--adapter lora {FIELDS} --lora-rnk 4", "--lora-rnk is not an option"),
        (f"--adapter lora --n-gpus 9 {FIELDS}", "n-gpus 9 is more than there are devices: 2"),
        (f"--adapter lora {FIELDS} --pgn no.pgn", "pgn 'no.pgn' does not exist"),
    ],
)
def test_what_cannot_run_is_refused_in_a_line(lab, capsys, line, said):
    assert sweep.main(line.split()) == sweep.BAD_INPUT
    assert said in capsys.readouterr().err


def test_an_unknown_strategy_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        sweep.parser().parse_args(["--adapter", "lroa"])
    assert "strategy 'lroa' is unknown; one of: bottleneck, lora" in capsys.readouterr().err


def test_a_backbone_without_a_checkpoint_is_refused_by_its_own_error(lab):
    with pytest.raises(NoCheckpointError, match="no checkpoint of step 7"):
        planned(lab, f"--adapter lora {FIELDS} --checkpoint trial:1@7")
