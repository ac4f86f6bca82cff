"""The lab's tools over trials of a run type without an optimizer, ranked by what is better high."""

import json
import statistics

import pytest
from answering import AnsweringConfig
from cli_command import Command

from pawn_lab.errors import InvalidRequestError
from pawn_lab.tools import TOOLS
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.diff import lab_diff
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status
from pawn_lab.tools.wait import lab_wait
from pawn_lab.trials import streams

OF_TRAINING = ("val_loss", "validation", "optimizer", "learning rate", "step ", "games", '"lr"')
READINGS = [
    ("lab_schema", {"run_type": "answering", "full": True}),
    ("lab_status", {"trial_id": 10}),
    ("lab_events", {"max_tokens": 9000}),
    ("lab_results", {"front": "hours"}),
    ("lab_compare", {}),
    ("lab_compare", {"reaching": 0.3}),
    ("lab_diff", {"a": 1, "b": 4}),
    ("lab_plot", {}),
    ("lab_log", {"trial_id": 1}),
    ("lab_audit", {}),
    ("lab_wait", {"trial_ids": [1], "until": "accuracy>=0"}),
]


def accuracies(lab, trial_id):
    """Return the accuracy by item as the trainer wrote it."""
    lines = lab.paths.trial(trial_id).metrics.read_text().splitlines()
    records = [record for record in map(json.loads, lines) if record["type"] == "eval"]
    return {record["step"]: record["accuracy"] for record in records}


@pytest.mark.parametrize(("name", "arguments"), READINGS)
def test_no_tool_speaks_of_training(lab, name, arguments):
    tool = next(tool for tool in TOOLS if tool.name == name)
    said = json.dumps(tool(lab, arguments).wire())
    assert not [word for word in OF_TRAINING if word in said], said


def test_results_name_the_best_by_its_own_metric_at_its_own_unit(lab):
    answer = lab_results(lab, tag="thrice")
    [best] = [row for row in answer.rows if row.best]
    wire = answer.wire()["rows"]
    assert {"best_accuracy", "best_item", "last_accuracy", "last_item"} <= set(wire["columns"])
    highest = {trial: max(accuracies(lab, trial).values()) for trial in (4, 5, 6)}
    assert highest[best.trial_id] == max(highest.values())
    assert answer.best_trials == {"tries=3": best.trial_id}
    assert [row.best_value for row in answer.rows] == sorted(
        (row.best_value for row in answer.rows), reverse=True
    )
    at = accuracies(lab, best.trial_id)
    assert at[best.best_step] == pytest.approx(best.best_value, abs=1e-4)
    assert (best.last_step, best.last_value) == (60, pytest.approx(at[60], abs=1e-4))


def test_an_ablation_of_what_is_measured_on_is_told_not_to_be_comparable(lab):
    note = lab_results(lab).note
    assert "accuracy of another choices is of other items" in note


def test_more_right_answers_are_better_over_seeds(lab):
    answer = lab_compare(lab, trial_ids=[1, 2, 3, 4, 5, 6])
    first, second = answer.groups
    assert (answer.metric, answer.position) == ("accuracy", 60)
    assert (first.setting, first.reference) == ("tries=3", True)
    assert (second.setting, second.verdict) == ("baseline", "worse")
    assert answer.headline.startswith("Clear: tries=3 is better than baseline")
    means = [statistics.fmean(accuracies(lab, n)[60] for n in ns) for ns in ((4, 5, 6), (1, 2, 3))]
    assert [row.mean for row in answer.groups] == pytest.approx(means, abs=1e-4)
    assert second.paired
    from_below = lab_compare(lab, trial_ids=[1, 2, 3, 4, 5, 6], reference=1)
    assert from_below.groups[1].verdict == "better"


def test_settings_that_are_measured_on_other_items_are_not_comparable(lab):
    row = lab_compare(lab, trial_ids=[1, 2, 7, 8]).groups[1]
    assert (row.verdict, row.why) == ("not comparable", "accuracy is of other items (choices)")


def test_reaching_a_value_is_reaching_it_from_below(lab):
    rows = lab_compare(lab, trial_ids=[4, 5, 6], reaching=0.0).groups
    assert rows[0].mean == 5


