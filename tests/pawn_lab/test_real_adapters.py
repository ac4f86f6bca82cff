"""The lab with the real trainer of adapters: games, real length, resume, evaluation, report."""

import json

import pytest
from lab_testing import ended
from real_runs import real_run

from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.run_paths import RunPaths
from pawn_lab.lab import Lab, launching, resuming
from pawn_lab.states import State
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.report import lab_report
from pawn_lab.tools.results import lab_results

LEGALITY = {"run_type": "eval", "evals": ["legality"], "games": 4, "shard_games": 4}


@pytest.mark.slow
def test_an_adapter_goes_through_the_lab_from_its_games_to_its_report(
    workspace, tmp_path, monkeypatch
):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    config = real_run(tmp_path) | {"max_games": 1000}
    with Lab.open(workspace) as lab:
        paused = ended(lab, launching.launch(lab, config | {"pause_after_steps": 4}).id)
        assert (paused.state, paused.exit.step) == (State.PAUSED, 4)
        whole = ended(lab, resuming.resume(lab, paused.id).id)
        written = json.loads(RunPaths.in_trial(lab.paths.trial(whole.id).root).config.read_text())
        assert whole.config.length == whole.exit.step == written["total_steps"] < 100
        assert whole.games.train < 60
        [curve] = lab_plot(lab, trial_ids=[whole.id], metric="top1").curves
        assert (curve.points[0][0], curve.points[-1][0]) == (0, whole.exit.step)
        weights = {"weights": f"trial:{whole.id}@best", "device": "cpu"}
        measured = ended(lab, launching.launch(lab, LEGALITY | weights).id)
        assert measured.state is State.COMPLETED, lab.paths.trial(measured.id).log.read_text()
        fronts = [
            lab_results(lab, trial_ids=[trial], front="parameters", metric=metric).fronts
            for trial, metric in ((whole.id, "top1"), (measured.id, "legality.legal_rate"))
        ]
        assert [row.price for rows in fronts for row in rows] == [2 * 2 * 4 * 2 * 16] * 2
        report = lab.paths.root / lab_report(lab, trial_ids=[whole.id]).markdown
        text = report.read_text().replace("\\", "")
        assert f"checkpoint={config['checkpoint']}" in text
        assert "games.pgn: 60 games read" in text
