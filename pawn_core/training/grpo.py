"""Reinforcement of a language model by verified rewards: the `grpo` run type.

A step samples groups of completions, verifies them, and moves the policy towards those that are
better than the others of their group, held to the weights it started from.
"""

import math
import time
from dataclasses import replace
from typing import Any

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import GrpoConfig
from pawn_core.data.stream import Stream
from pawn_core.signals import Interrupted
from pawn_core.tasks import TaskPrompt
from pawn_core.training.learning import Learning
from pawn_core.training.outcome import Stop
from pawn_core.training.policy_task import PolicyTask
from pawn_core.training.rollouts import Place, Rollouts
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import NonFiniteLossError

_MOST_REFUSED = 10
"""Updates in a row that are not finite, before the run gives up."""


class Reinforcing(Learning):
    """A policy that learns from what its completions are worth."""

    model_task = PolicyTask

    def __init__(self, setup: Setup) -> None:
        """Load the policy; nothing is compiled: completions have any length."""
        super().__init__(replace(setup, runtime=replace(setup.runtime, compiled=False)))
        self._begun = False

    @property
    def config(self) -> GrpoConfig:
        """What the run was told."""
        assert isinstance(self._config, GrpoConfig)
        return self._config

    @property
    def task(self) -> PolicyTask:
        """The only model's."""
        [learner] = self.learners
        assert isinstance(learner.task, PolicyTask)
        return learner.task

    def stream_from(self, cursor: int) -> Stream[Any]:
        """Return the prompts of the steps from a cursor on, prepared ahead."""
        sampler = self.task.sampler
        return Stream(lambda i: sampler.prompts(Place(i)), cursor, self._config.num_workers)

    def advance(self, run: Run) -> None:
        """Do one step: sample, verify, compare, learn.

        Raises:
            Interrupted: the run was asked to stop before it has learned; the step is done anew.
        """
        [learner], task = self.learners, self.task
        run.phases.begin("first step")
        begin = time.perf_counter()
        prompts = next(self.stream)
        waited = time.perf_counter() - begin
        try:
            rollouts = self._sampled(prompts, run)
        except Interrupted:
            self.stream.cursor -= 1
            raise
        updates = task.arrange(rollouts, learner.step + 1)
        with task.clock.phase("update"):
            learner.learn(task.passes(updates), waited)
        if self._greedy_is_due(learner.step):
            after = task.greedy_reward(prompts, check=lambda: None)  # the step is not to be undone
            rollouts.means.add("greedy/reward_after", *after)
        learner.stats.count(0, 0, task.sampling_flops(rollouts.all_groups))
        task.end_step(learner.step, rollouts.means)
        self._begun = True
        run.phases.begin("first steps")

    def _sampled(self, prompts: list[TaskPrompt], run: Run) -> Rollouts:
        [learner], task = self.learners, self.task
        due = self._greedy_is_due(learner.step + 1)
        before = task.greedy_reward(prompts, run.stop.check) if due else None
        rollouts = task.sampler.collect(prompts, self.stream.cursor - 1)
        if before is not None:
            rollouts.means.add("greedy/reward_before", *before)
        return rollouts

    def log(self, run: Run) -> None:
        """Write a train record every log_interval steps, and events of the KL at any."""
        [learner], task = self.learners, self.task
        self._watch(run)
        if run.step % self._config.log_interval == 0:
            fields = learner.stats.take()
            measured, lr = task.means.take(), learner.lr_of(learner.step)
            del fields["games_per_s"]
            sampled, step_s = measured["tokens_per_step"] or 0.0, fields["step_s"] or math.inf
            fields["tokens_per_s"] = sampled / step_s
            run.record("train", {"lr": lr, **fields, **measured, **task.clock.take()})
        self.check()

    def evaluate_start(self, run: Run) -> None:
        """Evaluate the reference: what is learned counts from there."""
        if run.leads:
            self.evaluate_active(run)

    def check(self) -> None:
        """Raise NonFiniteLossError after too many updates in a row that were not finite."""
        if self.task.refused >= _MOST_REFUSED:
            raise NonFiniteLossError(self.learners[0].step)

    def stop(self, run: Run) -> Stop | None:
        """Stop where the policy is too far from the reference; it can be gone on from there."""
        if self._begun and "kl_stop" in self.task.past:
            limit = self.config.kl_stop
            return Stop(
                "diverged", f"KL to the reference {self.task.kl:.4g} is past kl_stop {limit:g}"
            )
        return super().stop(run)

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the state as of this step, what reinforcement has learned of itself included."""
        checkpoint = super().checkpoint(run)
        checkpoint.training_state["reinforcement"] = self.task.state_dict()
        return checkpoint

    def close(self) -> None:
        """Stop preparing prompts, and what verifies them."""
        super().close()
        self.task.close()

    def _watch(self, run: Run) -> None:
        """Say that the KL is past a limit: once, until it is below again."""
        task, limits = self.task, {"kl_warn": self.config.kl_warn, "kl_stop": self.config.kl_stop}
        kl = -math.inf if task.kl is None else task.kl
        past = [name for name, limit in limits.items() if limit is not None and kl > limit]
        for name in (name for name in past if name not in task.past):
            message = f"KL to the reference {kl:.4g} is past {name} {limits[name]:g}"
            run.event(name, message, kl=kl)
        task.past = past

    def _greedy_is_due(self, step: int) -> bool:
        every = self.config.greedy_every
        return every is not None and (step - 1) % every == 0
