"""GRPO by command lines of rookworld-rlvr's `train_rookworld_grpo.py`, where they have a meaning.

    python scripts/train_rookworld_grpo.py --steps 1000 --kl-coef 0.01 --mix-env-ratio 0.2

Without flags it is `runs/plans/rookworld-rlvr.json`. Options of `pawn-train` may follow, such as
`--device cpu`, `--stockfish-depth 6`, `--beta-warmup-steps 100`; docs/grpo.md says more.
"""

import sys

from translated import PLANS, Fields, Flags, run

from pawn_core.config import ConfigError

PRESET = PLANS / "rookworld-rlvr.json"
_ESTIMATORS = {"kl3": "k2"}
"""What its names mean: d^2 / 2 of d = log pi - log ref is k2 everywhere else."""
_NO_ESTIMATORS = {
    "kl1": "d = log pi - log ref has no gradient as a loss; exact is the default here",
    "kl2": "e^d - 1 - d of d = log pi - log ref estimates no KL: k3 has -d; say --kl-estimator k3",
}
_DEPTH = "an answer is that of a depth, whatever the machine: --stockfish-depth"
_LEVELS = "rewards are the same throughout; --curriculum changes the positions"
_WARMUP = "the KL does not count at all before --kl-warmup-steps"
_GAMES = "it has no meaning: positions are drawn from seeds, and no games go on between steps"
_SAVED = "a run goes on from what is named: --resume RUN, the newest whole checkpoint of its folder"


def flags() -> Flags:
    """Return the flags of `train_rookworld_grpo.py`."""
    parser = Flags(__doc__ or "")
    parser.becomes("checkpoint", "--model", "--model-name-or-path")
    parser.becomes("total_steps", "--steps", type=int)
    parser.becomes("batch_size", "--batch-positions", type=int)
    parser.becomes("beta", "--kl-coef", type=float)
    parser.becomes("clip_eps", "--clip-range", type=float)
    parser.becomes("kl_estimator", "--kl-estimator")
    parser.becomes("kl_stop", "--kl-divergence-threshold", type=float)
    parser.becomes("beta_warmup_steps", "--kl-warmup-steps", type=int)
    parser.becomes("kl_warmup_factor", "--kl-warmup-factor", type=float)
    parser.becomes("eval_interval", "--eval-every", type=int)
    parser.becomes("checkpoint_interval", "--save-every", type=int)
    parser.becomes("no_amp", "--no-mixed-precision", action="store_true")
    parser.becomes("no_compile", "--torch-compile", action="store_false")
    parser.becomes("no_compile", "--no-torch-compile", action="store_true")
    parser.becomes("run_dir", "--output-dir")
    parser.becomes("resume", "--resume-from-checkpoint")
    parser.refuse(_GAMES, "--n-parallel-games")
    parser.refuse(_GAMES, "--use-dataset", "--no-dataset", nargs=0)
    parser.refuse(_DEPTH, "--stockfish-time")
    parser.refuse(_LEVELS, "--reward-warmup-steps")
    parser.refuse("one limit holds for both tasks: --max-new-tokens", "--max-new-tokens-env")
    parser.refuse("what is compiled, and how, follows from the device", "--compile-mode")
    parser.refuse("--amp-dtype auto is the default", "--mixed-precision", nargs=0)
    parser.refuse(_SAVED, "--auto-resume", "--recovery-mode", "--new-run", nargs=0)
    parser.refuse("what there is to say is in the metrics", "--debug", nargs=0)
    parser.refuse("pawn-lab launch --dry-run tells what a run would take", "--dry-run", nargs=0)
    return parser


def settled(given: Fields) -> Fields:
    """Return the fields that flags come to together.

    Raises:
        ConfigError: one of them has no counterpart.
    """
    fields = dict(given)
    if (name := given.get("kl_estimator")) in _NO_ESTIMATORS:
        raise ConfigError(f"--kl-estimator {name} is refused: {_NO_ESTIMATORS[name]}")
    if name is not None:
        fields["kl_estimator"] = _ESTIMATORS.get(name, name)
    if fields.pop("kl_warmup_factor", 0.0):
        raise ConfigError(f"--kl-warmup-factor is refused: {_WARMUP}")
    return fields


if __name__ == "__main__":
    sys.exit(run(flags(), PRESET, sys.argv[1:], settled))
