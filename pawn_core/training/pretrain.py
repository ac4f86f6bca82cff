"""Pretraining on random games: the `pretrain` run type."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pawn_core.config import PretrainConfig
from pawn_core.data.batching import Shape, build_batching
from pawn_core.data.distribution import legal_sets
from pawn_core.data.fixed_shapes import with_fixed_shapes
from pawn_core.data.games import training_games, vocabulary_of
from pawn_core.data.sequences import Batch
from pawn_core.data.shares import Share, games_evaluated_at_once
from pawn_core.flops import training_flops
from pawn_core.model import Transformer, parameter_count
from pawn_core.model.loss import chunks_of
from pawn_core.model.recompute import recompute_layers
from pawn_core.training.learning import Learning
from pawn_core.training.objective import build_logits_at, build_objective
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask
from pawn_core.validation.validation_set import ValidationSet


class PretrainTask(ModelTask[Batch]):
    """Predict the next move of games played at random by the engine."""

    def __init__(self, config: PretrainConfig, setup: Setup) -> None:
        assert config.max_seq_len is not None
        runtime = setup.runtime
        vocabulary = vocabulary_of(config)
        self._config, self._runtime = config, runtime
        self._vocabulary_size = vocabulary.size
        self._spare_token = min(vocabulary.outcomes.values())
        self._share = Share.of(config, runtime.processes)
        self._games = training_games(config, torch.get_num_threads())
        shape = Shape(config.max_seq_len, vocabulary.pad, self._lengths)
        self._batching = build_batching(config, runtime, shape)
        # A compiled function wants one width; an uncompiled one is faster without the padding.
        eval_width = config.max_seq_len if runtime.compiled else None
        self._validation = ValidationSet.of(
            config, games_evaluated_at_once(config), eval_width, setup.stop
        )
        self.model = Transformer(config.architecture, vocabulary, config.max_seq_len)
        self.model.initialize(torch.Generator().manual_seed(config.seed))
        self.model.to(runtime.device)
        self.model.residual_in_amp = config.residual_dtype == "amp"
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        fixed_shapes = self._batching.fixed_shapes
        self.has_fixed_steps = runtime.graphs and fixed_shapes
        self._objective = build_objective(self.model, runtime, fixed_shapes=fixed_shapes)
        self._logits_at = build_logits_at(self.model, runtime)

    def make_batch(self, index: int) -> list[Batch]:
        """Return this process's share of games `index * batch_size ..` as micro-batches."""
        batches = (self._lay_out(first, self._share.size) for first in self._share.firsts(index))
        parts = [part for batch in batches for part in self._batching.arrange(batch)]
        return [self._with_fixed_shapes(part) for part in parts] if self.has_fixed_steps else parts

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the summed cross-entropy against the batch's targets, in nats."""
        return {"loss": self._objective(batch)}

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward and backward pass, padding excluded."""
        tokens, pairs = batch.units, batch.attended_pairs
        return training_flops(self._config.architecture, self._vocabulary_size, tokens, pairs)

    def evaluate(self) -> dict[str, Any]:
        """Evaluate on the validation games."""
        return self._validation.evaluate(self._logits_at, self._runtime)

    def describe(self) -> dict[str, Any]:
        """Return the parameter count."""
        return {"parameters": parameter_count(self.model)}

    def products(self) -> list[nn.Linear]:
        """Return the layers' matrices; the head's gradient is summed in float32."""
        modules = self.model.blocks.modules()
        return [module for module in modules if isinstance(module, nn.Linear)]

    def _lengths(self, index: int) -> NDArray[np.int64]:
        """Return the supervised tokens of each game of the index-th micro-batch of the stream."""
        games = self._games.sequences(index * self._share.size, self._share.size)
        return games.loss_mask.sum(axis=1)

    def _with_fixed_shapes(self, batch: Batch) -> Batch:
        chunks = chunks_of(batch.tokens_bt.numel(), self._runtime.device.type)
        return with_fixed_shapes(batch, chunks, self._spare_token)

    def _lay_out(self, first: int, count: int) -> Batch:
        exact = self._config.targets == "legal"
        width = self._batching.width
        sequences = self._games.sequences(first, count, width=width, legal_moves=exact)
        batch = Batch.of(sequences)
        return replace(batch, exact=legal_sets(sequences).targets()) if exact else batch


class Pretraining(Learning):
    """Models that learn from random games."""

    model_task = PretrainTask
