"""Time the steps of reinforcement, phase by phase: `python scripts/bench_grpo.py --threads 2`.

The policy is untrained and never ends a completion, so that all have the most tokens; each step
samples groups of A: prompts, verifies them, and learns from them in float32 or as asked. It is a
model over characters, or `gpt2`: of 124,439,808 parameters and 50,257 tokens, of which prompts use
single bytes and so are longer than in GPT-2's own.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers import decoders, models, pre_tokenizers

from pawn_core.config import Architecture, parse_config
from pawn_core.config.text_models import TEXT_VARIANTS
from pawn_core.language import Gpt2Tokenizer, TextModel, TextModelSpec, new_text_model
from pawn_core.metrics import read_records
from pawn_core.model import Gpt2
from pawn_core.run_paths import MODEL, TEXT_MODEL
from pawn_core.signals import StopFlag
from pawn_core.training.trainer import run_training

GPT2 = Architecture(d_model=768, n_layers=12, n_heads=12, d_ff=3072)
GPT2_TOKENS = 50_257
_ENDLESS_LOGIT = -3.0
_PHASES = ("generation_s", "rewards_s", "advantages_s", "scoring_s", "update_s", "step_s")


def untrained(variant: str) -> TextModel:
    """Return a model over characters, or one of GPT-2's size."""
    if variant != "gpt2":
        return new_text_model(TextModelSpec("characters", TEXT_VARIANTS[variant], 288), seed=0)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    unused = [f"unused{number}" for number in range(GPT2_TOKENS - len(alphabet) - 1)]
    words = [*alphabet, *unused, "<|endoftext|>"]
    table = tokenizers.Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, []))
    table.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    table.decoder = decoders.ByteLevel()
    tokenizer = Gpt2Tokenizer(json.loads(table.to_str()))
    return new_text_model(TextModelSpec("gpt2", GPT2, 1024), 0, tokenizer)


def write_policy(folder: Path, variant: str) -> None:
    """Write an untrained model whose end token is next to impossible."""
    text_model = untrained(variant)
    weight_vd = text_model.model.lm_head.weight
    with torch.no_grad():  # one channel is the same for all tokens, and speaks against the end
        weight_vd[:, 0] = 0.1
        weight_vd[text_model.tokenizer.end, 0] = _ENDLESS_LOGIT
        if isinstance(text_model.model, Gpt2):  # whose layers would drown it in noise
            text_model.model.wpe.weight[:, 0] = 30.0
    folder.mkdir()
    save_file(text_model.model.state_dict(), folder / MODEL)
    (folder / TEXT_MODEL).write_text(json.dumps(text_model.document()), encoding="utf-8")


def bench(
    variant: str, amp_dtype: str, steps: int, tokens: int, device: str = "cpu"
) -> dict[str, Any]:
    """Return the median of each phase over all steps but the first, in seconds; MFU and memory."""
    others = {"format", "fen_exact", "fen_fields", "reward", "flags"}
    weights = {f"environment.{name}": 0.0 for name in others} | {"environment.fen_similarity": 1.0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_policy(folder / "policy", variant)
        config = {
            "run_type": "grpo",
            "checkpoint": str(folder / "policy"),
            "mix_env_ratio": 1.0,
            "reward_weights": weights,
            "max_new_tokens": tokens,
            "total_steps": steps,
            "eval_interval": steps,
            "val_prompts": 1,
            "amp_dtype": amp_dtype,
            "device": device,
            "local_checkpoints": True,
        }
        run_training(parse_config(config), folder / "run", None, StopFlag())
        records, _ = read_records(folder / "run/metrics.jsonl")
    train = [record for record in records if record["type"] == "train"][1:]
    assert all(record["tokens_per_step"] == 8 * 8 * tokens for record in train)
    assert not any(record["dropped_groups"] for record in train)
    seconds = {phase: round(median(record[phase] for record in train), 3) for phase in _PHASES}
    return seconds | {name: train[-1][name] for name in ("mfu", "device_memory_bytes")}


def main() -> None:
    """Print the seconds of each phase as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", default="mini", choices=[*TEXT_VARIANTS, "gpt2"])
    parser.add_argument("--amp-dtype", default="none", choices=["none", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = {name: value for name, value in vars(options).items() if name != "threads"}
    print(json.dumps(vars(options) | bench(**settings)))


if __name__ == "__main__":
    main()
