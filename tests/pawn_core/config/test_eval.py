"""What an evaluation is told, and what of it is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pawn_core.config import EvalConfig
from pawn_core.config.errors import config_error
from pawn_core.config.evals import EVAL_NAMES, EVALS, eval_named
from pawn_core.metrics import MOST_NAME_CHARACTERS


def parsed(**fields) -> EvalConfig:
    return EvalConfig.model_validate({"weights": "trial:3", **fields})


def refusal(**fields) -> str:
    with pytest.raises(ValidationError) as error:
        parsed(**fields)
    return str(config_error(error.value, EvalConfig, "run_type 'eval'"))


def test_it_needs_nothing_but_the_weights() -> None:
    config = parsed()
    assert config.evals == ("legality",)
    assert (config.local_checkpoints, config.hf_repo) == (True, None)
    with pytest.raises(ValidationError, match="weights"):
        EvalConfig.model_validate({})


def test_checkpoints_that_go_to_the_hub_are_not_kept_here() -> None:
    assert not parsed(hf_repo="owner/name").local_checkpoints
    assert "exactly one" in refusal(hf_repo="owner/name", local_checkpoints=True)


@pytest.mark.parametrize("evals", [["legality"], ("legality",), "legality", '["legality"]'])
def test_evaluations_are_a_list_or_a_line_of_names(evals) -> None:
    assert parsed(evals=evals).evals == ("legality",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"evals": ["legalty"]},
            rf"'legalty' is unknown; one of: {', '.join(EVAL_NAMES)}; did you mean 'legality'?",
        ),
        ({"evals": []}, "tuple should have at least 1 item"),
        ({"evals": "legality,legality"}, "an evaluation is named twice"),
        ({"evals": 3}, "evals 3 is not allowed"),
        ({"weights": ""}, "weights '' is not allowed"),
        ({"weigths": "x"}, "weigths is not a field of run_type 'eval'; did you mean 'weights'?"),
        ({"games": 0}, "games 0 is not allowed"),
        ({"gpus": 2}, "gpus 2 is not allowed"),
        ({"lr": 1e-3}, "lr is not a field of run_type 'eval'"),
        ({"evals": "positions"}, "positions is missing: evals has positions, which reads a folder"),
        (
            {"evals": "positions,legality", "positions": "folder"},
            "no model that all of it measures (positions: positions; legality: moves)",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields, message: str) -> None:
    assert message in refusal(**fields)


def test_its_length_follows_from_the_work_and_cannot_be_another() -> None:
    assert parsed(games=130, shard_games=64).total_shards == 3
    assert parsed(games=130, shard_games=64, total_shards=3).length == 3
    assert "total_shards 4 is not allowed: evals comes to 3" in refusal(
        games=130, shard_games=64, total_shards=4
    )
    assert "pause_after_steps 4 is past total_shards 3" in refusal(
        games=130, shard_games=64, pause_after_steps=4
    )


def test_it_is_the_same_run_with_its_defaults_written_out() -> None:
    config = parsed(games=130)
    assert parsed(**config.model_dump(exclude={"weights"})).settings() == config.settings()
    assert parsed(**config.model_dump(mode="json", exclude={"weights"})) == config


def test_a_resumed_evaluation_goes_on_with_the_same_work() -> None:
    fixed = set(EvalConfig.fields_marked("fixed_on_resume"))
    assert EvalConfig.measured_on | {"weights", "evals", "total_shards", "amp_dtype"} <= fixed


@pytest.mark.parametrize("evaluation", EVALS, ids=lambda evaluation: evaluation.name)
def test_an_evaluation_reads_fields_that_there_are_and_names_its_figures(evaluation) -> None:
    assert evaluation.fields <= EvalConfig.model_fields.keys()
    assert evaluation.shards(parsed()) >= 1
    for metric in evaluation.metrics:
        assert metric.name.startswith(f"{evaluation.name}.")
        assert len(f"{metric.name}_high") <= MOST_NAME_CHARACTERS
    assert evaluation.metrics
    assert evaluation.metrics[0].better


@pytest.mark.parametrize("evaluation", EVALS, ids=lambda evaluation: evaluation.name)
def test_a_field_that_no_chosen_evaluation_reads_is_idle(evaluation) -> None:
    sources = {"play_opponent": "uci:stockfish", "pgn": "games.pgn", "positions": "folder"}
    config = parsed(evals=[evaluation.name], **sources)
    idle = {field for field, _, _ in config.idle_fields()}
    assert idle & EvalConfig.measured_on == EvalConfig.measured_on - evaluation.fields


def test_evaluations_say_what_kinds_of_models_they_take() -> None:
    assert parsed().takes("weights") == {"moves"}
    assert parsed(evals="play").takes("weights") == {"moves", "positions"}
    assert parsed(evals="play,legality").takes("weights") == {"moves"}
    assert parsed(evals="positions,play", positions="folder").takes("weights") == {"positions"}
    assert parsed().takes("play_opponent") == {"moves", "positions"}


def test_a_precision_that_no_evaluation_computes_in_is_idle() -> None:
    generation = parsed(evals=["generation"], amp_dtype="bfloat16")
    assert "computed in float32" in generation.no_effect()["amp_dtype"]
    assert generation.settings(on_gpu=True) == parsed(evals=["generation"]).settings(on_gpu=True)
    both = parsed(evals=["generation", "legality"], amp_dtype="bfloat16")
    assert "amp_dtype" not in both.no_effect()


def test_an_unknown_evaluation_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'x' is unknown; one of: legality"):
        eval_named("x")


def test_the_page_names_every_evaluation() -> None:
    page = (Path(__file__).parents[3] / "docs/evaluations.md").read_text(encoding="utf-8")
    assert [name for name in EVAL_NAMES if f"\n| `{name}` |" not in page] == []


@pytest.mark.parametrize("evaluation", EVALS, ids=lambda evaluation: evaluation.name)
def test_runs_are_ranked_by_the_headline_of_their_first_evaluation(evaluation) -> None:
    kind = EvalConfig.kind_of({"evals": [evaluation.name, "legality"]})
    assert kind.merit.metric == evaluation.metrics[0].name
    assert kind.metric(kind.merit.metric) == evaluation.metrics[0]
    assert kind.merit.metric not in kind.beside_merit
    assert kind.model_fields.keys() == EvalConfig.model_fields.keys()


@pytest.mark.parametrize("evals", [None, [], ["of another version"], "legality"])
def test_runs_of_unknown_evaluations_are_ranked_as_by_default(evals) -> None:
    assert EvalConfig.kind_of({"evals": evals}) is EvalConfig
