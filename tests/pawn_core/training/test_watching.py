"""Signs of life: a heartbeat at its time, and a word of short memory that is not repeated."""

import pytest
import torch

from pawn_core.training.watching import (
    COOLDOWN_S,
    LOOK_EVERY_S,
    MemoryUse,
    Watch,
    memory_of,
)

GIB = 1 << 30
CPU = torch.device("cpu")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_heart_beats_once_an_interval_and_not_at_all_without_one(clock) -> None:
    watch = Watch(CPU, clock=clock)
    assert not watch.beats(300)
    clock.now += 300
    assert not watch.beats(None)
    assert watch.beats(300)
    assert not watch.beats(300)
    clock.now += 299
    assert not watch.beats(300)
    clock.now += 1
    assert watch.beats(300)


@pytest.mark.parametrize(
    ("used", "level"),
    [(84, None), (85, "memory_warning"), (94, "memory_warning"), (95, "memory_critical")],
)
def test_memory_is_short_from_a_share_of_what_the_process_may_use_on(used, level) -> None:
    assert MemoryUse("memory", used * GIB, 100 * GIB).level == level


def test_short_memory_is_said_once_a_while_and_at_once_where_it_gets_worse(clock) -> None:
    used = [90]
    watch = Watch(CPU, clock=clock, memory=lambda _: [MemoryUse("memory", used[0], 100)])

    def said() -> list[str]:
        clock.now += LOOK_EVERY_S
        return [level for level, _ in watch.complaints()]

    assert said() == ["memory_warning"]
    assert said() == []
    used[0] = 96
    assert said() == ["memory_critical"]
    assert said() == []
    used[0] = 90
    clock.now += COOLDOWN_S
    assert said() == ["memory_warning"]
    used[0] = 10
    clock.now += COOLDOWN_S
    assert said() == []


def test_this_process_holds_less_than_it_may(clock) -> None:
    [memory] = memory_of(CPU)
    assert 0 < memory.used < memory.limit
    assert Watch(CPU, clock=clock).holdings()["device"] == "cpu"


def test_a_run_says_how_far_it_is_and_that_memory_is_short(
    tiny, train, tmp_path, records, monkeypatch
) -> None:
    clock = Clock()

    def watch(device: torch.device) -> Watch:
        return Watch(device, clock=clock, memory=lambda _: [MemoryUse("memory", 99, 100)])

    def tick(self: Watch, every_s: float | None, beats=Watch.beats) -> bool:
        clock.now += 100  # a step
        return beats(self, every_s)

    monkeypatch.setattr("pawn_core.training.trainer.Watch", watch)
    monkeypatch.setattr(Watch, "beats", tick)
    train(tiny | {"heartbeat_s": 400}, "run")
    events = records(tmp_path / "run", "event")
    hearts = [event for event in events if event["event"] == "heartbeat"]
    assert [event["step"] for event in hearts] == [4, 8, 12]
    losses = {r["step"]: r["loss"] for r in records(tmp_path / "run", "train")}
    assert [event["loss"] for event in hearts] == [losses[3], losses[6], losses[12]]
    assert hearts[0]["memory_bytes"] == 99
    assert hearts[0]["message"].startswith("step 4/12 loss ")
    critical = [event for event in events if event["event"] == "memory_critical"]
    assert [event["step"] for event in critical] == [1, 4, 7, 10]
    assert critical[0]["message"] == "the run holds 99% of the memory that it may use"
