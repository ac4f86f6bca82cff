"""An evaluation is a run: it pauses, resumes bitwise, dies and is told clearly what is wrong."""

import json
import shutil
import signal
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from safetensors.torch import load_file, save_file

from pawn_core.checkpoint import latest_verified, store
from pawn_core.config import ConfigError
from pawn_core.config.evals import EVALS
from pawn_core.evaluation.evaluation import Evaluation
from pawn_core.evaluation.positions.legality import Legality
from pawn_core.signals import StopFlag

EVAL = {"run_type": "eval", "weights": "trial:3", "device": "cpu", "games": 30, "shard_games": 3}


@pytest.mark.parametrize("chosen", EVALS, ids=lambda chosen: chosen.name)
def test_every_evaluation_in_the_list_is_one(chosen) -> None:
    assert Evaluation in resolve_name(chosen.implementation).__mro__


@pytest.fixture
def subject(tiny, train, tmp_path: Path) -> Path:
    """Train trial 3 of a workspace and return its run folder."""
    train(tiny, "trials/0003/run")
    return tmp_path / "trials/0003/run"


@pytest.fixture
def evaluate(subject, train):
    """Return a function that evaluates as a trial beside it: `evaluate(4, games=7)`."""

    def run(trial: int, resume: Path | None = None, stop: StopFlag | None = None, **fields):
        return train(EVAL | fields, f"trials/{trial:04d}/run", resume, stop)

    return run


def results(tmp_path: Path, trial: int) -> dict:
    return json.loads((tmp_path / f"trials/{trial:04d}/run/results.json").read_bytes())


def test_it_leaves_a_record_and_a_document_of_all_that_identifies_it(
    evaluate, subject, tmp_path, records
) -> None:
    outcome = evaluate(4)
    assert (outcome.reason, outcome.step) == ("completed", 10)
    document = results(tmp_path, 4)
    weights = subject / "checkpoints/step_00000012"
    hashes = json.loads((weights / ".complete").read_bytes())["files"]
    assert document["weights"] == {
        "source": "trial:3",
        "path": str(weights / "model.safetensors"),
        "revision": None,
        "sha256": hashes["model.safetensors"],
        "step": 12,
    }
    assert document["model"]["architecture"]["d_model"] == 16
    assert document["model"]["parameters"] == sum(
        tensor.numel() for tensor in load_file(weights / "model.safetensors").values()
    )
    assert document["complete"]
    (legality,) = document["evaluations"]
    assert legality["facts"]["games_seed"] == document["config"]["games_seed"]
    assert all(figure["definition"] for figure in legality["figures"])
    (record,) = records(tmp_path / "trials/0004/run", "eval")
    by_name = {figure["name"]: figure for figure in legality["figures"]}
    for end, name in (("", "value"), ("_low", "low"), ("_high", "high")):
        assert record[f"legality.legal_rate{end}"] == by_name["legal_rate"][name]
    assert outcome.metrics["legality.val_loss"] == by_name["val_loss"]["value"]


def test_it_tells_its_speed_and_how_far_it_is(evaluate, tmp_path, records) -> None:
    evaluate(4)
    train = records(tmp_path / "trials/0004/run", "train")
    assert [record["step"] for record in train] == list(range(1, 11))


@pytest.mark.parametrize("pause", [1, 4, 9])
def test_a_paused_and_resumed_evaluation_equals_the_uninterrupted_one(
    evaluate, tmp_path, records, pause: int
) -> None:
    evaluate(4)
    paused = evaluate(5, pause_after_steps=pause)
    checkpoint = tmp_path / "trials/0005/run/checkpoints" / paused.checkpoint
    evaluate(6, checkpoint)
    evaluate(5, checkpoint)
    for trial in (5, 6):
        assert results(tmp_path, trial)["evaluations"] == results(tmp_path, 4)["evaluations"]
    whole, same = (records(tmp_path / f"trials/000{n}/run")[1:] for n in (4, 5))
    assert same == whole


def test_a_killed_evaluation_goes_on_to_the_same_bytes(
    evaluate, spawn_warm, tmp_path, records
) -> None:
    fields = {"games": 400, "shard_games": 4, "checkpoint_interval": 10}
    evaluate(4, **fields)
    (tmp_path / "trials/0005").mkdir()
    process = spawn_warm(EVAL | fields, "trials/0005/run")
    saved = tmp_path / "trials/0005/run/checkpoints"
    while latest_verified(saved) is None:
        assert process.poll() is None, process.stderr.read()
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    checkpoint = latest_verified(saved)
    assert checkpoint.name < "step_00000100"
    evaluate(5, checkpoint, **fields)
    assert records(tmp_path / "trials/0005/run") == records(tmp_path / "trials/0004/run")
    ends = [
        store.load(latest_verified(tmp_path / f"trials/{trial}/run/checkpoints"))
        for trial in ("0004", "0005")
    ]
    reports = [end.training_state["reports"] for end in ends]
    assert reports[0] == reports[1] == results(tmp_path, 5)["evaluations"]


def test_the_stop_flag_ends_it_between_shards_with_everything_saved(
    evaluate, tmp_path, monkeypatch
) -> None:
    stop, run_shard = StopFlag(), Legality.run

    def stop_in_the_middle(self: Legality, shard: int) -> None:
        if shard == 4:
            stop.signal = signal.SIGTERM
        run_shard(self, shard)

    monkeypatch.setattr(Legality, "run", stop_in_the_middle)
    outcome = evaluate(4, stop=stop)
    assert (outcome.reason, outcome.step, outcome.checkpoint) == ("signal", 4, "step_00000004")
    monkeypatch.undo()
    evaluate(4, tmp_path / "trials/0004/run/checkpoints/step_00000004")
    evaluate(5)
    assert results(tmp_path, 4)["evaluations"] == results(tmp_path, 5)["evaluations"]