def test_a_metric_that_no_trial_has_is_refused_with_those_that_there_are(lab):
    with pytest.raises(InvalidRequestError, match=r"'val_loss' is not allowed; one of: accuracy$"):
        lab_compare(lab, metric="val_loss")


def test_a_metric_that_only_its_records_name_is_ranked_the_way_the_caller_says(answered_copy):
    lab = answered_copy
    for trial in range(1, 7):
        metrics = lab.paths.trial(trial).metrics
        longer = f', "nodes.seen": {trial}}}\n'
        metrics.write_text(metrics.read_text().replace("}\n", longer))
    named = {"trial_ids": [1, 2, 3, 4, 5, 6]}
    with pytest.raises(InvalidRequestError, match=r"say nodes\.seen:low or nodes\.seen:high"):
        lab_compare(lab, metric="nodes.seen", **named)
    fewer = lab_compare(lab, metric="nodes.seen:low", **named)
    more = lab_compare(lab, metric="nodes.seen:high", **named)
    assert [row.setting for row in fewer.groups] == ["baseline", "tries=3"]
    assert [row.setting for row in more.groups] == ["tries=3", "baseline"]
    front = lab_results(lab, front="hours", metric="nodes.seen:high", **named).fronts
    assert front[-1].value == 6
    assert {row.metric for row in lab_diff(lab, a=1, b=2).results} == {"accuracy", "nodes.seen"}
    assert "nodes.seen-step-" in lab_plot(lab, metric="nodes.seen", **named).png


def test_a_plot_counts_items_and_panels_what_is_measured_on_other_items(lab):
    answer = lab_plot(lab, trial_ids=[1, 4])
    assert (answer.metric, [row.trial_ids for row in answer.curves]) == ("accuracy", [[1], [4]])
    assert answer.curves[0].points == [
        [item, pytest.approx(value, abs=1e-4)] for item, value in accuracies(lab, 1).items()
    ]
    spec = (lab.paths.root / answer.spec).read_text()
    assert '"title": "item"' in spec.replace('":"', '": "')
    assert {row._panel for row in lab_plot(lab, trial_ids=[1, 7]).curves} == {
        *("choices=4", "choices=2")
    }


def test_a_diff_says_what_was_chosen_what_it_was_measured_on_and_every_metric(lab):
    answer = lab_diff(lab, a=1, b=7)
    assert answer.settings == {"choices": [4, 2]}
    assert (answer.measured_on, answer.training_games, answer.validation_games) == (
        *("choices", None, None),
    )
    [row] = answer.results
    assert (row.metric, row.step) == ("accuracy", 60)
    assert "item" in answer.wire()["results"]["columns"]
    assert lab_diff(lab, a=1, b=2).measured_on == "the same"
    assert "10 continues 9 from item 7" in lab_diff(lab, a=9, b=10).notes


def test_a_bound_may_be_of_its_own_metric_or_its_own_unit(lab):
    reached = lab_wait(lab, trial_ids=[1], until="item>=10").crossed[0]
    assert (reached.step, reached.wire()["item"]) == (10, 10)
    assert lab_wait(lab, trial_ids=[1], until="accuracy>=0").over == "metric"
    with pytest.raises(InvalidRequestError, match="'val_loss' is not allowed; one of: step, item"):
        lab_wait(lab, trial_ids=[1], until="val_loss<3")


def test_status_shows_how_it_ended_in_its_unit(lab):
    row = lab_status(lab, trial_id=9).wire()
    assert row["ended"]["columns"] == ["trial_id", "tags", "state", "item", "message"]
    assert row["ended"]["rows"][0][2:] == ["paused", 7, "paused after 7 items"]


def test_the_command_line_prints_its_own_columns(answered, capsys, monkeypatch):
    command = Command(answered, capsys, monkeypatch)
    code, out, err = command("results", "--tag", "once")
    assert (code, err) == (0, "")
    titles = out.partition("baseline")[0].split()
    assert titles.count("accuracy") == titles.count("item") == 2
    assert not {"loss", "step"} & set(out.split())


def test_what_it_has_shown_is_kept_by_its_own_metric(lab):
    paths = lab.paths.trial(4)
    best = streams.shown(paths, AnsweringConfig.merit).best[""]
    assert best["accuracy"] == max(accuracies(lab, 4).values())
