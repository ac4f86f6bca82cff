"""Supervised learning of right completions of text tasks: the `sft` run type."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pawn_core.config import ConfigError, SftConfig
from pawn_core.data.sequences import Batch
from pawn_core.data.shares import Share, games_evaluated_at_once
from pawn_core.data.targets import one_token_each
from pawn_core.flops import training_flops
from pawn_core.language import (
    LanguageModel,
    TextModel,
    TextModelSpec,
    hidden_states,
    load_text_model,
    new_text_model,
    text_batch,
    token_log_probs,
)
from pawn_core.language.rows import Row
from pawn_core.language.scoring import text_lengths
from pawn_core.model.loss import chunked_sums, cross_entropy_criterion
from pawn_core.model.recompute import recompute_layers
from pawn_core.run_paths import TEXT_MODEL
from pawn_core.runtime import Runtime
from pawn_core.tasks import Mixture, TaskPrompt, TaskSettings
from pawn_core.training.held_out import HeldOut
from pawn_core.training.hidden import compiled_hidden
from pawn_core.training.learning import Learning
from pawn_core.training.objective import Objective
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask

_SPARE_TOKENS = 8
"""More than the longest right completion has, for a wrong one to end."""


class SftTask(ModelTask[Batch]):
    """Learn to complete prompts of text tasks as is right."""

    def __init__(self, config: SftConfig, setup: Setup) -> None:
        assert config.data_seed is not None
        self._config, self._runtime, self._stop = config, setup.runtime, setup.stop
        self._seed = config.data_seed
        self._share = Share.of(config, setup.runtime.processes)
        self._text_model = _text_model(config, setup)
        self.model = self._text_model.model
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        self._objective = _objective(self.model, setup.runtime)
        self._mixture = Mixture(TaskSettings.of(config))
        prompts = self._mixture.held_out()
        self._held_out_rows = {task: self._rows(prompts[task]) for task in prompts}
        for task, rows in self._held_out_rows.items():
            if not rows:
                raise ConfigError(
                    f"none of the val_prompts {config.val_prompts} of task '{task}' has an answer: "
                    "what verifies them failed"
                )
        longest = max(len(c) for rows in self._held_out_rows.values() for _, c in rows)
        self._held_out = HeldOut(self._mixture, prompts, longest + _SPARE_TOKENS)

    def make_batch(self, index: int) -> list[Batch]:
        """Return this process's share of prompts `index * batch_size ..`, with right completions.

        Prompts whose verifier failed are left out.

        Raises:
            RuntimeError: it failed for all of a micro-batch.
        """
        return [self._batch(index, first) for first in self._share.firsts(index)]

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy summed over the completions' tokens, in nats."""
        return {"loss": self._objective(batch)}

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward and backward pass, the prompts' included."""
        spec, size = self._text_model.spec, self._text_model.tokenizer.size
        tokens = int(text_lengths(batch).sum())
        return training_flops(spec.architecture, size, tokens, batch.attended_pairs)

    def evaluate(self) -> dict[str, Any]:
        """Return the loss on held-out prompts, and how much is right of greedy completions."""
        sums = {task: self._loss_of(rows) for task, rows in self._held_out_rows.items()}
        losses = {f"{task}_loss": total / tokens for task, (total, tokens) in sums.items()}
        total, tokens = np.sum(list(sums.values()), axis=0)
        metrics: dict[str, Any] = {"val_loss": float(total / tokens), **losses}
        asked = self._held_out.first(self._config.greedy_prompts)
        return metrics | asked.evaluate(self._text_model, self._stop.check)

    def describe(self) -> dict[str, Any]:
        """Return the model's size, its tokenizer, what it started from and what is held out."""
        origin = self._text_model.origin
        return {
            "parameters": self._text_model.parameters,
            "tokenizer": self._text_model.spec.tokenizer,
            "origin": asdict(origin) if origin else None,
            "held_out": self._held_out.counts(),
        }

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what the weights need to be read as a model of text."""
        return {TEXT_MODEL: self._text_model.document()}

    def close(self) -> None:
        """End the chess program."""
        self._mixture.close()

    def _batch(self, index: int, first: int) -> Batch:
        prompts = self._mixture.prompts(self._seed, first, self._share.size, index)
        rows = self._rows(prompts)
        if not rows:
            raise RuntimeError(
                f"no prompt from {first} to {first + self._share.size - 1} has an "
                "answer: what verifies them failed"
            )
        return text_batch(rows, self._text_model.tokenizer.pad)

    def _rows(self, prompts: Sequence[TaskPrompt]) -> list[Row]:
        """Return the rows of prompts that have an answer.

        Raises:
            ConfigError: one is longer than the model's context.
        """
        answered = [prompt for prompt in prompts if prompt.valid]
        encode, end = self._text_model.tokenizer.encode, self._text_model.tokenizer.end
        texts = self._mixture.completions(answered)
        pairs = zip(answered, texts, strict=True)
        rows: list[Row] = [(encode(prompt.text), [*encode(text), end]) for prompt, text in pairs]
        most = self._text_model.spec.max_seq_len
        for prompt, (asked, told) in zip(answered, rows, strict=True):
            if len(asked) + len(told) - 1 > most:  # nothing follows the end
                raise ConfigError(
                    f"max_seq_len {most} is too short for {prompt.text!r}, which has {len(asked)} "
                    f"tokens, its completion {len(told)}; allowed: {len(asked) + len(told) - 1} up"
                )
        return rows

    @torch.inference_mode()
    def _loss_of(self, rows: Sequence[Row]) -> tuple[float, int]:
        """Return the loss in nats summed over completions' tokens, and how many these are."""
        total, tokens = 0.0, 0
        for batch in self._evaluation_batches(rows):
            self._stop.check()
            batch = batch.to(self._runtime.device)
            with self._runtime.autocast():
                log_probs_n = token_log_probs(self.model, batch)
            total -= float(log_probs_n.double().sum())
            tokens += len(log_probs_n)
        return total, tokens

    def _evaluation_batches(self, rows: Sequence[Row]) -> Iterator[Batch]:
        size = games_evaluated_at_once(self._config)
        for begin in range(0, len(rows), size):
            yield text_batch(rows[begin : begin + size], self._text_model.tokenizer.pad)


class Supervising(Learning):
    """A model of text that learns right completions."""

    model_task = SftTask

    def close(self) -> None:
        """Stop preparing batches, and what verifies them."""
        super().close()
        for learner in self.learners:
            assert isinstance(learner.task, SftTask)
            learner.task.close()


def _text_model(config: SftConfig, setup: Setup) -> TextModel:
    """Return the model to begin with; of a resumed run the form of the one from before."""
    device = setup.runtime.device
    source = str(setup.resumed_from) if setup.resumed_from else config.checkpoint
    if source is not None:
        return load_text_model(source, setup.run_dir, device)
    spec = TextModelSpec("characters", config.architecture, config.max_seq_len)
    return new_text_model(spec, config.seed, device=device)


def _objective(model: LanguageModel, runtime: Runtime) -> Objective:
    """Return the loss of a batch's completions, in the form that is fastest where it runs."""
    compiled = compiled_hidden(model, runtime) if runtime.compiled else None

    def loss(batch: Batch) -> Tensor:
        criterion = cross_entropy_criterion(one_token_each(batch.targets_n))
        head = model.lm_head.parts()
        if compiled is None:
            return chunked_sums(hidden_states(model, batch), head, criterion)[0]
        hidden_nd = compiled(batch.tokens_bt, None).flatten(0, 1)
        return chunked_sums(hidden_nd, head, criterion, batch.positions_n)[0]

    return loss
