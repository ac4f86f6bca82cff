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
        print("info depth 1 multipv 1 score cp 30 pv e2e4")
        print("info depth 1 multipv 2 score mate -3 pv d2d4")
        print("bestmove e2e4", flush=True)
"""


def write_analyser(path: Path, on_go: str = "pass") -> str:
    """Write a program that gives two moves for every position, after it did this."""
    path.write_text(SCRIPT.format(python=f"{sys.executable} -S", on_go=on_go), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


DIES_OVER_BLACK = "if ' b ' in position: os._exit(3)"
"""Where Black is to move."""
