"""Pretraining on random games: the `pretrain` run type."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import PretrainConfig
from pawn_core.data.batching import Shape, build_batching
from pawn_core.data.distribution import legal_sets
from pawn_core.data.games import training_games, vocabulary_of
from pawn_core.data.sequences import Batch
from pawn_core.flops import training_flops
from pawn_core.model import Transformer, parameter_count
from pawn_core.model.recompute import recompute_layers
from pawn_core.training.learning import Learning
from pawn_core.training.objective import build_objective
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask
from pawn_core.validation.validation_set import ValidationSet

_MOST_EVAL_GAMES = 64  # an evaluation keeps a whole batch's logits: 64 x 512 x 1,980


class PretrainTask(ModelTask):
    """Predict the next move of games played at random by the engine."""

    def __init__(self, config: PretrainConfig, setup: Setup) -> None:
        assert config.max_seq_len is not None
        runtime = setup.runtime
        vocabulary = vocabulary_of(config)
        self._config, self._runtime = config, runtime
        self._vocabulary_size = vocabulary.size
        micro_batch = config.batch_size // config.accumulation_steps
        self._offset = runtime.processes.rank * (config.batch_size // runtime.processes.size)
        self._micro_batch = micro_batch // runtime.processes.size
        self._games = training_games(config, torch.get_num_threads())
        shape = Shape(config.max_seq_len, vocabulary.pad, self._lengths)
        self._batching = build_batching(config, runtime, shape)
        eval_games = min(micro_batch, _MOST_EVAL_GAMES)
        # A compiled function wants one width; an uncompiled one is faster without the padding.
        eval_width = config.max_seq_len if runtime.compiled else None
        self._validation = ValidationSet.of(config, eval_games, eval_width, setup.stop)
        self.model = Transformer(config.architecture, vocabulary, config.max_seq_len)
        self.model.initialize(torch.Generator().manual_seed(config.seed))
        self.model.to(runtime.device)
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        fixed_shapes = self._batching.fixed_shapes
        self._objective = build_objective(self.model, runtime, fixed_shapes=fixed_shapes)
        self._logits_at = runtime.compile(self.model.forward_at)

    def make_batch(self, index: int) -> list[Batch]:
        """Return this process's share of games `index * batch_size ..` as micro-batches."""
        first, size = index * self._config.batch_size + self._offset, self._micro_batch
        steps = range(self._config.accumulation_steps)
        batches = [self._lay_out(first + i * size, size) for i in steps]
        return [part for batch in batches for part in self._batching.arrange(batch)]

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the summed cross-entropy against the batch's targets, in nats."""
        return {"loss": self._objective(batch)}

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward and backward pass, padding excluded."""
        tokens, pairs = len(batch.positions_n), batch.attended_pairs
        return training_flops(self._config.architecture, self._vocabulary_size, tokens, pairs)

    def evaluate(self) -> dict[str, Any]:
        """Evaluate on the validation games."""
        return self._validation.evaluate(self._logits_at, self._runtime)

    def describe(self) -> dict[str, Any]:
        """Return the parameter count."""
        return {"parameters": parameter_count(self.model)}

    def _lengths(self, index: int) -> NDArray[np.int64]:
        """Return the supervised tokens of each game of the index-th micro-batch of the stream."""
        games = self._games.sequences(index * self._micro_batch, self._micro_batch)
        return games.loss_mask.sum(axis=1)

    def _lay_out(self, first: int, count: int) -> Batch:
        exact = self._config.targets == "legal"
        width = self._batching.width
        sequences = self._games.sequences(first, count, width=width, legal_moves=exact)
        batch = Batch.of(sequences)
        return replace(batch, exact=legal_sets(sequences).targets()) if exact else batch


class Pretraining(Learning):
    """Models that learn from random games."""

    model_task = PretrainTask
