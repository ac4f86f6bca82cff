"""Settings of tasks are the fields of a config."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from counting import register

from pawn_core.config.grpo import GrpoConfig
from pawn_core.config.text_tasks import Stage
from pawn_core.tasks import Difficulty, TaskSettings

CHANGED: dict[str, Any] = {
    "mix_env_ratio": 0.5,
    "task_format": "native",
    "history": False,
    "illegal_ratio": 0.25,
    "hard_ratio": 0.5,
    "men_max": 12,
    "curriculum": {"5": {"men_max": 6}},
    "min_ply": 3,
    "max_ply": 9,
    "stockfish_path": "gnuchess",
    "stockfish_depth": 3,
    "stockfish_workers": 2,
    "analysis_cache": "/analyses",
    "val_seed": 77,
    "val_prompts": 5,
}


def config(**changes: Any) -> GrpoConfig:
    return GrpoConfig(checkpoint="trial:3", local_checkpoints=True, **changes)


def test_every_setting_is_a_field_of_the_config() -> None:
    plain, changed = TaskSettings.of(config()), TaskSettings.of(config(**CHANGED))
    for field in fields(TaskSettings):
        assert getattr(plain, field.name) != getattr(changed, field.name), field.name
    assert changed.shares == {"policy": 0.5, "environment": 0.5}
    assert changed.difficulty == Difficulty(0.5, 12)
    assert changed.curriculum == (Stage(5, 0.5, 6),)
    assert changed.analysis_cache == Path("/analyses")


def test_shares_name_tasks_beyond_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"environment": 0.75, "counting": 0.25}
    with pytest.raises(ValueError, match="task 'counting' is unknown; one of: policy, environment"):
        config(task_shares=shares)
    register(monkeypatch)
    assert TaskSettings.of(config(task_shares=shares)).shares == shares
    assert "stockfish_depth" in config(task_shares=shares, stockfish_depth=3).no_effect()
    with pytest.raises(ValueError, match="reward_scheme 'trl' does not know task 'counting'"):
        config(task_shares=shares, reward_scheme="trl")


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\{'policy': 0.5\} adds up to 0.5; allowed: 1"):
        config(task_shares={"policy": 0.5})
