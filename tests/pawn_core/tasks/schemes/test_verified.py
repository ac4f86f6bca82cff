"""Our own scheme: a weighted mean of what was verified."""

import numpy as np
import pytest

from pawn_core.config import ConfigError
from pawn_core.config.tasks import TASKS
from pawn_core.tasks import Scored, Scores, build_scheme, rewards_of


def scored(task: str, components: dict[str, list[float]], valid: list[bool]) -> Scored:
    numbers = {name: np.array(values) for name, values in components.items()}
    return Scored(task, np.arange(len(valid))[::-1], [], [], Scores(numbers, {}, np.array(valid)))


@pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.name)
def test_what_is_right_earns_one_and_what_is_wrong_nothing(kind) -> None:
    components = {name: [1.0, 0.0] for name in kind.components}
    found = scored(kind.name, components, [True, True])
    assert build_scheme("verified", {}).rewards(found).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.name)
def test_every_weight_changes_the_reward(kind) -> None:
    for name in kind.components:
        components = {other: [float(other == name)] for other in kind.components}
        found = scored(kind.name, components, [True])
        few, many = (
            build_scheme("verified", {f"{kind.name}.{name}": weight}).rewards(found)[0]
            for weight in (0.5, 5.0)
        )
        assert 0.0 < few < many < 1.0


def test_an_invalid_completion_has_no_reward_and_each_row_its_own() -> None:
    components = {name: [1.0, 0.0, 1.0] for name in TASKS[0].components}
    found = scored(TASKS[0].name, components, [True, True, False])
    rewards = rewards_of(build_scheme("verified", {}), [found], 4)
    np.testing.assert_equal(rewards, [np.nan, 0.0, 1.0, np.nan])


def test_a_task_of_which_nothing_counts_is_refused() -> None:
    none = {f"policy.{name}": 0.0 for name in TASKS[0].components}
    with pytest.raises(ConfigError, match="those of the task policy are all 0"):
        build_scheme("verified", none)


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(ConfigError, match="reward_scheme 'verifed' is unknown; one of: verified"):
        build_scheme("verifed", {})
