"""The whole lab against a model: any history of calls, ends, crashes, kills and restarts."""

import itertools
import signal
from collections.abc import Callable
from pathlib import Path

import front_end
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lab_testing import (
    CONFIG,
    eventually,
    identity_of,
    open_gate,
    shim_of,
    stand_in,
    trainer_greeting,
)
from model import ENDS, Model
from soundness import assert_recorded_end, assert_sound

from pawn_lab import failpoints
from pawn_lab.errors import (
    BudgetExceededError,
    IdempotencyConflictError,
    InvalidConfigError,
    NoCheckpointError,
    TrialStateError,
)
from pawn_lab.lab import Lab, killing, launching, notebook, queries, resuming, spending
from pawn_lab.records import Event, Trial
from pawn_lab.shim import identity
from pawn_lab.shim.identity import ProcessIdentity
from pawn_lab.states import ENDED, State

SLOTS = 2
KEYS = st.sampled_from(["alpha", "beta", "gamma"])
TRIALS = st.integers(0, 10_000)
PRIORITIES = st.integers(-1, 1)
PAUSES = st.sampled_from([None, 100, 500])
LAUNCH_FAILPOINTS = [
    point
    for point in failpoints.FRONT_END
    if point.startswith(("new-queued", "queued-launching", "launching-running", "start."))
]


