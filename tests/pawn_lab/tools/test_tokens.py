"""What every tool's typical answer costs an agent: it cannot grow unseen.

The table `token_counts.json` is rewritten by `PAWN_REWRITE_TOKEN_COUNTS=1 pytest` of this file; a
change of it is reviewed like code.
"""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from lab_testing import CONFIG, open_gate, trainer_greeting
from pydantic_core import to_json

from pawn_lab.lab import Lab, notebook, spending
from pawn_lab.server import INSTRUCTIONS
from pawn_lab.tools import AGENT_TOOLS, TOOLS, LabTool, tokens

TABLE = Path(__file__).with_name("token_counts.json")
REWRITE = "PAWN_REWRITE_TOKEN_COUNTS"
SLACK = 6
"""Tokens by which times, costs and losses of one answer differ between machines."""

MOST_BEFORE_THE_FIRST_LAUNCH = 5000
"""Tokens that every session pays before it has done anything."""
SKILL = Path(__file__).parents[3] / "skills" / "manage-pod" / "SKILL.md"

BY_NAME = {tool.name: tool for tool in TOOLS}
TYPICAL: dict[str, tuple[str, dict[str, Any]]] = {
    "status, all ended": ("lab_status", {}),
    "status of a trial": ("lab_status", {"trial_id": 4}),
    "events, all": ("lab_events", {}),
    "events, the last two": ("lab_events", {"since": 16}),
    "results": ("lab_results", {}),
    "compare": ("lab_compare", {"tag": "plain", "factor": "lr"}),
    "diff": ("lab_diff", {"a": 1, "b": 2}),
    "plot": ("lab_plot", {"tag": "plain"}),
    "log": ("lab_log", {"trial_id": 4, "lines": 10}),
    "log around a text": ("lab_log", {"trial_id": 4, "grep": "saved", "around": 1}),
    "notes, a section": ("lab_notes", {"section": "Phase 1"}),
    "notes, append": ("lab_notes", {"append": "The best is 1e-3.", "section": "Phase 2"}),
    "wait, over at once": ("lab_wait", {"trial_ids": [4]}),
    "audit": ("lab_audit", {}),
    "set_cost": ("lab_set_cost", {"cost_per_hour": 3.6}),
}


def recorded() -> dict[str, int]:
    return json.loads(TABLE.read_text())


def check(case: str, count: int) -> None:
    """Compare a count with the table, or put it there."""
    if os.environ.get(REWRITE):
        TABLE.write_text(json.dumps(recorded() | {case: count}, indent=2, sort_keys=True) + "\n")
    before = recorded()[case]
    assert abs(count - before) <= max(SLACK, before // 20), (
        f"{case}: {before} before, now {count}; where that is meant, {REWRITE}=1 records it"
    )


@pytest.mark.parametrize("case", TYPICAL)
def test_a_typical_answer_costs_what_the_table_says(study_copy, case):
    tool, arguments = TYPICAL[case]
    with Lab.open(study_copy) as lab:
        notebook.append(lab, "| trial | loss |\n|---|---|\n| 1 | 7.31 |\n" * 5, section="Phase 1")
        answer = BY_NAME[tool](lab, arguments)
    pictures = [struct.unpack(">II", picture[16:24]) for picture in answer.pictures()]
    check(case, tokens.count(answer.wire()) + sum(tokens.count_picture(*p) for p in pictures))


def test_answers_about_running_and_waiting_trials_cost_what_the_table_says(open_lab):
    lab = open_lab("gate")
    spending.set_cost(lab, 2.31)
    for number in range(4):
        config = CONFIG | {"seed": number}
        launched = BY_NAME["lab_launch"](lab, {"config": config, "tags": ["sweep", f"lr {number}"]})
    check("launch", tokens.count(launched.wire()))
    for trial_id in (1, 2):
        trainer_greeting(lab, trial_id)
        write_train_records(lab, trial_id)
    check("status, two running and two waiting", count(lab, "lab_status"))
    check("wait, in vain", count(lab, "lab_wait", timeout_s=0))
    check("kill", count(lab, "lab_kill", trial_id=4))
    for trial_id in (1, 2):
        open_gate(lab, trial_id)


def count(lab: Lab, tool: str, **arguments: Any) -> int:
    return tokens.count(BY_NAME[tool](lab, arguments).wire())


def write_train_records(lab: Lab, trial_id: int) -> None:
    """Write what a trainer reports, ten steps at ten seconds each."""
    fields = {"loss": 3.21456, "lr": 3e-4, "grad_norm": 0.51, "step_s": 10.0, "data_wait_s": 0.1}
    records = [
        {"type": "train", "seq": n, "step": n + 1, "time": 1_760_000_000.0 + 10 * n} | fields
        for n in range(10)
    ]
    metrics = lab.paths.trial(trial_id).metrics
    metrics.write_bytes(b"".join(to_json(record) + b"\n" for record in records))


def test_what_an_agent_reads_before_its_first_launch_stays_within_its_budget(study):
    """The tools as hosts list them, the instructions, the skill, and what a config may hold."""
    with Lab.open(study) as lab:
        fields = BY_NAME["lab_schema"](lab, {}).wire()
    spent = {
        "tools": tokens.count([listed(tool) for tool in AGENT_TOOLS]),
        "instructions": tokens.count_text(INSTRUCTIONS),
        "skill": tokens.count_text(SKILL.read_text()),
        "schema": tokens.count(fields),
    }
    assert sum(spent.values()) <= MOST_BEFORE_THE_FIRST_LAUNCH, spent


def listed(tool: LabTool) -> dict[str, Any]:
    """Return what hosts put before the agent; output schemas stay with the host."""
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    }


def test_the_table_has_no_entry_that_nothing_checks():
    checked = {*TYPICAL, "launch", "kill", "status, two running and two waiting", "wait, in vain"}
    assert set(recorded()) == checked


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("loss 3.214", 4),
        ('{"unchanged":true,"next_check_s":30}', 14),
        ("optimization", 2),
        ("a\n\nb", 3),
        ("Übergröße", 2),
    ],
)
def test_tokens_are_counted_as_stated(text, count):
    assert tokens.count_text(text) == count
