"""Measure pretraining against Hugging Face's Trainer and a plain loop, and print a Markdown table.

All contenders train models of the same size on random games of up to 512 plies, on one thread; what
counts is supervised tokens (no padding) per second of CPU time, which other jobs on the machine
disturb less than wall time. They take turns, each a few steps a round; the first step of a turn,
with its one-off costs, is left out. Games are generated while this project trains, on its clock;
for Trainer they were made and padded before. Precision: the defaults of each, which is float32 for
Trainer; this project in float32 too; the plain loop is in float32.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import chess_engine
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import IterableDataset

from pawn_core.config import VARIANTS, Architecture, PretrainConfig
from pawn_core.data.stream import Stream
from pawn_core.model import Transformer, parameter_count
from pawn_core.runtime import best_precision, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.pretrain import PretrainTask
from pawn_core.training.setup import Setup
from pawn_core.training.update import Updater

VOCABULARY = chess_engine.export_move_vocabulary("searchless")
WIDTH = 512
BATCH = {"toy": 32, "small": 8}
STEPS = {"toy": 4, "small": 2}
THIS = "this project"


class Turn(NamedTuple):
    """Supervised tokens, the seconds of CPU time they took, and the seconds of waiting for data."""

    tokens: int
    seconds: float
    waited: float = 0.0


def train_this(variant: str, **fields: Any) -> Turn:
    """Take the steps that `pawn-train` takes, data generation included; two workers."""
    settings: dict[str, Any] = {"variant": variant, "batch_size": BATCH[variant], "num_workers": 2}
    config = PretrainConfig(**settings, **fields, device="cpu", local_checkpoints=True)
    runtime = resolve_runtime(config)
    task = PretrainTask(config, Setup(config, Path(), runtime, StopFlag()))
    updater = Updater(task, config, runtime)
    stream = Stream(task.make_batch, 0, config.num_workers)
    updater.update(next(stream), config.lr)
    tokens, waited, begin = 0, 0.0, time.process_time()
    for _ in range(STEPS[variant]):
        asked = time.perf_counter()
        micro_batches = next(stream)
        waited += time.perf_counter() - asked
        tokens += updater.update(micro_batches, config.lr).units
    seconds = time.process_time() - begin
    stream.close()
    return Turn(tokens, seconds, waited)


def train_padded(variant: str) -> Turn:
    """Train this project's model in the plain way: padded batches, all logits, torch's AdamW."""
    model = Transformer(VARIANTS[variant], VOCABULARY, WIDTH)
    model.initialize(torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)
    tokens, begin = 0, 0.0
    for step in range(STEPS[variant] + 1):
        if step == 1:
            tokens, begin = 0, time.process_time()
        inputs, targets = padded_games(variant, step * BATCH[variant], BATCH[variant])
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=-100)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int((targets >= 0).sum())
    return Turn(tokens, time.process_time() - begin)


def padded_games(variant: str, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Return inputs and next tokens (-100 where not supervised), int64 (count, 512)."""
    games = chess_engine.generate_training_batch(count, seed=1, first_game=first, width=WIDTH)
    targets = np.where(games.loss_mask, games.targets, -100)
    return torch.from_numpy(games.inputs), torch.from_numpy(targets)


class Padded(IterableDataset):
    """Games made before the clock starts. Trainer shifts the labels by one position itself."""

    def __init__(self, variant: str, games: int) -> None:
        inputs, targets = padded_games(variant, 0, games)
        self._labels = torch.cat((torch.full((games, 1), -100), targets[:, :-1]), dim=1)
        self._inputs = inputs

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rows = zip(self._inputs, self._labels, strict=True)
        return iter([{"input_ids": tokens, "labels": labels} for tokens, labels in rows])

    def tokens(self, first_game: int) -> int:
        """Return the supervised tokens from a game on."""
        return int((self._labels[first_game:] >= 0).sum())


def train_with_trainer(variant: str, model: nn.Module) -> Turn:
    """Train a Hugging Face model with its Trainer."""
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.process_time())

    steps, batch = STEPS[variant] + 1, BATCH[variant]
    data = Padded(variant, steps * batch)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            max_steps=steps,
            per_device_train_batch_size=batch,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = Trainer(model, arguments, train_dataset=data, callbacks=[Clock()])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return Turn(data.tokens(batch), ends[-1] - ends[0])