class LabMachine(RuleBasedStateMachine):
    """One workspace and its model; what a server is told, a restarted one must still know."""

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self.workspace = workspace
        self.model = Model(SLOTS)
        self.lab = self.open()
        self.seen: list[Event] = []
        self.costs: dict[int, tuple[float, bool]] = {}

    def open(self) -> Lab:
        """Open the workspace as a server would."""
        return Lab.open(self.workspace, trainer=stand_in("gate"))

    @initialize()
    def launch_one(self) -> None:
        self.launch_keyed("alpha", None)

    @rule(seeds=st.integers(1, 3), priority=PRIORITIES, pause=PAUSES)
    def launch(self, seeds: int, priority: int, pause: int | None) -> None:
        config = CONFIG | {"pause_after_steps": pause}
        made = self.within_budget(
            lambda: launching.launch_group(self.lab, config, seeds=seeds, priority=priority).trials
        )
        self.model.add((trial.id for trial in made), priority=priority, pause_after=pause)

    @rule(key=KEYS, seeds=st.none() | st.integers(1, 3))
    def launch_keyed(self, key: str, seeds: int | None) -> None:
        def call() -> list[Trial]:
            return launching.launch_group(
                self.lab, CONFIG, seeds=seeds or 1, idempotency_key=key
            ).trials

        known = self.model.keys.get(key)
        if known is None:
            made = self.within_budget(call)
            self.model.add((t.id for t in made), key if made else None)
        elif len(known) == (seeds or 1):
            assert [trial.id for trial in call()] == known
        else:
            with pytest.raises(IdempotencyConflictError):
                call()

    @rule(number=TRIALS, pause=PAUSES, by_step=st.booleans())
    def resume(self, number: int, pause: int | None, by_step: bool) -> None:
        parent_id = self.chosen(number)
        parent = self.model.trials[parent_id]
        which = parent.saved if by_step and parent.saved is not None else "latest"

        def call() -> list[Trial]:
            return [resuming.resume(self.lab, parent_id, checkpoint=which, pause_after_steps=pause)]

        if (refusal := self.refusal_to_resume(parent_id, pause)) is not None:
            with pytest.raises(refusal):
                call()
            return
        made = self.within_budget(call)
        lineage = {"parent": parent_id, "from_step": parent.saved}
        assert all((t.parent, t.from_step) == tuple(lineage.values()) for t in made)
        self.model.add((t.id for t in made), pause_after=pause, **lineage)

    def refusal_to_resume(self, parent_id: int, pause: int | None) -> type[Exception] | None:
        """Return how the lab must refuse to resume a trial; None where it must not."""
        saved = self.model.trials[parent_id].saved
        if not self.model.has_ended(parent_id):
            return TrialStateError
        if saved is None:
            return NoCheckpointError
        return InvalidConfigError if saved >= (pause or CONFIG["total_steps"]) else None

    @rule(number=TRIALS, behaviour=st.sampled_from(["study", *ENDS]))
    def end(self, number: int, behaviour: str) -> None:
        if running := self.model.running():
            trial_id = running[number % len(running)]
            open_gate(self.lab, trial_id, behaviour)
            self.model.trials[trial_id].end(behaviour)

    @rule(number=TRIALS)
    def kill(self, number: int) -> None:
        trial_id = self.chosen(number)
        if self.model.has_ended(trial_id):
            with pytest.raises(TrialStateError):
                killing.kill(self.lab, trial_id)
        else:
            killing.kill(self.lab, trial_id)
            self.model.trials[trial_id].state = State.KILLED

    @rule(number=TRIALS, victim=st.sampled_from(["shim", "trainer"]))
    def kill_process(self, number: int, victim: str) -> None:
        if not (running := self.model.running()):
            return
        trial_id = running[number % len(running)]
        assert identity.send_signal(self.process_of(trial_id, victim), signal.SIGKILL)
        ends = {"shim": State.LOST, "trainer": State.FAILED}
        self.model.trials[trial_id].state = ends[victim]

    def process_of(self, trial_id: int, victim: str) -> ProcessIdentity:
        """Return who a running trial's shim or trainer is."""
        shim = shim_of(self.lab, trial_id)
        if victim == "shim":
            return shim
        pid = trainer_greeting(self.lab, trial_id)["pid"]
        return identity_of(pid, shim.token)

    @rule(rate=st.sampled_from([0.0, 3600.0]), budget=st.sampled_from([None, "none", 1e6, 0.0]))
    def set_cost(self, rate: float, budget: float | None) -> None:
        spending.set_cost(self.lab, rate, budget)
        self.model.rate = rate
        if budget is not None:
            self.model.budget = None if budget == "none" else budget

    @rule()
    def write_note(self) -> None:
        text = f"note {len(self.model.notes)}."
        notebook.append(self.lab, text)
        self.model.notes.append(text)

    @rule(limit=st.integers(1, 5))
    def read_events(self, limit: int) -> None:
        page = queries.events(self.lab, self.seen[-1].seq if self.seen else 0, limit)
        self.seen += page.events
        assert page.cursor == (self.seen[-1].seq if self.seen else 0)

    @rule()
    def restart_server(self) -> None:
        self.lab.close()
        self.lab = self.open()

    @precondition(lambda self: not self.model.spent)
    @rule(failpoint=st.sampled_from(LAUNCH_FAILPOINTS))
    def server_dies_in_launch(self, failpoint: str) -> None:
        self.lab.close()
        key = f"dying-{len(self.model.keys)}"
        code = front_end.run(
            self.workspace, [("launch", key)], behaviour="gate", failpoint=failpoint
        )
        assert code in (0, -signal.SIGKILL)
        self.lab = self.open()
        before = [trial.id for trial in queries.trials(self.lab)]
        promised = key in front_end.acknowledged(self.workspace)
        assert not promised or len(before) == len(self.model.trials) + 1, "a launch is gone"
        made = launching.launch(
            self.lab, CONFIG, idempotency_key=key
        )  # as a caller without an answer does
        self.model.add([made.id], key)

    @invariant()
    def is_sound(self) -> None:
        self.lab_and_model_agree()
        self.no_event_is_lost()
        self.no_note_is_lost()
        self.costs_grow_until_the_end_and_then_stay()

    def lab_and_model_agree(self) -> None:
        self.model.schedule()
        eventually(lambda: self.states() == self.model.states(), f"states {self.model.states()}")
        assert_sound(self.lab)
        for trial in queries.trials(self.lab, ENDED):
            assert_recorded_end(self.lab, trial)

    def no_event_is_lost(self) -> None:
        assert [event.seq for event in self.seen] == list(range(1, len(self.seen) + 1))

    def no_note_is_lost(self) -> None:
        if self.model.notes:
            written = notebook.read(self.lab)
            assert all(note in written for note in self.model.notes)

    def costs_grow_until_the_end_and_then_stay(self) -> None:
        costs = spending.cost(self.lab).by_trial
        for trial_id, (cost, had_ended) in self.costs.items():
            if had_ended:
                assert costs[trial_id] == cost
            elif not self.model.has_ended(trial_id):
                assert costs[trial_id] >= cost
        assert all(cost >= 0 for cost in costs.values())
        self.costs = {i: (cost, self.model.has_ended(i)) for i, cost in costs.items()}

    def states(self) -> dict[int, State]:
        """Return the state of each of the lab's trials."""
        return {trial.id: trial.state for trial in queries.trials(self.lab)}

    def chosen(self, number: int) -> int:
        """Return one of the trials there are."""
        return number % len(self.model.trials) + 1

    def within_budget(self, call: Callable[[], list[Trial]]) -> list[Trial]:
        """Return the trials that a call makes: none where the budget is spent and it says so."""
        before = len(self.model.trials)
        try:
            return call()
        except BudgetExceededError:
            assert self.model.spent
            assert len(queries.trials(self.lab)) == before
            return []

    def teardown(self) -> None:
        """Let all trials end, and read every event there is."""
        for trial_id, state in self.model.states().items():
            if state is State.QUEUED:
                self.kill(trial_id - 1)
        for trial_id in self.model.running():
            open_gate(self.lab, trial_id)
            self.model.trials[trial_id].end("complete")
        self.lab_and_model_agree()
        while queries.latest_event(self.lab) > len(self.seen):
            self.read_events(5)
        self.no_event_is_lost()
        assert self.seen == queries.events(self.lab, limit=1000).events
        self.lab.close()


def explore(workspace: Path, examples: int, steps: int, *, derandomize: bool) -> None:
    """Run histories of the lab, each in a workspace of its own."""
    roots = (workspace / str(number) / "runs" for number in itertools.count())
    run_state_machine_as_test(
        lambda: LabMachine(next(roots)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            print_blob=True,
            phases=[Phase.generate],  # each history takes seconds: shrinking one takes too long
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_history_of_calls_and_crashes_leaves_the_lab_as_the_model_says(workspace):
    explore(workspace, examples=6, steps=20, derandomize=True)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_long_histories_leave_the_lab_as_the_model_says(workspace):
    explore(workspace, examples=100, steps=40, derandomize=False)
