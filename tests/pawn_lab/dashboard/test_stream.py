"""The notices of changes: what they say, when they come, and that nothing stays of them."""

from collections.abc import Iterator

import httpx2
import pytest
from lab_testing import CONFIG, add_ended_trial, add_running_trial, eventually, write_losses
from served_lab import listening, served

from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.dashboard.stream import Change, Listener, LookedAt, Watch, look
from pawn_lab.lab import Lab, opener, spending

TOKEN = "a-secret-of-some-length"


@pytest.fixture
def lab(tmp_path) -> Iterator[Lab]:
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_stream_says_how_far_the_lab_is_and_then_what_changes(lab) -> None:
    with served(lab.paths.root) as url, listening(url) as events:
        assert next(events) == ("open", {"event": 0, "trials": [], "notes": False})
        spending.set_cost(lab, 2.0)
        assert next(events) == ("changed", {"event": 1, "trials": [], "notes": False})
        with listening(url) as others:
            assert next(others) == ("open", {"event": 1, "trials": [], "notes": False})
            number = add_ended_trial(lab, CONFIG)
            for each in (events, others):
                kind, change = next(each)
                assert (kind, change["trials"]) == ("changed", [number])


def test_a_scheduler_pass_is_made_while_somebody_looks(lab) -> None:
    """A trial whose processes are gone is found to have ended, though nobody calls a tool."""
    with add_running_trial(lab, CONFIG) as (number, _):
        pass
    with served(lab.paths.root) as url, listening(url) as events:
        assert next(events)[0] == "open"
        kind, change = next(events)
    assert (kind, change["trials"]) == ("changed", [number])


def test_a_defect_in_bringing_it_up_to_date_ends_no_stream(lab, caplog) -> None:
    class Broken(Exhibit):
        def advance(self) -> None:
            raise ZeroDivisionError

    with served(Broken(opener(lab.paths.root))) as url, listening(url) as events:
        assert next(events)[0] == "open"
        eventually(lambda: "ZeroDivisionError" in caplog.text)
        spending.set_cost(lab, 2.0)
        assert next(events)[1]["event"] == 1


def test_what_a_running_trial_writes_is_told_without_an_event(lab) -> None:
    with add_running_trial(lab, CONFIG) as (number, _):
        lab.only_looking()
        first, seen = look(lab, None)
        assert first == Change(seen.event)
        assert look(lab, seen) == (None, seen)
        write_losses(lab, number, 400)
        assert look(lab, seen)[0] == Change(seen.event, frozenset({number}))
        lab.paths.trial(number).log.write_text("a line\n")
        assert number in look(lab, seen)[0].trials


def test_notes_that_any_process_wrote_are_told(lab) -> None:
    _, seen = look(lab, None)
    lab.paths.notes.write_text("## Choice\n")
    assert look(lab, seen)[0] == Change(0, notes=True)


def test_a_database_of_a_backup_is_told_as_new(lab) -> None:
    spending.set_cost(lab, 2.0)
    assert look(lab, LookedAt(event=7))[0] == Change(1)


def test_a_lab_that_is_gone_is_told_once_and_again_when_it_is_back(lab, tmp_path) -> None:
    watch = Watch(Exhibit(opener(lab.paths.root)))
    _, seen = watch.look(None)
    lab.paths.root.rename(tmp_path / "elsewhere")
    change, seen = watch.look(seen)
    assert change == Change(0)
    assert watch.look(seen)[0] is None
    (tmp_path / "elsewhere").rename(lab.paths.root)
    assert watch.look(seen)[0] == Change(0)


@pytest.mark.anyio
async def test_changes_that_a_slow_page_has_not_heard_become_one() -> None:
    listener = Listener()
    listener.tell(Change(4, frozenset({1})))
    listener.tell(Change(6, frozenset({2}), notes=True))
    listener.tell(Change(7))
    changes = listener.changes()
    assert await anext(changes) == Change(7, frozenset({1, 2}), notes=True)
    listener.tell(Change(8))
    listener.end()
    assert [change async for change in changes] == []


def test_reading_the_stream_needs_what_reading_needs(lab) -> None:
    with served(lab.paths.root, TOKEN, reading_is_open=False) as url:
        assert httpx2.get(f"{url}/api/stream").status_code == 401
        with listening(url, Authorization=f"Bearer {TOKEN}") as events:
            assert next(events)[0] == "open"
