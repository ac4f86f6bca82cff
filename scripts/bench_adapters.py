"""Measure the steps of adapters against those of full finetuning, and print Markdown tables.

All learn from the same batches of Lichess-style games, cached, on an untrained backbone: the work
is that of a trained one. What counts is CPU time of one thread, which other jobs on the machine
disturb less than wall time. Those that are compared take turns; figures are medians over rounds,
ratios the medians of those within a round. Precision: the default here.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import lichess_pgn
import torch
from safetensors.torch import save_file
from torch import nn

from pawn_core.config import VARIANTS, AdapterConfig
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.run_paths import CONFIG, MODEL
from pawn_core.runtime import best_precision, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.adapter import AdapterTask
from pawn_core.training.setup import Setup
from pawn_core.training.update import Updater
from pawn_core.weights.load import untrained
from pawn_core.weights.spec import ModelSpec, published_form

GAMES, WIDTH = 2_500, 256
BATCH = {"toy": 64, "small": 8}
STEPS = {"toy": 4, "small": 2}
FULL, LORA, TOP_HALF = "all parameters", "LoRA", "LoRA, top half"
STRATEGIES: dict[str, dict[str, Any]] = {
    LORA: {"strategy": "lora"},
    TOP_HALF: {"strategy": "lora"},
    "bottleneck": {"strategy": "bottleneck"},
    "FiLM": {"strategy": "film"},
    "sparse": {"strategy": "sparse"},
    "hybrid": {"strategy": "hybrid"},
    "RoSA, last phase": {"strategy": "rosa", "rosa_warmup_steps": 1, "rosa_mask_batches": 1},
    "unfreeze, top layer": {"strategy": "unfreeze"},
    "tiny": {"strategy": "tiny"},
}


class Finetuning(AdapterTask):
    """The same run where every parameter of the backbone moves."""

    def __init__(self, config: AdapterConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.model.requires_grad_(True)
        self._build_functions()

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return all of the model's."""
        return dict(self.model.named_parameters())


class Turn(NamedTuple):
    """Seconds of CPU time a step takes, and a batch of the loader."""

    step: float
    batch: float


class Contender:
    """A run that takes some steps when it is its turn."""

    def __init__(self, task: type[AdapterTask], config: AdapterConfig) -> None:
        runtime = resolve_runtime(config)
        self._lr = config.lr
        self._task = task(config, Setup(config, Path(), runtime, StopFlag()))
        self._updater = Updater(self._task, config, runtime)
        for step in range(2):  # one-off costs; an adapter with phases comes to its last
            if self._task.before_update(step):
                self._updater.renew_optimizer()
            self._updater.update(self._task.make_batch(step), self._lr)
        self.parameters = sum(p.numel() for p in self._task.parameters().values())

    def take_turn(self, first: int, steps: int) -> Turn:
        """Take steps with the batches from `first` on."""
        stepping = loading = 0.0
        for index in range(first, first + steps):
            begin = time.process_time()
            micro_batches = self._task.make_batch(index)
            loaded = time.process_time()
            self._updater.update(micro_batches, self._lr)
            loading += loaded - begin
            stepping += time.process_time() - loaded
        return Turn(stepping / steps, loading / steps)


def write_backbone(folder: Path, variant: str) -> Path:
    """Write an untrained model in the published form."""
    spec = ModelSpec(VARIANTS[variant], "searchless", WIDTH, prepend_outcome=False)
    model = untrained(spec)
    model.initialize(torch.Generator().manual_seed(0))
    path = folder / variant
    path.mkdir()
    save_file(model.state_dict(), path / MODEL)
    (path / CONFIG).write_text(json.dumps(published_form("pretrain", spec, {})), "utf-8")
    return path


def contenders(variant: str, folder: Path, pgn: Path) -> dict[str, Contender]:
    """Return who takes turns, full finetuning first."""
    backbone = str(write_backbone(folder, variant))
    shared: dict[str, Any] = {"pgn": str(pgn), "batch_size": BATCH[variant], "device": "cpu"}
    shared |= {"max_games": 2000, "val_games": 64, "local_checkpoints": True}

    def contender(task: type[AdapterTask], **fields: Any) -> Contender:
        if fields["strategy"] != "tiny":
            fields["checkpoint"] = backbone
        return Contender(task, AdapterConfig(**shared, **fields))

    half = f"top-{VARIANTS[variant].n_layers // 2}"
    named = STRATEGIES | {TOP_HALF: STRATEGIES[TOP_HALF] | {"adapter_layers": half}}
    return {FULL: contender(Finetuning, strategy="unfreeze")} | {
        name: contender(AdapterTask, **fields) for name, fields in named.items()
    }


def report_steps(variant: str, folder: Path, pgn: Path, rounds: int) -> None:
    """Let all take turns and print what a step of each costs."""
    taking_part, steps = contenders(variant, folder, pgn), STEPS[variant]
    turns: dict[str, list[Turn]] = {name: [] for name in taking_part}
    for number in range(rounds):
        for name, contender in taking_part.items():
            turns[name].append(contender.take_turn(2 + number * steps, steps))
    print(f"\n| {variant}, {BATCH[variant]} games a step | parameters that move ", end="")
    print("| ms a step | / all parameters | loader's batch / step |\n|---|---|---|---|---|")
    for name, of_one in turns.items():
        ratio = statistics.median(a.step / b.step for a, b in zip(of_one, turns[FULL], strict=True))
        loader = statistics.median(turn.batch / turn.step for turn in of_one)
        ms = 1e3 * statistics.median(turn.step for turn in of_one)
        moving = taking_part[name].parameters
        print(f"| {name} | {moving:,} | {ms:,.1f} | {ratio:.2f} | {loader:.3f} |")


def main() -> None:
    """Measure the variants named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", default=[], choices=[[], *BATCH])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pgn = Path(folder, "games.pgn")
        pgn.write_text(lichess_pgn.games(GAMES), encoding="utf-8")
        os.environ[VARIABLE] = str(Path(folder, "cache"))
        for variant in arguments.variants or BATCH:
            report_steps(variant, Path(folder), pgn, arguments.rounds)
    print(f"\namp_dtype auto here: {best_precision(torch.device('cpu'))}.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
