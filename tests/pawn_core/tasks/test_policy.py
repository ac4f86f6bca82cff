"""The task `P:`: labels of both colours, and completions compared with a program's analysis."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from analysing import BY_THE_RULES, DIES_OVER_BLACK, write_analyser
from programs import needs_stockfish

from pawn_core.config.tasks import task_kind
from pawn_core.tasks import Difficulty, TaskPrompt, TaskSettings
from pawn_core.tasks.policy import Policy

NUMBERS = range(24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policy")


@pytest.fixture(scope="module")
def task(folder: Path) -> Iterator[Policy]:
    task = Policy(TaskSettings(stockfish_depth=2, analysis_cache=folder / "analyses"))
    yield task
    task.close()


@pytest.fixture(scope="module")
def prompts(task: Policy) -> list[TaskPrompt]:
    return task.prompts(3, NUMBERS, Difficulty())


def is_black(prompt: TaskPrompt) -> bool:
    return prompt.fen.split()[1] == "b"


@needs_stockfish
def test_the_best_move_is_the_side_to_moves_for_both_colours(
    task: Policy, prompts: list[TaskPrompt]
) -> None:
    for prompt, completion in zip(prompts, task.completions(prompts), strict=True):
        moves, _, rest = completion.strip().partition(" E: ")
        evals, _, best = rest.partition(" B: ")
        worth = dict(zip(moves.split(), map(float, evals.split()), strict=True))
        assert worth[best] == max(worth.values())
        assert best == prompt.answer.analysis.lines[0].uci
    assert {is_black(prompt) for prompt in prompts} == {False, True}


@needs_stockfish
def test_the_worst_of_five_is_not_rewarded_for_black(
    task: Policy, prompts: list[TaskPrompt]
) -> None:
    black = [p for p in prompts if is_black(p) and len(p.answer.analysis.lines) == 5]
    right = task.completions(black)
    flipped = [
        text.rpartition(" ")[0] + f" {prompt.answer.analysis.lines[-1].uci}"
        for text, prompt in zip(right, black, strict=True)
    ]
    assert task.score(black, right).components["best"].tolist() == [1.0] * len(black)
    wrong = task.score(black, flipped).components["best"]
    distinct = [p.answer.analysis.lines[0][1] > p.answer.analysis.lines[-1][1] for p in black]
    assert sum(distinct) > 3
    assert wrong.tolist() == [float(not differs) for differs in distinct]


@needs_stockfish
def test_right_completions_have_every_component(task: Policy, prompts: list[TaskPrompt]) -> None:
    scores = task.score(prompts, task.completions(prompts))
    assert tuple(scores.components) == tuple(task_kind("policy").components)
    assert scores.valid.all()
    assert all(values.tolist() == [1.0] * len(prompts) for values in scores.components.values())


@needs_stockfish
def test_native_prompts_are_padded_and_ask_the_same(folder: Path, task: Policy, prompts) -> None:
    settings = TaskSettings(
        stockfish_depth=2, analysis_cache=folder / "analyses", task_format="native"
    )
    native = Policy(settings)
    padded = native.prompts(3, NUMBERS, Difficulty())
    rows = [p.text + c for p, c in zip(padded, native.completions(padded), strict=True)]
    assert {len(row) for row in rows} <= {176, 177}
    assert [p.answer.analysis for p in padded] == [p.answer.analysis for p in prompts]
    scores = native.score(padded, native.completions(padded))
    assert scores.components["evaluations"].tolist() == [1.0] * len(padded)
    native.close()


def test_what_a_dying_program_leaves_is_invalid_and_never_rewarded(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", DIES_OVER_BLACK, BY_THE_RULES)
    cache = tmp_path / "analyses"
    task = Policy(TaskSettings(stockfish_path=program, analysis_cache=cache))
    prompts = task.prompts(3, range(6), Difficulty())
    black = [is_black(prompt) for prompt in prompts]
    assert 0 < sum(black) < len(black)
    assert [prompt.valid for prompt in prompts] == [not b for b in black]
    right = iter(task.completions([p for p in prompts if p.valid]))
    scores = task.score(prompts, [next(right) if p.valid else " e7e5" for p in prompts])
    assert scores.valid.tolist() == [not b for b in black]
    for values in (*scores.components.values(), *scores.details.values()):
        np.testing.assert_equal(np.isnan(values[~scores.valid]), True)
    assert scores.components["best"][scores.valid].tolist() == [1.0] * (len(black) - sum(black))
    assert task.analyst.counts["failed"] == sum(black)
    task.close()
