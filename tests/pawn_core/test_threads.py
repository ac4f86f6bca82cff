"""Threads by what is free, and none that spins while it waits."""

import os

import pytest

from pawn_core import threads


@pytest.fixture(autouse=True)
def _container(monkeypatch, tmp_path):
    """Eight cores, no limit, nothing else running, and nothing set."""
    monkeypatch.setattr(threads, "_CGROUP", tmp_path / "cpu.max")
    monkeypatch.setattr(threads, "_OLD_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    for name in (threads.THREADS_VARIABLE, threads.WAIT_VARIABLE):
        monkeypatch.setenv(name, "")  # so that what is set below is taken back
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("?", 8)],
)
def test_a_containers_share_of_the_cores_counts(tmp_path, quota, cores):
    (tmp_path / "cpu.max").write_text(quota)
    assert threads.usable_cores() == cores


def test_the_older_way_to_limit_a_container_counts_too(tmp_path):
    (tmp_path / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu.cfs_period_us").write_text("100000")
    assert threads.usable_cores() == 3
    (tmp_path / "cpu.cfs_quota_us").write_text("-1")
    assert threads.usable_cores() == 8


@pytest.mark.parametrize(("load", "free"), [(0.2, 8), (3.0, 5), (7.4, 1), (40.0, 1)])
def test_cores_that_something_else_keeps_busy_are_left_to_it(monkeypatch, load, free):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    threads.settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == str(free)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_resumed_run_keeps_its_threads_and_the_environment_has_the_last_word(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    threads.settle_threads(3)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "ACTIVE")
    threads.settle_threads(5)
    assert os.environ["OMP_NUM_THREADS"] == "3"
