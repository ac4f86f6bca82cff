"""scripts/enhanced_eval.py lets two models play and prints who is better, with an interval."""

import json
import sys
from pathlib import Path

import pytest
from position_weights import position_weights

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import enhanced_eval

SCRIPT = Path(__file__).parents[2] / "scripts" / "enhanced_eval.py"
FLAGS = "--games 4 --opening-plies 4 --max-plies 12 --device cpu --run-dir match"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("a", "b")):
        position_weights(folder / name, seed)
    return folder


def test_two_models_play_each_opening_with_both_colours(run, models: Path, tmp_path: Path) -> None:
    flags = ("--model-a", models / "a", "--model-b", models / "b.pt", *FLAGS.split())
    done = run(SCRIPT, *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads((tmp_path / "match/results.json").read_text())["evaluations"]
    assert (report["facts"]["games"], report["facts"]["temperature"]) == (4, 0.0)
    score = next(figure for figure in report["figures"] if figure["name"] == "score")
    printed = done.stdout.splitlines()
    assert printed[0] == f"{models / 'a'} against {models / 'b.pt'}: 4 games"
    expected = f"{score['value']:>9.4g}   95 % interval {score['low']:.4g} to {score['high']:.4g}"
    assert f"score      {expected}" in printed
    assert any(line.startswith("as black") for line in printed)
    assert (tmp_path / "match/evaluations/play/games.pgn").is_file()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--games", "3"], "--games 3 is not allowed: each opening is played with both colours"),
        (["--model-b", "b.pt"], "play_opponent: weights 'b'"),
        (["--sims", "600"], "--sims"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(
    models: Path, tmp_path: Path, monkeypatch, capsys, flags: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--model-a", str(models / "a"), "--model-b", str(models / "b"), *FLAGS.split()]
    try:
        code = enhanced_eval.main([*common, *flags])
    except SystemExit as refused:
        code = refused.code
    assert code == 2
    assert message in capsys.readouterr().err
