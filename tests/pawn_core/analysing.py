"""Chess programs that compare moves and fail as they are told."""

import sys
from pathlib import Path

SCRIPT = """#!{python}
import os, sys
for line in sys.stdin:
    word = line.split()[0]
    if word == "uci":
        print("id name Program 1.0\\noption name MultiPV type spin default 1 min 1 max 9")
        print("uciok", flush=True)
    elif word == "position":
        position = line
    elif word == "go":
        {on_go}
        {answer}
"""
FIXED = """
        print("info depth 1 multipv 1 score cp 30 pv e2e4")
        print("info depth 1 multipv 2 score mate -3 pv d2d4")
        print("bestmove e2e4", flush=True)
"""
BY_THE_RULES = """
        import chess
        moves = list(chess.Board(position.split("fen ")[1].split(" moves")[0]).legal_moves)[:5]
        for rank, move in enumerate(moves):
            print("info depth 1 multipv", rank + 1, "score cp", 30 - 10 * rank, "pv", move)
        print("bestmove", moves[0], flush=True)
"""
"""The first moves that python-chess lists, each worth .1 pawns less than the one before."""

DIES_OVER_BLACK = "if ' b ' in position: os._exit(3)"
"""Where Black is to move."""


def write_analyser(path: Path, on_go: str = "pass", answer: str = FIXED) -> str:
    """Write a program that does this, then answers: by default two moves for every position."""
    text = SCRIPT.format(python=sys.executable, on_go=on_go, answer=answer.strip())
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)
