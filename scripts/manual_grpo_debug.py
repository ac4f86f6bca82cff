"""GRPO by command lines of rookworld-trl's `manual_grpo_debug.py`, where they have a meaning.

    python scripts/manual_grpo_debug.py --overfit_single_batch --steps 50 --batch_size 8 --gens 24

Without flags it is `runs/plans/rookworld-trl.json`. Options of `pawn-train` may follow, such as
`--checkpoint trial:3@best`, `--device cpu`, `--stockfish-depth 6`; docs/grpo.md says more.
"""

import sys

from translated import PLANS, Fields, Flags, run

from pawn_core.config import ConfigError

PRESET = PLANS / "rookworld-trl.json"
_INTERVALS = frozenset({"eval_interval", "checkpoint_interval"})
"""Where they are 0 (never) or -1 (at the end) they are the whole run: its end is always saved."""
_SHARES = {"P": 0.0, "A": 1.0, "mixed": 0.2}
_SHAPES = {
    "linear": "lr_schedule one_cycle, cosine, wsd or infinite decay the rate here",
    "step": "lr_schedule one_cycle, cosine, wsd or infinite decay the rate here",
    "advanced": "no schedule decays twice here; --lr_schedule cosine comes closest",
}


def flags() -> Flags:
    """Return the flags of `manual_grpo_debug.py`."""
    parser = Flags(__doc__ or "")
    parser.becomes("total_steps", "--steps", type=int)
    parser.becomes("overfit_single_batch", "--overfit_single_batch", action="store_true")
    parser.becomes("batch_size", "--batch_size", type=int)
    parser.becomes("group_size", "--gens", "--num_generations", type=int)
    parser.becomes("accumulation_steps", "--ga", "--grad_accum_steps", type=int)
    parser.becomes("lr", "--learning_rate", type=float)
    parser.becomes("lr_schedule", "--lr_schedule", choices=["constant", "cosine", *_SHAPES])
    parser.becomes("warmup_steps", "--lr_warmup_steps", type=int)
    parser.becomes("beta_warmup_steps", "--beta_warmup_steps", type=int)
    parser.becomes("beta_adapt", "--beta_adapt", action="store_true")
    parser.becomes("target_kl", "--target_kl", type=float)
    parser.becomes("entropy_coef", "--entropy_coef", type=float)
    parser.becomes("mix_env_ratio", "--task_type", choices=[*_SHARES])
    parser.becomes("eval_interval", "--eval_every", type=int)
    parser.becomes("checkpoint_interval", "--checkpoint_every", type=int)
    parser.becomes("seed", "--seed", type=int)
    parser.refuse("held-out prompts are made from --val-seed", "--eval_file")
    parser.refuse("--patience stops by the held-out reward", "--early_stop_threshold")
    parser.refuse("checkpoints lie in --run-dir", "--checkpoint_dir")
    parser.refuse("no file of completions is kept", "--save_eval_samples", nargs=0)
    return parser


def settled(given: Fields) -> Fields:
    """Return the fields that flags come to together.

    Raises:
        ConfigError: one of them has no counterpart.
    """
    fields = dict(given)
    if (shape := given.get("lr_schedule")) in _SHAPES:
        raise ConfigError(f"--lr_schedule {shape} is refused: {_SHAPES[shape]}")
    if fields.pop("beta_adapt", False):
        fields = {"target_kl": 1.0, "beta_max": 0.05} | fields
    elif "target_kl" in fields:
        raise ConfigError("--target_kl has no effect without --beta_adapt")
    if "mix_env_ratio" in fields:
        fields["mix_env_ratio"] = _SHARES[str(fields["mix_env_ratio"])]
    if "total_steps" in given or given.keys() & _INTERVALS:
        length = fields.get("total_steps", 50)
        fields |= {name: length for name in _INTERVALS if fields.get(name, 0) < 1}
    return fields


if __name__ == "__main__":
    sys.exit(run(flags(), PRESET, sys.argv[1:], settled))
