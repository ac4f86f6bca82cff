"""Events reach the webhook in order, at least once, whatever the address and the disk do."""

import pytest
from lab_testing import CONFIG, ended
from webhooks import Receiver, receiver

from pawn_lab.alarms import webhook
from pawn_lab.alarms.webhook import MOST_EVENTS, Delivery, Webhook
from pawn_lab.lab import Lab, launching, noting, queries
from pawn_lab.watchdog.courier import Courier

__all__ = ["receiver"]


@pytest.fixture
def lab(open_lab, receiver: Receiver) -> Lab:
    """A lab whose failures are told to the receiver."""
    lab = open_lab("crash")
    webhook.set_up(lab.paths, Webhook(url=receiver.url), queries.latest_event(lab))
    return lab


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def courier(said) -> Courier:
    return Courier(said.append)


def test_what_matters_enough_is_delivered_once_with_the_headline(lab, courier, receiver):
    ended(lab, launching.launch(lab, CONFIG).id)
    for now in (0.0, 1.0):
        courier.deliver(lab, now)
    assert receiver.kinds == [["failed"]]
    assert receiver.messages[0]["headline"].startswith("trial 1 failed (error). See lab_log(")
    assert Delivery.of(lab.paths) == Delivery(cursor=queries.latest_event(lab))


def test_what_is_not_taken_waits_on_the_disk_and_another_process_delivers_it(
    lab, courier, receiver, said
):
    receiver.statuses = [500, 404]
    noting.note(lab, "idle", "idle", {})
    courier.deliver(lab, 0.0)
    courier.deliver(lab, 14.0)
    assert len(receiver.statuses) == 1, "the second try came too early"
    noting.note(lab, "stop", "stops", {})
    courier.deliver(lab, 100.0)
    assert Delivery.of(lab.paths).failures == 2
    assert said == [
        "not delivered to http://127.0.0.1/[masked]: the webhook answered HTTP 500",
        "not delivered to http://127.0.0.1/[masked]: the webhook answered HTTP 404",
    ]
    Courier(said.append).deliver(lab, 200.0)
    assert receiver.kinds == [["idle", "stop"]]
    assert Delivery.of(lab.paths).failures == 0


def test_many_events_go_in_several_messages(lab, courier, receiver):
    for number in range(MOST_EVENTS + 3):
        noting.note(lab, "idle", f"number {number}", {})
    for now in range(3):
        courier.deliver(lab, float(now))
    told = [event["message"] for message in receiver.messages for event in message["events"]]
    assert told == [f"number {number}" for number in range(MOST_EVENTS + 3)]
    assert len(receiver.messages) == 2


def test_only_what_happened_since_it_was_set_and_matters_enough_is_sent(open_lab, receiver):
    lab = open_lab()
    noting.note(lab, "idle", "before", {})
    hook = Webhook(url=receiver.url, min_severity=webhook.Severity.CRITICAL)
    webhook.set_up(lab.paths, hook, queries.latest_event(lab))
    noting.note(lab, "idle", "too little", {})
    noting.note(lab, "stop", "enough", {})
    Courier(print).deliver(lab, 0.0)
    assert [event["message"] for event in receiver.messages[0]["events"]] == ["enough"]


def test_nothing_is_sent_where_no_webhook_is_set(open_lab, courier):
    courier.deliver(open_lab(), 0.0)
    assert Delivery.of(open_lab().paths) is None


def test_a_disk_without_room_neither_hides_an_alarm_nor_repeats_it(
    lab, courier, receiver, monkeypatch
):
    noting.note(lab, "idle", "idle", {})
    monkeypatch.setattr(Delivery, "write", lambda *_: None)
    monkeypatch.setattr(Lab, "refusal", property(lambda _: OSError("the disk is full")))
    for now in range(3):
        courier.deliver(lab, float(now))
    assert receiver.kinds == [["idle"]]
    assert "the disk is full" in receiver.messages[0]["headline"]
    noting.note(lab, "idle", "idle again", {})
    courier.deliver(lab, 3.0)
    assert receiver.kinds == [["idle"], ["idle"]]
