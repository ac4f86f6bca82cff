"""Adapting a frozen backbone, or a tiny model from scratch, to real games: run type `adapter`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import AdapterConfig
from pawn_core.data.batching import Shape, build_batching
from pawn_core.data.epochs import EpochOrder
from pawn_core.data.sequences import Batch
from pawn_core.data.shares import Share, games_evaluated_at_once
from pawn_core.flops import adapting_flops
from pawn_core.model.recompute import recompute_layers
from pawn_core.real_games import CachedGames
from pawn_core.run_paths import ADAPTER, BACKBONE, MODEL
from pawn_core.training.learning import Learning
from pawn_core.training.objective import build_legal_objective, build_logits
from pawn_core.training.opened import Opened
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask, NonFiniteLossError
from pawn_core.validation.real_validation import RealValidation


class AdapterTask(ModelTask[Batch]):
    """Predict the moves that people played, by parameters in a frozen model."""

    def __init__(self, config: AdapterConfig, setup: Setup) -> None:
        assert config.data_seed is not None
        runtime = setup.runtime
        self._config, self._runtime = config, runtime
        self._opened = opened = setup.opened or Opened.of(config, setup, lambda _: None)
        self._games = opened.source(opened.games.train)
        self._order = EpochOrder(len(opened.games.train), config.data_seed)
        self._share = Share.of(config, runtime.processes)
        shape = Shape(opened.spec.max_seq_len, self._games.vocabulary.pad, self._lengths)
        self._batching = build_batching(config, runtime, shape)
        self._validation = RealValidation(
            source=opened.source(opened.games.val),
            batch_games=games_evaluated_at_once(config),
            width=opened.spec.max_seq_len if runtime.compiled else None,
            elo_band=config.elo_band,
            stop=setup.stop,
        )
        self._adapter = opened.adapter
        self.model = self._adapter.model
        self.model.residual_in_amp = config.residual_dtype == "amp"
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        self._build_functions()

    def make_batch(self, index: int) -> list[Batch]:
        """Return this process's share of places `index * batch_size ..` as micro-batches."""
        parts = []
        for first in self._share.firsts(index):
            games = self._order.games_at(first, self._share.size)
            parts += self._batching.arrange(self._games.batch(games, self._batching.width))
        return parts

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss, nats, and at how many positions no legal move is likelier."""
        loss, top1 = self._objective(batch)
        return {"loss": loss, "top1": top1}

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward pass, and of a backward pass as far as it goes."""
        tokens, pairs = len(batch.positions_n), batch.attended_pairs
        architecture, vocabulary_size = self._opened.spec.architecture, self._games.vocabulary.size
        return adapting_flops(
            architecture, vocabulary_size, tokens, pairs, self._first_layer, self._trained_entries
        )

    def evaluate(self) -> dict[str, Any]:
        """Evaluate on the games that are held out."""
        return self._validation.evaluate(self._logits_of, self._runtime)

    def describe(self) -> dict[str, Any]:
        """Return how many parameters there are and move in the end, the backbone and the games."""
        config, sizes = self._config, self._opened.spec.architecture
        trained = config.adapts_by.parameters(config, sizes, self._games.vocabulary.size)
        to_come = trained - sum(p.numel() for p in self.parameters().values())
        return {
            "parameters": sum(p.numel() for p in self.model.parameters()) + to_come,
            "trainable_parameters": trained,
            "backbone": self._backbone(),
            "games": self._opened.games.document(),
        }

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the adapter's parameters."""
        return self._adapter.parameters()

    def lr_ratios(self) -> dict[str, float]:
        """Return the learning rates of their own that some parameters have."""
        return self._adapter.lr_ratios()

    def norms(self) -> dict[str, float]:
        """Return the norms of the adapter's kinds of weights."""
        return self._adapter.norms()

    def before_update(self, step: int) -> str:
        """Let the adapter pass on to its next phase."""
        changed = self._adapter.advance(step, self._gradients_after(step))
        if changed:
            self._build_functions()
        return changed

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return what a checkpoint keeps of the adapter, or of a model from scratch."""
        return {self._file: self._adapter.state()}

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return which backbone it is on, and what else its format has."""
        backbone = self._backbone()
        return ({BACKBONE: backbone} if backbone else {}) | self._adapter.documents()

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint's adapter.

        Raises:
            ValueError: its tensors are not this adapter's, or it was trained on other games.
        """
        before, now = checkpoint.training_state["data"]["games"], self.games.digest
        if before != now:
            raise ValueError(
                f"the games of {self._config.pgn!r} are not those that were trained on so far: "
                f"their SHA-256 is {now}, not {before}"
            )
        self._adapter.load(checkpoint.tensors[self._file])
        self._build_functions()

    @property
    def games(self) -> CachedGames:
        """What is trained and validated on."""
        return self._opened.games

    @property
    def _file(self) -> str:
        return MODEL if self._config.adapts_by.from_scratch else ADAPTER

    def _build_functions(self) -> None:
        """Build what is computed, anew where the adapter's modules are others."""
        if self._runtime.compiled:
            torch.compiler.reset()  # graphs do not notice what requires a gradient since
        self._objective = build_legal_objective(
            self.model,
            self._runtime,
            self._config.illegal_penalty,
            fixed_shapes=self._batching.fixed_shapes,
        )
        self._logits_of = build_logits(self.model, self._runtime)
        matrices = (p for p in self.parameters().values() if p.dim() > 1)
        self._trained_entries = sum(matrix.numel() for matrix in matrices)
        self._first_layer = self._first_adapted_layer()

    def _backbone(self) -> dict[str, Any] | None:
        subject = self._opened.subject
        return subject.as_backbone().document() if subject else None

    def _first_adapted_layer(self) -> int:
        """Return the first layer that the backward pass goes through, or how many there are."""
        layers = enumerate(self.model.layers)
        adapted = (i for i, layer in layers if any(p.requires_grad for p in layer.parameters()))
        return next(adapted, len(self.model.layers))

    def _lengths(self, index: int) -> NDArray[np.int64]:
        """Return the supervised tokens of each game of the index-th micro-batch of the stream."""
        size = self._share.size
        return self._games.lengths(self._order.games_at(index * size, size))

    def _gradients_after(self, step: int) -> Callable[[list[nn.Parameter], int], Any]:
        """Return what yields gradients of coming batches (`pawn_core.adapters.Gradients`)."""

        def gradients(matrices: list[nn.Parameter], batches: int) -> Iterator[list[Tensor]]:
            eager = replace(self._runtime, compiled=False)
            objective = build_legal_objective(self.model, eager, self._config.illegal_penalty)
            for matrix in matrices:
                matrix.requires_grad_(True)
            try:
                for index in range(step, step + batches):
                    yield self._gradient_of(index, matrices, objective)
            finally:
                for matrix in matrices:
                    matrix.requires_grad_(False)

        return gradients

    def _gradient_of(
        self, index: int, matrices: list[nn.Parameter], objective: Callable[[Batch], Tensor]
    ) -> list[Tensor]:
        """Return a batch's gradient of the mean loss by some matrices, over all processes.

        Raises:
            NonFiniteLossError: it has none.
        """
        micro_batches, processes = self.make_batch(index), self._runtime.processes
        [tokens] = processes.sum_numbers(sum(len(batch.targets_n) for batch in micro_batches))
        totals = [torch.zeros_like(matrix) for matrix in matrices]
        for batch in micro_batches:
            with self._runtime.autocast():
                loss, _ = objective(batch.to(self._runtime.device))
            parts = torch.autograd.grad(loss, matrices)
            torch._foreach_add_(totals, parts)
        processes.sum_tensors(totals)
        if not all(total.isfinite().all() for total in totals):
            raise NonFiniteLossError(index)
        return [total / tokens for total in totals]


class Adapting(Learning):
    """An adapter that learns from real games, epoch after epoch."""

    model_task = AdapterTask

    @classmethod
    def fitted(cls, setup: Setup, say: Callable[[str], None]) -> Setup:
        """Return the setup with its backbone and games opened, as long as these take."""
        assert isinstance(setup.config, AdapterConfig)
        opened = Opened.of(setup.config, setup, say)
        config = setup.config.fitted(len(opened.games.train))
        return replace(setup, config=config, opened=opened)

    def evaluate_start(self, run: Run) -> None:
        """Evaluate the backbone: what is learned counts from there."""
        if run.leads:
            self.evaluate_active(run)

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the state as of this step, and which games it is of."""
        checkpoint = super().checkpoint(run)
        [learner] = self.learners
        assert isinstance(learner.task, AdapterTask)
        games = learner.task.games
        checkpoint.training_state["data"] |= {"games": games.digest, "revisions": games.revisions}
        return checkpoint