def test_several_evaluations_come_one_after_the_other(evaluate, tmp_path, records) -> None:
    fields = {"evals": "legality,generation", "games": 6, "max_ply": 12}
    evaluate(4, **fields)
    run = tmp_path / "trials/0004/run"
    first, second = records(run, "eval")
    assert (first["step"], second["step"]) == (2, 6)
    assert not any(name.startswith("generation") for name in first)
    assert {name for name in first if "." in name} < second.keys()
    evaluate(5, run / "checkpoints/step_00000002", **fields)
    for n in (4, 5):
        names = [evaluation["name"] for evaluation in results(tmp_path, n)["evaluations"]]
        assert names == ["legality", "generation"]
    assert results(tmp_path, 4)["evaluations"] == results(tmp_path, 5)["evaluations"]


@pytest.mark.parametrize("form", ["step", "best", "folder", "file", "run folder"])
def test_the_same_weights_can_be_named_in_many_ways(evaluate, subject, tmp_path, form) -> None:
    folder = subject / "checkpoints/step_00000012"
    named = {
        "step": "trial:3@12",
        "best": "trial:3@best",
        "folder": str(folder),
        "file": str(folder / "model.safetensors"),
        "run folder": str(subject),
    }
    if form == "file":  # bare tensors tell no number of heads
        with pytest.raises(ConfigError, match="no named variant"):
            evaluate(4, weights=named[form])
        return
    evaluate(4, weights=named[form])
    assert results(tmp_path, 4)["weights"]["step"] == 12


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": "trial:9"}, r"there is no trial 9 in .*; outside of a lab"),
        ({"weights": "trial:3@7"}, "trial 3 has no checkpoint of step 7; saved: 4, 8, 12"),
        ({"weights": "trial:3@12:small"}, "trial 3 has no model 'small'; it has: one, unnamed"),
        ({"weights": "trial:x"}, "'trial:x' is no trial's weights; allowed: trial:12"),
        ({"weights": "/no/such/folder"}, "weights '/no/such/folder' do not exist; allowed"),
        ({"max_ply": 25}, "max_ply 25 does not fit the model; allowed: 2 to 24"),
        ({"games_seed": 0}, "games_seed 0 is the seed of the games that trial:3 was trained on"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_any_work(evaluate, fields, message) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(4, **fields)


def test_a_trial_without_a_checkpoint_is_refused(evaluate, subject) -> None:
    shutil.rmtree(subject / "checkpoints")
    with pytest.raises(ConfigError, match="trial 3 has saved no checkpoint"):
        evaluate(4)


def test_weights_that_are_damaged_are_refused(evaluate, subject) -> None:
    weights = subject / "checkpoints/step_00000012/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ConfigError, match="does not match its SHA-256"):
        evaluate(4)


def test_weights_of_no_vocabulary_or_of_another_size_than_their_config_are_refused(
    evaluate, subject, tmp_path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    tensors = load_file(subject / "checkpoints/step_00000012/model.safetensors")
    save_file(tensors | {"lm_head.weight": torch.zeros(100, 16)}, folder / "model.safetensors")
    with pytest.raises(ConfigError, match=r"100 tokens, no vocabulary .* 1980 .searchless"):
        evaluate(4, weights=str(folder))
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text('{"d_model": 32, "n_heads": 2}')
    with pytest.raises(ConfigError, match=r"config\.json says d_model 32, but the tensors say 16"):
        evaluate(4, weights=str(folder))


def test_it_does_not_go_on_with_other_weights(evaluate, tiny, train, tmp_path) -> None:
    evaluate(4, pause_after_steps=4)
    checkpoint = tmp_path / "trials/0004/run/checkpoints/step_00000004"
    train(tiny, "trials/0003/run", tmp_path / "trials/0003/run/checkpoints/step_00000004")
    evaluate(5, checkpoint)  # the same bytes again
    train(tiny | {"total_steps": 16}, "trials/0003/run", _newest(tmp_path))
    with pytest.raises(ConfigError, match="are not those that were evaluated so far"):
        evaluate(6, checkpoint)
    with pytest.raises(ConfigError, match="weights 'trial:3@4' differs from the checkpoint's"):
        evaluate(7, checkpoint, weights="trial:3@4")


def _newest(tmp_path: Path) -> Path:
    return latest_verified(tmp_path / "trials/0003/run/checkpoints")


def test_one_of_several_models_is_named(tiny, train, tmp_path) -> None:
    small = {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2}
    shared = {k: v for k, v in tiny.items() if k not in small}
    variants = {"a": small, "b": small | {"d_model": 12}}
    train(shared | {"run_type": "cotrain", "variants": variants}, "trials/0003/run")
    train(EVAL | {"weights": "trial:3@12:b"}, "trials/0004/run")
    document = results(tmp_path, 4)
    assert document["model"]["architecture"]["d_model"] == 12
    assert document["weights"]["step"] == 12
    with pytest.raises(ConfigError, match="several models; it has: a, b; name one, as in trial:3@"):
        train(EVAL, "trials/0005/run")
