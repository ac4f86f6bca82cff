"""Bad requests are refused with the field, the value and what is allowed."""

import pytest
from lab_testing import CONFIG

from pawn_lab import errors
from pawn_lab.lab import launching, queries


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rate": 1e-3}, "learning_rate is not a field.*did you mean 'lr'"),
        ({"lr": float("nan")}, "lr nan is not allowed"),
        ({"variant": "huge"}, "variant 'huge' is unknown; one of: toy, small"),
        ({"d_model": 100, "n_heads": 3}, "d_model 100 is not divisible by n_heads 3"),
        ({"run_type": "pretrian"}, "run_type 'pretrian' is unknown; one of: pretrain"),
        ({"lr": 1e30}, "lr 1.* is not allowed.*<= 1"),
        ({"batch_size": -1}, "batch_size -1 is not allowed"),
        ({"variant": {"nested": 1}}, "variant"),
        ({"lr": object()}, "config is not JSON: Object of type object"),
        ({1: 2}, "config is not JSON: '<' not supported"),
        ({"x" * 70_000: 1}, "config is over 65536 bytes"),
        ({"hf_repo": "a/b"}, "set exactly one of local_checkpoints"),
    ],
)
def test_a_bad_config_is_refused(open_lab, config, message):
    lab = open_lab()
    with pytest.raises(errors.InvalidConfigError, match=message):
        launching.launch(lab, CONFIG | config)
    assert queries.trials(lab) == []
    assert queries.events(lab).events == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tags": ["a" * 65]}, "tag 'a+' is not allowed"),
        ({"tags": [""]}, "tag '' is not allowed"),
        ({"tags": ["\x1b[31m"]}, "printable characters"),
        ({"tags": [str(n) for n in range(21)]}, "21 tags are too many"),
        ({"hypothesis": "h" * 2001}, "hypothesis has 2001 characters; allowed: 2000"),
        ({"priority": 1001}, "priority 1001 is not allowed"),
        ({"priority": True}, "priority True is not allowed"),
        ({"idempotency_key": ""}, "idempotency_key has 0 characters"),
        ({"gpus": 3}, "gpus 3 .* divide|gpus 3 is not allowed: the machine has 2 devices"),
        ({"gpus": 0}, "gpus 0 is not allowed: 1 or more"),
    ],
)
def test_a_bad_argument_is_refused(open_lab, arguments, message):
    lab = open_lab()
    with pytest.raises(errors.InvalidRequestError, match=message):
        launching.launch(lab, CONFIG, **arguments)
    assert queries.trials(lab) == []


def test_a_config_that_is_no_object_is_refused(open_lab):
    with pytest.raises(errors.InvalidConfigError, match="a config is a JSON object, not list"):
        launching.launch(open_lab(), [1, 2])


@pytest.mark.parametrize(("since", "limit"), [(-1, 10), (0, 0), (0, 1001)])
def test_a_bad_event_page_is_refused(open_lab, since, limit):
    with pytest.raises(errors.InvalidRequestError, match="is not allowed"):
        queries.events(open_lab(), since, limit)


def test_control_codes_in_a_hypothesis_are_removed(open_lab):
    trial = launching.launch(open_lab("gate"), CONFIG, hypothesis="a\x1b[31mb\u202e")
    assert trial.hypothesis == "ab"
