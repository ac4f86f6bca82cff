"""Trials whose config asks for something rare, or is of another version: no view fails for one."""

import pytest
from lab_testing import CONFIG, add_ended_trial

from pawn_core.config import parse_config
from pawn_lab.tools import TOOLS

BY_NAME = {tool.name: tool for tool in TOOLS}
PLAIN = parse_config(CONFIG).model_dump(mode="json")
CUSTOM = {"variant": "custom", "d_model": 32, "n_layers": 1, "n_heads": 2}
RARE = {
    "custom": parse_config(CONFIG | CUSTOM).model_dump(mode="json"),
    "hub": parse_config(CONFIG | {"local_checkpoints": False, "hf_repo": "me/x"}).model_dump(
        mode="json"
    ),
    "infinite": parse_config(CONFIG | {"lr_schedule": "infinite"}).model_dump(mode="json"),
    "cotrain": parse_config(
        {"run_type": "cotrain", "local_checkpoints": True, "variants": {"a": CUSTOM, "toy": {}}}
    ).model_dump(mode="json"),
}
ALIEN = {
    "future field": PLAIN | {"rotary_base": 500},
    "future run type": PLAIN | {"run_type": "selfplay"},
    "future variant": PLAIN | {"variant": "giant"},
    "little": {"run_type": "eval", "checkpoint": "x"},
    "future cotrain": RARE["cotrain"] | {"variants": {"a": {"variant": "giant"}, "b": 3}},
}
COMPARING = [
    ("lab_results", {}),
    ("lab_results", {"front": "parameters"}),
    ("lab_results", {"lineage": 2}),
    ("lab_compare", {}),
    ("lab_compare", {"at": "tokens"}),
    ("lab_diff", {"a": 1, "b": 2}),
    ("lab_diff", {"a": 2, "b": 1}),
    ("lab_plot", {}),
    ("lab_plot", {"band": True}),
]
CALLS = [
    *COMPARING,
    ("lab_status", {}),
    ("lab_status", {"trial_id": 2}),
    ("lab_events", {}),
    ("lab_audit", {}),
    ("lab_launch", {"config": CONFIG | {"seed": 7}, "dry_run": True}),
    ("lab_log", {"trial_id": 2}),
]


@pytest.mark.parametrize("config", [*RARE.values(), *ALIEN.values()], ids=[*RARE, *ALIEN])
def test_no_view_fails_for_one_trial(open_lab, config) -> None:
    lab = open_lab()
    add_ended_trial(lab, PLAIN)
    add_ended_trial(lab, config)
    for name, arguments in CALLS:
        answer = BY_NAME[name](lab, arguments).wire()
        assert answer, f"{name}({arguments})"


@pytest.mark.parametrize("config", ALIEN.values(), ids=ALIEN)
def test_a_view_names_the_trial_whose_config_is_of_another_version(open_lab, config) -> None:
    lab = open_lab()
    add_ended_trial(lab, PLAIN)
    add_ended_trial(lab, config)
    for name, arguments in COMPARING:
        assert "2: " in str(BY_NAME[name](lab, arguments).wire()), f"{name}({arguments})"


def test_a_field_or_a_run_type_of_another_version_sets_a_trial_apart(open_lab) -> None:
    lab = open_lab()
    for config in (PLAIN, ALIEN["future field"], ALIEN["future run type"]):
        add_ended_trial(lab, config)
    best = BY_NAME["lab_results"](lab, {}).wire()["best_trials"]
    assert best == {"baseline": 1, "rotary_base=500": 2, "run_type=selfplay": 3}
    groups = BY_NAME["lab_compare"](lab, {}).wire()["groups"]
    assert sorted(row[groups["columns"].index("trial_ids")] for row in groups["rows"]) == [
        [1],
        [2],
        [3],
    ]
