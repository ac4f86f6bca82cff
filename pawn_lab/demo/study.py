"""An ablation study as an agent runs it: explorations, winners, evaluations, one report.

This module is the documentation of how an agent uses the lab. Everything happens through the tools
of `pawn-lab mcp`, over stdio, with the official MCP client; an agent makes the same calls. At the
end it says how many tokens the answers had; the live view, for a person, has its own connection.

    pawn-lab demo                about four minutes on two cores
    pawn-lab demo --steps 80     shorter (optimizer steps of the winners; default 480)
"""

import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from pawn_lab.demo.client import LabClient, TrialFailedError, fresh_workspace
from pawn_lab.demo.games import BASELINE
from pawn_lab.demo.report import markdown_table, write_report
from pawn_lab.demo.view import LiveView, Work
from pawn_lab.errors import InvalidRequestError

FEWEST_STEPS = 4
"""A pause at a quarter of the steps, and something left to resume."""
LEARNING_RATES = (3e-4, 1e-3, 3e-3)
DOLLARS_PER_HOUR = 0.10
WAIT_S = 45
"""As long as a call may take: below the client's timeout."""

ABLATIONS: dict[str, tuple[dict[str, Any], str]] = {
    BASELINE: ({}, "What the others are compared with."),
    "mate-boost": (
        {"mate_boost": 1.0},
        "Taking every mate in one makes shorter, more decisive games.",
    ),
    "no-outcome-token": (
        {"no_outcome_token": True},
        "Without the outcome in front, the result must be inferred from the moves.",
    ),
    "discard-ply-limit": (
        {"discard_ply_limit": True},
        "Only games that end by the rules: every outcome token means something.",
    ),
}
QUESTION = "What does each ablation change, beside the difficulty of its own games?"


@dataclass(frozen=True)
class Length:
    """How long the winners train, in optimizer steps, and what follows from it."""

    total: int

    @property
    def pause(self) -> int:
        """Steps after which an exploration pauses."""
        return self.total // 4

    @property
    def work(self) -> Work:
        """The steps of the whole study."""
        arms = len(ABLATIONS)
        return Work(arms * len(LEARNING_RATES), winners=arms, pause=self.pause, total=self.total)

    @property
    def base(self) -> dict[str, Any]:
        """The config of an exploration, but for its ablation and learning rate."""
        return {
            "run_type": "pretrain",
            "variant": "toy",
            "vocabulary": "coordinate",  # sequences begin with an outcome, for an arm to lack
            "max_seq_len": 128,
            "batch_size": 32,
            "total_steps": self.total,
            "pause_after_steps": self.pause,
            "eval_interval": max(1, self.total // 16),
            "log_interval": max(1, self.total // 80),
            "val_games": max(8, min(128, self.total // 3)),
            "device": "cpu",
            "no_compile": True,
            "local_checkpoints": True,
            "num_workers": 1,
        }

    @property
    def evaluation(self) -> dict[str, Any]:
        """The config of an evaluation, but for the weights."""
        return {
            "run_type": "eval",
            "evals": ["legality", "yardstick", "probes"],  # a yardstick is the same for all
            "games": max(8, self.total // 4),
            "probe_train_games": max(8, self.total // 4),
            "probe_epochs": 4,
            "yardstick_plies": self.base["max_seq_len"] - 1,
            "device": "cpu",
        }


async def study(workspace: Path, view: LiveView, length: Length) -> None:
    """Run the whole procedure in a fresh workspace."""
    async with LabClient(workspace) as first:
        await orient(first, view)
        await explore(first, length)
        cursor = await wait(first, 0, ended=2)
        view.say("kill -9 of the server: trials belong to the machine and go on without it")
        first.kill_server()

    async with LabClient(workspace) as lab:  # another server, on the same workspace
        cursor = await wait(lab, cursor)
        exploration = await lab.call("lab_results")
        await note(lab, f"Phase 1: learning rates at step {length.pause}", exploration)
        winners = await resume(lab, exploration["best_trials"].values())
        cursor = await wait(lab, cursor)
        final = await lab.call("lab_results", trial_ids=winners)
        await note(lab, f"Phase 2: winners at step {length.total}", final)
        await evaluate(lab, winners, length)
        await wait(lab, cursor)
        report = await lab.call("lab_report", trial_ids=winners, question=QUESTION)
        status = await lab.call("lab_status")
        await view.refresh(lab)
    write_report(workspace, exploration, final, status, view.console)
    view.console.print(f"{workspace / report['html']}", highlight=False)
    read = first.tokens_read + lab.tokens_read
    view.console.print(f"The agent read {read:,} tokens of answers.", highlight=False)


async def orient(lab: LabClient, view: LiveView) -> None:
    """Look at what a config may hold and set the price of an hour."""
    schema = await lab.call("lab_schema", run_type="pretrain")
    view.say(f"lab_schema: {len(schema['fields'])} fields that a pretraining config usually sets")
    await lab.call("lab_set_cost", cost_per_hour=DOLLARS_PER_HOUR)


async def explore(lab: LabClient, length: Length) -> None:
    """Queue every ablation with every learning rate; the lab runs them as devices come free."""
    for ablation, (flags, hypothesis) in ABLATIONS.items():
        for lr in LEARNING_RATES:
            await lab.call(
                "lab_launch",
                config=length.base | flags | {"lr": lr},
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


async def evaluate(lab: LabClient, winners: Iterable[int], length: Length) -> None:
    """Queue the same evaluations of every winner."""
    for trial_id in winners:
        config = length.evaluation | {"weights": f"trial:{trial_id}"}
        await lab.call("lab_launch", config=config, tags=["evaluation"])


async def note(lab: LabClient, title: str, results: dict[str, Any]) -> None:
    """Write down what was found and chosen, for whoever comes next."""
    best = results["best_trials"].items()
    chosen = ", ".join(f"trial {trial_id} ({ablation})" for ablation, trial_id in best)
    text = f"{markdown_table(results)}\n\nBest of each ablation: {chosen}."
    await lab.call("lab_notes", section=title, append=text)


async def watched(workspace: Path, view: LiveView, length: Length) -> bool:
    """Run the study beside its live view; return whether it came to its end."""
    finished = False
    async with anyio.create_task_group() as group:
        group.start_soon(end_on_interrupt, group.cancel_scope)
        await group.start(view.follow, workspace)
        await study(workspace, view, length)
        finished = True
        group.cancel_scope.cancel()
    return finished


async def end_on_interrupt(scope: anyio.CancelScope) -> None:
    """End the demo at Ctrl-C; a connection in the middle of a call could hide it."""
    with anyio.open_signal_receiver(signal.SIGINT) as interrupts:
        async for _ in interrupts:
            scope.cancel()
            return


def run(runs: Path, steps: int) -> None:
    """Run the demo in a folder; an interrupt ends it, not its trials.

    Raises:
        InvalidRequestError: so many steps make no study.
    """
    if steps < FEWEST_STEPS:
        raise InvalidRequestError(f"steps {steps} is not allowed: at least {FEWEST_STEPS}")
    length = Length(steps)
    workspace = fresh_workspace(runs)
    with LiveView(length.work) as view:
        finished = anyio.run(watched, workspace, view, length)
    if not finished:
        command = Path(sys.executable).with_name("pawn-lab")
        sys.exit(
            "Interrupted. The trials belong to the machine: those that run or wait go on.\n"
            f"See them:  {command} status --workspace {workspace}\n"
            f"End them:  {command} kill --all --workspace {workspace}"
        )
