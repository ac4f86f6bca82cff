"""Ctrl-C ends a long call of the engine, and the next call works."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import chess_engine as engine
import pytest

PROMPT_S = 5.0
"""Enough for the 50 ms between two looks on the busiest machine; the calls would take longer."""

INTERRUPTED = """
import signal
import chess
import chess_engine as engine
import numpy as np

# A job in the background inherits that it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def long_call():
    {call}

engine.generate_random_games(64, seed=0)
print("ready", flush=True)
try:
    long_call()
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert engine.generate_random_games(64, seed=0).lengths.size == 64
"""

FOOLS_MATES = "engine.generate_random_games(50_000, seed=0, max_ply=4, discard_ply_limit=True{})"
"""Tens of thousands of attempts a game, and little memory."""
LONG_CALLS = {
    "generate, one thread": FOOLS_MATES.format(", threads=1"),
    "generate, two threads": FOOLS_MATES.format(", threads=2"),
    "legal sets": FOOLS_MATES.format(", legal_moves=True"),
    "validate": """
    games = engine.generate_random_games(1000, seed=0, max_ply=300)
    engine.validate_games(np.tile(games.tokens, (300, 1)), np.tile(games.lengths, 300))""",
    "perft": "engine.perft(chess.STARTING_FEN, 8)",
    "pgn": """engine.pgn_to_tokens("1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 *\\n\\n" * 2_000_000)""",
}


@pytest.mark.parametrize("call", LONG_CALLS.values(), ids=LONG_CALLS)
def test_sigint_ends_a_long_call_promptly_and_the_next_one_works(call: str):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(call=call)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.7)
        assert process.poll() is None
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - sent < PROMPT_S
    assert process.returncode == 0


@pytest.fixture
def alarm_in_200_ms():
    """A handler of our own that raises, and its signal sent to this process soon."""

    def refuse(number: int, frame: object) -> None:
        raise TimeoutError("enough")

    before = signal.signal(signal.SIGALRM, refuse)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("alarm_in_200_ms")
def test_what_a_signal_handler_raises_is_what_the_call_raises(threads: int):
    with pytest.raises(TimeoutError, match="enough"):
        engine.generate_random_games(3_000_000, seed=0, max_ply=64, threads=threads)


def test_handlers_that_do_not_raise_leave_the_call_alone():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        games = engine.generate_random_games(12_000, seed=0, threads=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert games.lengths.size == 12_000
    assert heard


def test_a_signal_is_left_to_the_main_thread():
    """Python handles signals on its main thread only; a call on another one goes on."""
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(threading.current_thread()))
    sizes = []
    worker = threading.Thread(
        target=lambda: sizes.append(engine.generate_random_games(9_000, seed=0).lengths.size)
    )
    try:
        worker.start()
        os.kill(os.getpid(), signal.SIGALRM)
        worker.join()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert sizes == [9_000]
    assert heard == [threading.main_thread()]


READ_ON = """
import sys, signal
import chess_engine as engine

def stop(*_):
    assert reader.report["kept"] > 0
    raise TimeoutError

signal.signal(signal.SIGALRM, stop)
reader = engine.PgnReader(sys.argv[1], batch_size=10**9)
signal.setitimer(signal.ITIMER_REAL, 0.15)
try:
    next(reader)
except TimeoutError:
    assert 0 < reader.report["kept"] < int(sys.argv[2])
    assert next(reader).numbers.tolist() == list(range(int(sys.argv[2])))
    print("read on")
"""


def test_an_interrupted_pgn_reader_loses_no_game(tmp_path: Path):
    n_games = 150_000
    path = tmp_path / "games.pgn"
    path.write_text("1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 *\n\n" * n_games)
    command = [sys.executable, "-c", textwrap.dedent(READ_ON), str(path), str(n_games)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "read on\n"
