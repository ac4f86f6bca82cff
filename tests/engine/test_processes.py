"""The engine in worker processes, and beside other Python threads."""

import os
import subprocess
import sys
import threading

import chess_engine as engine
import pytest

FORKED = """
import os, sys
import chess_engine as engine
engine.generate_random_games(8, seed=0, threads=2)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
engine.generate_random_games(8, seed=0, threads=1)
try:
    engine.generate_random_games(8, seed=0, threads=2)
except RuntimeError as error:
    os._exit(0 if "spawn" in str(error) else 2)
os._exit(1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_is_told_to_spawn_instead_of_hanging():
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=60)


def test_other_python_threads_run_while_games_are_made():
    done = threading.Event()
    worker = threading.Thread(
        target=lambda: (engine.generate_random_games(3000, seed=0, threads=1), done.set())
    )
    worker.start()
    turns = 0
    while not done.is_set():
        turns += 1
    worker.join()
    assert turns > 1000
