"""Time the steps of reinforcement, phase by phase: `python scripts/bench_grpo.py --threads 2`.

The policy is untrained and never ends a completion, so that all have the most tokens; each step
samples groups of A: prompts, verifies them, and learns from them in float32 or as asked.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import save_file

from pawn_core.config import parse_config
from pawn_core.config.text_models import TEXT_VARIANTS
from pawn_core.language import TextModelSpec, new_text_model
from pawn_core.metrics import read_records
from pawn_core.run_paths import MODEL, TEXT_MODEL
from pawn_core.signals import StopFlag
from pawn_core.training.trainer import run_training

_ENDLESS_LOGIT = -3.0
_PHASES = ("generation_s", "rewards_s", "advantages_s", "scoring_s", "update_s", "step_s")


def write_policy(folder: Path, variant: str) -> None:
    """Write an untrained model whose end token is next to impossible."""
    spec = TextModelSpec("characters", TEXT_VARIANTS[variant], 288)
    text_model = new_text_model(spec, seed=0)
    weight_vd = text_model.model.lm_head.weight
    with torch.no_grad():  # one channel is the same for all tokens, and speaks against the end
        weight_vd[:, 0] = 0.1
        weight_vd[text_model.tokenizer.end, 0] = _ENDLESS_LOGIT
    folder.mkdir()
    save_file(text_model.model.state_dict(), folder / MODEL)
    (folder / TEXT_MODEL).write_text(json.dumps(text_model.document()), encoding="utf-8")


def bench(variant: str, amp_dtype: str, steps: int, tokens: int) -> dict[str, float]:
    """Return the median of each phase over all steps but the first, in seconds."""
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
            "local_checkpoints": True,
        }
        run_training(parse_config(config), folder / "run", None, StopFlag())
        records, _ = read_records(folder / "run/metrics.jsonl")
    train = [record for record in records if record["type"] == "train"][1:]
    assert all(record["tokens_per_step"] == 8 * 8 * tokens for record in train)
    assert not any(record["dropped_groups"] for record in train)
    return {phase: round(median(record[phase] for record in train), 3) for phase in _PHASES}


def main() -> None:
    """Print the seconds of each phase as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", default="mini", choices=list(TEXT_VARIANTS))
    parser.add_argument("--amp-dtype", default="none", choices=["none", "bfloat16"])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seconds = bench(options.variant, options.amp_dtype, options.steps, options.tokens)
    print(json.dumps(vars(options) | seconds))


if __name__ == "__main__":
    main()
