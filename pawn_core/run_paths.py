"""Every file name of a run's folder, spelled once. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
"""These two are called the same where a run is uploaded or exported."""

CONFIG = "config.json"
"""Of a run's folder, and of each of its checkpoints, which have the following files besides."""
SENTINEL = ".complete"
TENSORS = ".safetensors"
MODEL = f"model{TENSORS}"
OPTIMIZER = f"optimizer{TENSORS}"
ACCUMULATORS = f"accumulators{TENSORS}"
"""Of an evaluation's checkpoint, in place of the two before."""
STATE = "training_state.json"
FILES = (MODEL, OPTIMIZER, STATE, CONFIG)

ADAPTER = f"adapter_model{TENSORS}"
"""Of an adapter's checkpoint, in place of a model: what it adds to its backbone."""
BACKBONE = "backbone.json"
"""Which weights that is."""
REFERENCE = "reference.json"
"""Of a policy's checkpoint: which weights it is held to."""
PEFT = "adapter_config.json"
"""What peft reads of a LoRA adapter."""
TEXT_MODEL = "text_model.json"
"""Beside the weights of a model of text: its sizes and its tokenizer."""
POSITION_MODEL = "position_model.json"
"""Beside the weights of a model of positions: its form."""
AVERAGE = f"ema{TENSORS}"
"""Beside weights in training: their moving average, which is what is evaluated."""
UPDATES = "updates"
"""Beside the averages: a tensor, how many updates of the weights they are of."""
WEIGHTS = frozenset({MODEL, ADAPTER})
"""One of them is in each checkpoint that makes weights."""
ADAPTER_FILES = frozenset({ADAPTER, BACKBONE, OPTIMIZER, STATE, CONFIG})
TEXT_FILES = frozenset({*FILES, TEXT_MODEL})
POSITION_FILES = frozenset({*FILES, POSITION_MODEL})
LORA_FILES = ADAPTER_FILES | {PEFT}


@dataclass(frozen=True)
class RunPaths:
    """The files of one run."""

    root: Path

    @classmethod
    def in_trial(cls, folder: Path) -> "RunPaths":
        """Return the files of the run in a trial's folder."""
        return cls(folder / "run")

    @property
    def config(self) -> Path:
        """The config with every default filled in."""
        return self.root / CONFIG

    @property
    def metrics(self) -> Path:
        """The metrics stream."""
        return self.root / METRICS

    @property
    def outcome(self) -> Path:
        """What the trainer says about its own end."""
        return self.root / "outcome.json"

    @property
    def phase(self) -> Path:
        """What the trainer is at before its records tell it."""
        return self.root / "phase.json"

    @property
    def preflight(self) -> Path:
        """What was found before the first step, where that was tried."""
        return self.root / "preflight.json"

    @property
    def schedule_health(self) -> Path:
        """How far the trainer got along its learning-rate schedule."""
        return self.root / "schedule_health.json"

    @property
    def results(self) -> Path:
        """What an evaluation found, with definitions, intervals and tables."""
        return self.root / "results.json"

    def evaluation(self, name: str) -> Path:
        """Return the folder of the files that are part of an evaluation's result."""
        return self.root / "evaluations" / name

    @property
    def checkpoints(self) -> Path:
        """The checkpoints, a folder each; may be a link into memory."""
        return self.root / CHECKPOINTS

    @property
    def compiled(self) -> Path:
        """What the trainer has compiled, for uploads to carry; mostly absent."""
        return self.root / "compiled"

    def upload(self, destination: str) -> Path:
        """Return the record of what has arrived at a destination."""
        return self.root / "uploads" / f"{destination}.json"

    def tracker(self, name: str) -> Path:
        """Return the record of what an experiment tracker has had."""
        return self.root / "trackers" / f"{name}.json"