def llama(sizes: Architecture, d_ff: int) -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY.size,
        hidden_size=sizes.d_model,
        intermediate_size=d_ff,
        num_hidden_layers=sizes.n_layers,
        num_attention_heads=sizes.n_heads,
        max_position_embeddings=WIDTH,
        tie_word_embeddings=True,
        use_cache=False,
    )
    return LlamaForCausalLM(config)


def gpt2(sizes: Architecture, d_ff: int) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY.size,
        n_embd=sizes.d_model,
        n_inner=d_ff,
        n_layer=sizes.n_layers,
        n_head=sizes.n_heads,
        n_positions=WIDTH,
        use_cache=False,
    )
    return GPT2LMHeadModel(config)


def of_equal_size(build: Callable[[Architecture, int], nn.Module], variant: str) -> nn.Module:
    """Return the model whose feed-forward width makes it as large as ours, within 2 %."""
    sizes = VARIANTS[variant]
    ours = parameter_count(Transformer(sizes, VOCABULARY, WIDTH))
    widths = range(sizes.d_ff // 2, sizes.d_ff * 2, 8)
    d_ff = min(widths, key=lambda width: abs(parameter_count(build(sizes, width)) - ours))
    model = build(sizes, d_ff)
    assert abs(parameter_count(model) / ours - 1) < 0.02
    return model


def contenders_of(variant: str, with_trainer: bool) -> dict[str, Callable[[], Turn]]:
    """Return who takes turns, this project at its default first."""
    contenders: dict[str, Callable[[], Turn]] = {
        THIS: lambda: train_this(variant),
        f"{THIS}, legal targets": lambda: train_this(variant, targets="legal"),
        f"{THIS}, Muon": lambda: train_this(variant, optimizer="muon"),
        f"{THIS}, legal targets, Muon": lambda: train_this(
            variant, targets="legal", optimizer="muon"
        ),
        f"{THIS}, float32": lambda: train_this(variant, amp_dtype="none"),
        "plain padded loop": lambda: train_padded(variant),
    }
    for name, build in {"Llama": llama, "GPT-2": gpt2}.items() if with_trainer else ():
        model = of_equal_size(build, variant)
        contenders[f"Trainer, {name}"] = partial(train_with_trainer, variant, model)
    return contenders


def measure(variant: str, rounds: int, with_trainer: bool) -> dict[str, list[Turn]]:
    """Let all contenders take turns and return what each turn gave."""
    contenders = contenders_of(variant, with_trainer)
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, turn in contenders.items():
            turns[name].append(turn())
    return turns


def report(variant: str, turns: dict[str, list[Turn]]) -> None:
    """Print a table: medians over rounds, and medians of the ratios within a round."""
    speeds = {n: [t.tokens / t.seconds for t in of_one] for n, of_one in turns.items()}
    ours, in_float32 = speeds[THIS], speeds[f"{THIS}, float32"]
    print(f"\n| {variant}, batch {BATCH[variant]} | tokens a CPU second | ours / it |", end="")
    print(" ours in float32 / it |\n|---|---|---|---|")
    for name, of_one in speeds.items():
        ratios = [
            statistics.median(a / b for a, b in zip(mine, of_one, strict=True))
            for mine in (ours, in_float32)
        ]
        print(f"| {name} | {statistics.median(of_one):,.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    waited = sum(t.waited for t in turns[THIS]) / (len(ours) * STEPS[variant])
    print(f"\nWaiting for data: {1e3 * waited:.2f} ms a step, two workers.")


def main() -> None:
    """Measure the variants named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", default=[], choices=[[], *BATCH])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, help="Games of a step; none: 32 toy, 8 small.")
    parser.add_argument("--no-trainer", action="store_true", help="Leave Hugging Face's out.")
    arguments = parser.parse_args()
    for variant in arguments.variants or BATCH:
        BATCH[variant] = arguments.batch_size or BATCH[variant]
        report(variant, measure(variant, arguments.rounds, not arguments.no_trainer))
    precision = best_precision(torch.device("cpu"))
    print(f"\nThis project's amp_dtype auto here: {precision}.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    main()
