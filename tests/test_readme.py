"""The README's commands do what it says, in the order in which it gives them."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import chess
import chess_engine
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEADLINE_S = 120.0


def commands(heading: str) -> list[list[str]]:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1].splitlines()
    return [line.split() for line in lines]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def run(folder):
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PAWN_WORKSPACE": "runs"}

    def run_command(command: list[str], given: str = "") -> str:
        argv = [f"{ROOT}/{command[0]}", *command[1:]]
        done = subprocess.run(
            argv, cwd=folder, env=environment, input=given, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_command


@pytest.fixture(scope="module")
def trained(run, folder) -> Path:
    train, resume = commands("Train by hand")
    run(train)
    run(resume)
    return folder


def printed_moves(folder: Path) -> list[str]:
    """Run the page's Python where its model was trained."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def test_a_newcomer_trains_resumes_plays_launches_and_reads_the_results(run, trained):
    outcome = json.loads((trained / "logs/first/outcome.json").read_text())
    assert (outcome["reason"], outcome["step"]) == ("completed", 20)

    moves = printed_moves(trained)
    board = chess.Board()
    for move in filter(None, moves):
        board.push_uci(move)
    assert moves[0] == "e2e4"

    launch, status, events, results = commands("Let an agent do it")
    run(launch)
    deadline = time.monotonic() + DEADLINE_S
    while json.loads(run([*status, "--json"]))["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "completed 20 steps" in run(events)
    table = json.loads(run(results))["rows"]
    row = dict(zip(table["columns"], *table["rows"], strict=True))
    assert (row["lr"], row["state"], row["last_step"]) == (1e-3, "completed", 20)


def test_a_newcomer_makes_a_player_of_what_was_trained(run, trained):
    make_games, train, uci = commands("Make it a player")
    games = chess_engine.generate_checkmate_games(250, seed=1, max_ply=100, mate_boost=1.0)
    pgn = chess_engine.tokens_to_pgn(games.tokens, games.lengths)
    (trained / make_games[-1]).write_text(pgn)
    run(train)
    said = run(uci, "uci\nposition startpos moves e2e4\ngo\n")
    board = chess.Board()
    board.push_uci("e2e4")
    assert chess.Move.from_uci(said.split("bestmove ")[1].strip()) in board.legal_moves


def test_every_file_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    missing = [link for link in links if not (Path(__file__).parents[1] / link).exists()]
    assert links
    assert missing == []
