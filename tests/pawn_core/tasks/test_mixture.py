"""Tasks side by side: addressed prompts, one batch of scores, and sets that are held out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from analysing import BY_THE_RULES, write_analyser
from counting import register

from pawn_core.config import ConfigError, tasks
from pawn_core.config.text_tasks import Stage
from pawn_core.tasks import Difficulty, Mixture, TaskSettings, build_scheme, rewards_of, strata_of

SEED = 11
BOTH = {"policy": 0.5, "environment": 0.5}


@pytest.fixture
def settings(tmp_path: Path) -> TaskSettings:
    program = write_analyser(tmp_path / "program", answer=BY_THE_RULES)
    return TaskSettings(BOTH, stockfish_path=program, analysis_cache=tmp_path / "analyses")


def of(settings: TaskSettings, **changes: object) -> Mixture:
    return Mixture(TaskSettings(**settings.__dict__ | changes))  # type: ignore[arg-type]


def test_a_prompt_is_fixed_by_seed_and_number_whatever_the_batch(settings: TaskSettings) -> None:
    with Mixture(settings) as mixture:
        whole = mixture.prompts(SEED, 0, 40)
        halves = mixture.prompts(SEED, 13, 27), mixture.prompts(SEED, 0, 13)
        assert whole == halves[1] + halves[0]
        assert [prompt.number for prompt in whole] == list(range(40))
        assert {prompt.task for prompt in whole} == set(BOTH)
        assert whole != mixture.prompts(SEED + 1, 0, 40)


def test_tasks_come_by_their_shares(settings: TaskSettings) -> None:
    shares = {"environment": 0.3, "policy": 0.7}
    with of(settings, shares=shares) as mixture:
        tasks_of = Counter(mixture._task_of(SEED, number) for number in range(4000))
    deviation = (4000 * 0.3 * 0.7) ** 0.5
    assert abs(tasks_of["environment"] - 1200) < 4 * deviation


def test_a_task_without_a_share_is_not_built(tmp_path: Path) -> None:
    settings = TaskSettings({"policy": 0.0, "environment": 1.0}, stockfish_path="stokfish")
    with Mixture(settings) as mixture:
        assert {prompt.task for prompt in mixture.prompts(SEED, 0, 8)} == {"environment"}


def test_without_a_chess_program_there_is_an_error_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"stockfish_path 'stokfish'.*nothing takes its place"):
        Mixture(TaskSettings(BOTH, stockfish_path="stokfish"))


def test_scores_and_right_completions_keep_to_their_rows(settings: TaskSettings) -> None:
    with Mixture(settings) as mixture:
        prompts = mixture.prompts(SEED, 0, 24)
        right = mixture.completions(prompts)
        wrong = ["" if row % 3 else text for row, text in enumerate(right)]
        rewards = rewards_of(build_scheme("verified", {}), mixture.score(prompts, wrong), 24)
        assert rewards.tolist() == [float(row % 3 == 0) for row in range(24)]


def test_a_completion_without_an_end_is_no_whole_answer(settings: TaskSettings) -> None:
    with Mixture(settings) as mixture:
        prompts = mixture.prompts(SEED, 0, 12)
        right = [f"{text}   " for text in mixture.completions(prompts)]
        for scored in mixture.score(prompts, right, np.zeros(12, dtype=np.bool_)):
            components = scored.scores.components
            assert not components["format"].any()
            assert not components["exact"].any()
            assert max(values.max() for values in components.values()) == 1.0
        ended = mixture.score(prompts, right, np.ones(12, dtype=np.bool_))
        assert all(scored.scores.components["exact"].all() for scored in ended)


def test_a_curriculum_decides_by_step(settings: TaskSettings) -> None:
    stages = (Stage(10, 0.0, 8), Stage(20, 0.0, 32))
    shares = {"environment": 1.0}
    with of(settings, shares=shares, curriculum=stages) as mixture:
        first, few, last = (mixture.prompts(SEED, 0, 16, step) for step in (9, 10, 20))
    assert first == last
    assert max(sum(c.isalpha() for c in prompt.fen.split()[0]) for prompt in few) <= 8
    assert few != first


def test_held_out_prompts_are_of_every_stratum_and_always_the_same(settings) -> None:
    shares = {"environment": 1.0}
    wanted = {"shares": shares, "val_prompts": 40, "illegal_ratio": 0.1}
    with of(settings, **wanted) as mixture:
        prompts = mixture.held_out()["environment"]
        task = mixture.tasks["environment"]
        counts = Counter(name for prompt in prompts for name in strata_of(task, prompt))
        assert len(prompts) == 40
        assert min(counts[name] for name in (*task.strata, "plain")) >= 2
        assert len({prompt.number for prompt in prompts}) == 40
    with of(settings, **wanted, curriculum=(Stage(0, 0.0, 4),)) as mixture:  # leaves them alone
        assert mixture.held_out() == {"environment": prompts}


def test_held_out_prompts_of_two_tasks_are_as_many_of_each(settings: TaskSettings) -> None:
    with of(settings, val_prompts=6) as mixture:
        held_out = mixture.held_out()
        for name in BOTH:
            assert [prompt.task for prompt in held_out[name]] == [name] * 6


def test_a_third_task_is_one_file_and_one_entry(
    settings: TaskSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    shares = {"environment": 0.5, "counting": 0.5}
    with of(settings, shares=shares, val_prompts=10) as mixture:
        prompts = mixture.prompts(SEED, 0, 20) + mixture.held_out()["counting"]
        assert {prompt.task for prompt in prompts} == set(shares)
        right = mixture.completions(prompts)
        scheme = build_scheme("verified", {"counting.count": 2.0})
        rewards = rewards_of(scheme, mixture.score(prompts, right), len(prompts))
        expected = {"environment": 1.0, "counting": 7 / 8}
        assert rewards.tolist() == [expected[prompt.task] for prompt in prompts]
    assert "counting.count" in tasks.component_names()


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(ConfigError, match="task 'riddles' is unknown; one of: policy, environment"):
        Mixture(TaskSettings({"riddles": 1.0}))


def test_difficulty_is_the_settings_before_a_curriculum() -> None:
    settings = TaskSettings(difficulty=Difficulty(0.5, 6), curriculum=(Stage(3, 0.25, 9),))
    assert settings.difficulty_at(2) == Difficulty(0.5, 6)
    assert settings.difficulty_at(3) == Difficulty(0.25, 9)
