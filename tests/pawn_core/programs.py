"""Chess programs for tests: small ones that fail in every way, and Stockfish where it is there."""

import shutil
import sys
from pathlib import Path

import pytest

STOCKFISH = shutil.which("stockfish") or shutil.which("/usr/games/stockfish")
needs_stockfish = pytest.mark.skipif(
    STOCKFISH is None, reason="Stockfish is not there (Debian: apt-get install stockfish)"
)

SCRIPT = """#!{python}
import os, subprocess, sys, time
print("Program 1.0 says hello", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    if word == "uci":
        print("id name Program 1.0\\noption name UCI_LimitStrength type check default false")
        print("option name UCI_Elo type spin default 1500 min 1400 max 2000")
        print("uciok", flush=True)
    elif word == "isready":
        print("readyok", flush=True)
    elif word == "position":
        position = line
    elif word == "go":
        {on_go}
    elif word == "quit":
        break
"""

FIRST_MOVE = (
    "import chess; board = chess.Board(); "
    "[board.push_uci(move) for move in position.split()[3:]]; "
    "print('bestmove', min(move.uci() for move in board.legal_moves), flush=True)"
)
"""What to do when asked for a move, from the first position: the first legal one by name."""


def write_program(path: Path, on_go: str) -> str:
    """Write a program that speaks UCI and does this when asked for a move."""
    path.write_text(SCRIPT.format(python=sys.executable, on_go=on_go), encoding="utf-8")
    path.chmod(0o755)
    return str(path)
