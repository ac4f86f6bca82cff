"""scripts/eval_accuracy.py measures a checkpoint on a PGN and prints what it finds."""

import json
from pathlib import Path

import chess_engine
import pytest
from adapting import adapt
from real_runs import real_run

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "eval_accuracy.py"
TRAIN = (
    "--variant custom --d-model 16 --n-layers 1 --n-heads 2 --max-seq-len 64 --total-steps 4 "
    "--batch-size 4 --val-games 4 --device cpu --local-checkpoints --seed 5"
)


@pytest.fixture(scope="module")
def checkpoint(run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    trained = run("-m", "pawn_core", *TRAIN.split(), "--run-dir", folder / "run", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    return folder / "run" / "checkpoints" / "step_00000004"


@pytest.fixture(scope="module")
def pgn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    games = chess_engine.generate_random_games(6, seed=1, max_ply=40)
    text = chess_engine.tokens_to_pgn(games.tokens, games.lengths)
    path = tmp_path_factory.mktemp("pgn") / "games.pgn"
    tags = '[WhiteElo "1850"]\n[BlackElo "1820"]\n'
    path.write_text(text.replace("[Result", f"{tags}[Result"))
    return path


def test_the_command_of_the_documents_prints_accuracy_by_phase_and_ply(
    run, checkpoint: Path, pgn: Path, tmp_path: Path
) -> None:
    flags = "--elo-min 1800 --elo-max 1900 --min-eval-ply 12 --max-games 5 --per-ply --device cpu"
    done = run(SCRIPT, "--checkpoint", checkpoint, "--pgn", pgn, *flags.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert printed[0] == "5 games, 140 moves; dropped: none"
    (results,) = tmp_path.glob("logs/accuracy_*/results.json")
    document = json.loads(results.read_text())
    (report,) = document["evaluations"]
    assert report["facts"]["positions"] == 5 * (40 - 12)
    top1 = next(figure for figure in report["figures"] if figure["name"] == "top1")
    assert f"top1       {top1['value']:>8.4f}   95 % interval {top1['low']:.4f}" in done.stdout
    words = [line.split()[:2] for line in printed]
    assert ["opening", "40"] in words
    assert ["1600", "140"] in words  # the band from 1600 to 1999
    assert ["39", "5"] in words
    assert document["weights"]["path"].endswith("model.safetensors")


def test_a_pgn_without_usable_games_ends_with_an_error_that_says_so(
    run, checkpoint: Path, pgn: Path, tmp_path: Path
) -> None:
    common = ("--checkpoint", checkpoint, "--device", "cpu", "--pgn", pgn)
    refused = run(SCRIPT, *common, "--elo-min", 2000, cwd=tmp_path)
    assert refused.returncode == 2
    assert "has no game to use: of 6 games 0 may be used; dropped: 6 elo" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_adapter_is_measured_on_the_checkpoint_that_it_was_trained_on_and_no_other(
    run, checkpoint: Path, pgn: Path, tmp_path: Path
) -> None:
    raw = real_run(tmp_path)
    backbone = raw["checkpoint"]
    _, adapter = adapt(backbone, tmp_path / "run", pgn=raw["pgn"], max_games=40, val_games=12)
    flags = ("--pgn", pgn, "--device", "cpu", "--run-dir", "measured")
    named = ("--adapter-checkpoint", adapter)
    done = run(SCRIPT, "--checkpoint", backbone, *named, *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "measured/results.json").read_text())
    assert document["weights"]["path"] == str(adapter / "adapter_model.safetensors")
    assert document["adapter"]["backbone"]["source"] == str(backbone)
    other = run(SCRIPT, "--checkpoint", checkpoint, *named, *flags, cwd=tmp_path)
    assert other.returncode == 2
    assert f"was trained on {backbone}, not on --checkpoint {checkpoint}" in other.stderr
    same = ("--checkpoint", backbone, "--adapter-checkpoint", backbone)
    whole = run(SCRIPT, *same, *flags, cwd=tmp_path)
    assert (whole.returncode, "is no adapter" in whole.stderr) == (2, True)
