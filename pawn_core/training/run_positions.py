"""The positions of a run: which each step learns from, and which are held out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pawn_core.config import ConfigError, MultitaskConfig
from pawn_core.config.position_data import DOMAINS
from pawn_core.config.position_tasks import position_task
from pawn_core.data.shares import Share, games_evaluated_at_once
from pawn_core.positions import (
    Augmentation,
    Curriculum,
    MixturePlan,
    MixtureStage,
    PositionBatch,
    PositionLibrary,
    PositionStream,
    held_out_batches,
    mixture_stages,
    require_positions,
    sequential_stages,
)
from pawn_core.training.resume import next_batch
from pawn_core.training.setup import Setup

_SQUARES = 64
_HELD_OUT_SEED = 0
"""Of the squares that held-out positions hide: the same in every run."""


class RunPositions:
    """A folder of positions, and the plan of what is drawn from it."""

    def __init__(self, config: MultitaskConfig, setup: Setup) -> None:
        """Open the folder; a resumed run goes on with the plan that it has followed so far.

        Raises:
            ConfigError: there are no such positions, or a resumed run has learned from others.
        """
        assert config.data_seed is not None
        self._config = config
        folder, leads = Path(config.positions), setup.runtime.processes.leads
        self.library = PositionLibrary.open(folder, verify=leads)
        require_positions(self.library)
        planned = stages_of(config, set(self.library.train.rows_by_domain))
        self.stages = _gone_on_with(planned.stages, self.library, config, setup)
        rows_by_domain = self.library.train.rows_by_domain
        self.notices = [
            *self.library.notices,
            *planned.notices,
            *_unused(rows_by_domain.keys(), self.stages),
        ]
        self._threads = torch.get_num_threads()
        self._stream = PositionStream(
            self.library.train,
            MixturePlan(self.stages, rows_by_domain, config.data_seed),
            _augmentation(config),
            config.data_seed,
            Share.of(config, setup.runtime.processes),
            self._threads,
        )
        self._held_out = self.library.val.sample(config.val_positions)

    def step(self, index: int) -> list[PositionBatch]:
        """Return this process's micro-batches of a step, counted from 0; called from any thread."""
        return self._stream.step(index)

    def held_out(self) -> Iterator[PositionBatch]:
        """Yield the held-out positions, on the CPU."""
        return held_out_batches(
            self.library.val,
            self._held_out,
            games_evaluated_at_once(self._config),
            _hidden_squares(self._config),
            _HELD_OUT_SEED,
            self._threads,
        )

    def describe(self) -> dict[str, Any]:
        """Return how many positions there are of which domain, and when each is learned from."""
        train, val = self.library.train, self.library.val
        return {
            "positions": {name: len(rows) for name, rows in train.rows_by_domain.items()},
            "held_out": {name: len(rows) for name, rows in val.rows_by_domain.items()},
            "evaluated_on": len(self._held_out),
            "stages": [stage._asdict() for stage in self.stages],
        }

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, so that what is passed stays as it was."""
        stages = [[stage.first_sample, dict(stage.weights)] for stage in self.stages]
        return {"positions": self.library.digest, "stages": stages}


def stages_of(config: MultitaskConfig, available: set[str]) -> Curriculum:
    """Return what the config plans, its stages by their first steps.

    Raises:
        ConfigError: no domain that has positions has a weight.
    """
    if config.domain_order == "sequential":
        assert config.domain_weights is not None
        return sequential_stages(config.domain_weights, config.total_steps, 1, available)
    by_step = {stage.first_step: stage.weights for stage in config.stages}
    return mixture_stages(by_step, 1, available)


def spliced(
    passed: Sequence[MixtureStage], planned: Sequence[MixtureStage], sample: int
) -> list[MixtureStage]:
    """Return the stages that were passed before a sample, then those that are planned from it on.

    Of phases of one domain each, those before the one that is under way are not gone back to,
    however much longer the whole has become: that one goes on until the next is planned.
    """
    passed = [stage for stage in passed if stage.first_sample < sample]
    ends = [stage.first_sample for stage in planned[1:]] + [None]
    coming = [
        MixtureStage(max(stage.first_sample, sample), stage.weights)
        for stage, end in zip(planned, ends, strict=True)
        if end is None or end > sample
    ]
    if not passed:
        return coming
    here = passed[-1]
    if _place(here) is not None and all(_place(stage) is not None for stage in planned):
        coming = [stage for stage in coming if (_place(stage) or 0) > (_place(here) or 0)]
    elif coming[0].weights == here.weights:
        coming = coming[1:]
    return [*passed, *coming]


def _place(stage: MixtureStage) -> int | None:
    """Return where a phase of one domain stands in the order of phases; None of a mixture."""
    names = [name for name, weight in stage.weights.items() if weight]
    return DOMAINS.index(names[0]) if len(names) == 1 else None


def _gone_on_with(
    planned: Sequence[MixtureStage], library: PositionLibrary, config: MultitaskConfig, setup: Setup
) -> list[MixtureStage]:
    """Return the stages by their first samples: those passed before a checkpoint are kept.

    Raises:
        ConfigError: the checkpoint has learned from other positions.
    """
    size, checkpoint = config.batch_size, setup.checkpoint
    if checkpoint is None:
        return [MixtureStage(stage.first_sample * size, stage.weights) for stage in planned]
    data: Mapping[str, Any] = checkpoint.training_state["data"]
    if data["positions"] != library.digest:
        raise ConfigError(
            f"positions '{config.positions}' are not those that the checkpoint has learned from; a "
            "run goes on with the same folder, or another starts from its weights by checkpoint"
        )
    cursor = next_batch(checkpoint.training_state, size)
    behind = cursor - checkpoint.step
    coming = [
        MixtureStage((stage.first_sample + behind) * size, stage.weights) for stage in planned
    ]
    passed = [MixtureStage(first, weights) for first, weights in data["stages"]]
    return spliced(passed, coming, cursor * size)


def _unused(available: Collection[str], stages: Sequence[MixtureStage]) -> Iterator[str]:
    """Yield a word for each domain that there are positions of, and no stage learns from."""
    learned = {name for stage in stages for name, weight in stage.weights.items() if weight}
    for name in DOMAINS:
        if name in available and name not in learned:
            yield f"positions of {name} are not learned from: domain_weights gives it no weight"


def _augmentation(config: MultitaskConfig) -> Augmentation:
    hides = any(position_task(task).of_hidden for task in config.task_weights)
    return Augmentation(
        mirror=config.mirror,
        colour_flip=config.colour_flip,
        hidden_squares=_hidden_squares(config) if hides else 0,
        hidden_share=config.piece_mask_share,
    )


def _hidden_squares(config: MultitaskConfig) -> int:
    return round(config.piece_mask_ratio * _SQUARES)
