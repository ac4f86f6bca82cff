"""What is sent to a webhook, to which addresses, and what becomes of what is not taken."""

import pytest
from webhooks import Receiver, receiver

from pawn_lab.alarms import webhook
from pawn_lab.alarms.webhook import Delivery, Webhook, checked_address, greeting, payload, post
from pawn_lab.errors import InvalidRequestError, NotDeliveredError
from pawn_lab.records import Event, Severity

__all__ = ["receiver"]

LOST = Event(
    seq=7,
    time=1e9,
    trial_id=3,
    kind="lost",
    message="its shim died <!channel> hf_abcdefghijklmnop",
    data={},
    severity=Severity.CRITICAL,
)
IDLE = LOST.model_copy(
    update={"seq": 6, "trial_id": None, "kind": "idle", "severity": Severity.WARNING}
)


@pytest.mark.parametrize(
    "url",
    ["ftp://host/x", "file:///etc/passwd", "hook", "http://", "https:///path", "http://h:99999/"],
)
def test_an_address_that_is_not_of_the_web_is_refused(url):
    with pytest.raises(InvalidRequestError, match="is not allowed: http://HOST"):
        checked_address(url)


def test_a_message_has_its_text_where_slack_and_discord_look_and_calls_nobody():
    message = payload("pod:runs", "1 running", [IDLE, LOST])
    lines = message["text"].split("\n")
    assert lines[0] == "pod:runs: 1 running"
    assert lines[2] == "critical: trial 3 lost: its shim died < !channel> [masked]"
    assert message["content"] == message["text"]
    assert message["allowed_mentions"] == {"parse": []}
    assert (message["headline"], message["severity"]) == ("1 running", "critical")
    assert [event["seq"] for event in message["events"]] == [6, 7]
    assert "hf_abc" not in str(message)


def test_a_message_of_many_events_is_as_long_as_discord_takes():
    many = [LOST.model_copy(update={"message": "x" * 900})] * 20
    message = payload("pod", "headline", many)
    assert len(message["content"]) <= 2000
    assert len(message["events"]) == 20


def test_ntfy_is_told_which_field_is_the_message(receiver: Receiver):
    post(receiver.url, greeting("pod:runs"))
    assert receiver.headers[0]["X-Template"] == "yes"
    assert receiver.headers[0]["X-Message"] == "{{.text}}"


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_an_address_that_does_not_take_a_message_is_told_of_without_its_secret(receiver, status):
    receiver.statuses = [status]
    with pytest.raises(NotDeliveredError, match=f"answered HTTP {status}$") as refusal:
        post(receiver.url, greeting("pod:runs"))
    assert refusal.value.retry_after_s == 77.0
    assert receiver.messages == []
    assert Webhook(url=receiver.url).place == "http://127.0.0.1/[masked]"


def test_an_address_at_which_nobody_listens_is_told_of():
    with pytest.raises(NotDeliveredError, match=r"cannot be reached \(ConnectError\)"):
        post("http://127.0.0.1:1/secret", greeting("pod:runs"))


def test_each_failure_waits_twice_as_long_up_to_a_quarter_of_an_hour():
    delivery, waits = Delivery(cursor=3), []
    for _ in range(9):
        delivery = delivery.failed(NotDeliveredError("HTTP 500"), 1000.0)
        waits.append(delivery.retry_at - 1000.0)
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert (delivery.failures, delivery.failing_since, delivery.cursor) == (9, 1000.0, 3)
    asked = Delivery(cursor=3).failed(NotDeliveredError("HTTP 429", 77.0), 1000.0)
    assert asked.retry_at == 1077.0
    assert delivery.delivered(9) == Delivery(cursor=9)


def test_what_is_not_delivered_is_told_after_a_few_failures(open_lab):
    paths = open_lab().paths
    webhook.set_up(paths, Webhook(url="https://h/secret"), 0)
    assert paths.webhook.stat().st_mode & 0o777 == 0o600
    assert webhook.faults(paths) == []
    Delivery(cursor=0, failures=3, failing_since=0.0, error="HTTP 404").write(paths)
    [fault] = webhook.faults(paths)
    assert fault.startswith(
        "Events have not been delivered since 01-01 00:00 UTC, 3 tries: HTTP 40"
    )
    webhook.retry(paths)
    assert webhook.faults(paths) == []
    assert webhook.remove(paths)
    assert Webhook.of(paths) is None


FAR = '{"url": 3, "cursor": 1, "failures": 3, "failing_since": 1e300}'


@pytest.mark.parametrize("text", ["", "[]", '{"cursor": -1}', "\0", FAR])
def test_files_that_say_something_else_are_no_webhook(open_lab, text):
    paths = open_lab().paths
    for file in (paths.webhook, paths.webhook_state, paths.watch):
        file.write_text(text)
    assert (Webhook.of(paths), Delivery.of(paths)) == (None, None)
    assert webhook.faults(paths) == []
