"""An ablation study as an agent runs it: nine explorations, three winners, one report.

This script is the documentation of how an agent uses the lab. Everything happens through the tools
of `pawn-lab mcp`, over stdio, with the official MCP client; an agent makes the same calls. At the
end it says how many tokens the answers had; the live view, for a person, has its own connection.

    make demo                    about five minutes on two cores
    DEMO_STEPS=80 make demo      shorter (optimizer steps of the winners; default 480)
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
from demo_client import LabClient, TrialFailedError, fresh_workspace, steps_wanted
from demo_report import markdown_table, write_report
from demo_view import LiveView

TOTAL_STEPS = steps_wanted(default=480)
PAUSE_STEPS = TOTAL_STEPS // 4
LEARNING_RATES = (3e-4, 1e-3, 3e-3)
DOLLARS_PER_HOUR = 0.10
WAIT_S = 45
"""As long as a call may take: below the client's timeout."""

BASE: dict[str, Any] = {
    "run_type": "pretrain",
    "variant": "toy",
    "max_seq_len": 128,
    "batch_size": 32,
    "total_steps": TOTAL_STEPS,
    "pause_after_steps": PAUSE_STEPS,
    "eval_interval": max(1, TOTAL_STEPS // 16),
    "log_interval": max(1, TOTAL_STEPS // 80),
    "val_games": 128,
    "device": "cpu",
    "no_compile": True,
    "local_checkpoints": True,
    "num_workers": 1,
}
ABLATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "mate-boost": (
        {"prepend_outcome": True, "mate_boost": 1.0},
        "Taking every mate in one makes shorter, more decisive games.",
    ),
    "no-outcome": (
        {"no_outcome_token": True},
        "Without the outcome in front, the result must be inferred from the moves.",
    ),
    "discard-ply-limit": (
        {"prepend_outcome": True, "discard_ply_limit": True},
        "Only games that end by the rules: every outcome token means something.",
    ),
}


async def study(workspace: Path, view: LiveView) -> None:
    """Run the whole procedure in a fresh workspace."""
    async with LabClient(workspace) as first:
        await orient(first, view)
        await explore(first)
        cursor = await wait(first, 0, ended=2)
        view.say("kill -9 of the server: trials belong to the machine and go on without it")
        first.kill_server()

    async with LabClient(workspace) as lab:  # another server, on the same workspace
        cursor = await wait(lab, cursor)
        exploration = await lab.call("lab_results")
        await note(lab, f"Phase 1: learning rates at step {PAUSE_STEPS}", exploration)
        winners = await resume(lab, exploration["best_trials"].values())
        await wait(lab, cursor)
        final = await lab.call("lab_results", trial_ids=winners)
        await note(lab, f"Phase 2: winners at step {TOTAL_STEPS}", final)
        status = await lab.call("lab_status")
        await view.refresh(lab)
    write_report(workspace, exploration, final, status, view.console)
    read = first.tokens_read + lab.tokens_read
    view.console.print(f"The agent read {read:,} tokens of answers.", highlight=False)


async def orient(lab: LabClient, view: LiveView) -> None:
    """Look at what a config may hold and set the price of an hour."""
    schema = await lab.call("lab_schema", run_type="pretrain")
    view.say(f"lab_schema: {len(schema['fields'])} fields of a pretraining config")
    await lab.call("lab_set_cost", cost_per_hour=DOLLARS_PER_HOUR)


async def explore(lab: LabClient) -> None:
    """Queue every ablation with every learning rate; the lab runs them as devices come free."""
    for ablation, (flags, hypothesis) in ABLATIONS.items():
        for lr in LEARNING_RATES:
            await lab.call(
                "lab_launch",
                config=BASE | flags | {"lr": lr},
                tags=[ablation],
                hypothesis=hypothesis,
                idempotency_key=f"{ablation}/{lr}",
            )


async def wait(lab: LabClient, cursor: int, ended: int | None = None) -> int:
    """Wait until so many trials have ended, or all; return the cursor from which to go on."""
    count = 0
    while ended is None or count < ended:
        answer = await lab.call("lab_wait", until="ended", since=cursor, timeout_s=WAIT_S)
        cursor = answer["cursor"]
        events = answer.get("events", [])
        count += len(events)
        await check(lab, events)
        if answer["over"] == "idle":
            break
    return cursor


async def check(lab: LabClient, events: list[dict[str, Any]]) -> None:
    """Stop the study at a trial that went wrong, with the end of its log."""
    for event in events:
        if event["kind"] in ("failed", "lost"):
            log = await lab.call("lab_log", trial_id=event["trial_id"], lines=20)
            raise TrialFailedError(f"trial {event['trial_id']}: {event['message']}\n{log['text']}")


async def resume(lab: LabClient, best: Iterable[int]) -> list[int]:
    """Let the best trial of each ablation go on to its last step; return the continuations."""
    answers = [
        await lab.call("lab_resume", trial_id=trial_id, idempotency_key=f"resume/{trial_id}")
        for trial_id in best
    ]
    return [answer["trial_id"] for answer in answers]


async def note(lab: LabClient, title: str, results: dict[str, Any]) -> None:
    """Write down what was found and chosen, for whoever comes next."""
    best = results["best_trials"].items()
    chosen = ", ".join(f"trial {trial_id} ({ablation})" for ablation, trial_id in best)
    text = f"{markdown_table(results)}\n\nBest of each ablation: {chosen}."
    await lab.call("lab_notes", section=title, append=text)


async def watched(workspace: Path, view: LiveView) -> None:
    """Run the study beside its live view."""
    async with anyio.create_task_group() as group:
        await group.start(view.follow, workspace)
        await study(workspace, view)
        group.cancel_scope.cancel()


if __name__ == "__main__":
    with LiveView() as view:
        anyio.run(watched, fresh_workspace(Path("runs")), view)
