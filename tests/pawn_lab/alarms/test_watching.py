"""Who was meant to watch the lab and does not is said; whoever ended in order is forgotten."""

import os
import time

import pytest

from pawn_lab.alarms.watching import SILENT_S, Watcher, beat, faults, on_watch
from pawn_lab.errors import WatchedError
from pawn_lab.lab import Lab
from pawn_lab.tools.status import lab_status


@pytest.fixture
def lab(open_lab) -> Lab:
    return open_lab()


def me() -> Watcher:
    return Watcher.of_self(stops_when_idle=True)


def test_a_watch_that_ends_in_order_leaves_nothing(lab):
    with on_watch(lab.paths, me()):
        assert Watcher.of(lab.paths).pid == os.getpid()
        assert faults(lab.paths, time.time()) == []
    assert (Watcher.of(lab.paths), faults(lab.paths, time.time())) == (None, [])


def test_a_watch_that_has_died_stands_in_the_headline(lab):
    with pytest.raises(KeyError), on_watch(lab.paths, me()):
        raise KeyError
    [fault] = faults(lab.paths, time.time() + 180)
    assert fault.startswith("`pawn-lab watch` has died, its last sign of life 3 min ago: no event")
    assert "`pawn-lab watch` has died" in lab_status(lab).headline


def test_a_watch_without_a_sign_of_life_does_not_answer_until_it_gives_one(lab):
    with on_watch(lab.paths, me()):
        before = time.time() - SILENT_S - 60
        os.utime(lab.paths.watch, (before, before))
        [fault] = faults(lab.paths, time.time())
        assert fault.startswith("`pawn-lab watch` does not answer, its last sign of life 6 min ago")
        beat(lab.paths)
        assert faults(lab.paths, time.time()) == []


def test_two_do_not_watch_one_lab(lab):
    with (
        on_watch(lab.paths, me()),
        pytest.raises(WatchedError, match=f"process {os.getpid()}; end it first"),
        on_watch(lab.paths, me()),
    ):
        pass
