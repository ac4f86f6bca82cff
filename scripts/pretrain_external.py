"""Multitask training by command lines of Matrix0's `pretrain_external`, where they have a meaning.

    python scripts/pretrain_external.py --stockfish-root positions --steps 40000 --ssl-weight 0.15

Without flags it is `runs/plans/matrix0-100k.json`. Options of `pawn-train` may follow, such as
`--variant tiny`, `--device cpu`, `--mirror 0`; docs/multitask.md says more. A checkpoint `X.pt` of
the original stands for the run in the folder `X`.
"""

import sys
from pathlib import Path

from translated import PLANS, Fields, Flags, run

from pawn_core.checkpoint.manifest import latest_verified
from pawn_core.config import ConfigError
from pawn_core.config.files import read_json
from pawn_core.run_paths import RunPaths

PRESET = PLANS / "matrix0-100k.json"
_SAVED_IN = "checkpoints"
"""Where the original saves without `--checkpoint-out`."""
_WEIGHTS = ("teacher", "external")
_CURRICULA = {"stockfish": "sequential"}
"""Its names of a domain_order; those of `pawn-train` are taken as they are."""

_DIMENSIONS = "the network is what --variant and other options of pawn-train say"
_SOURCE = "every position says what it comes from: --domain-weights chooses"
_PREFETCH = "batches ahead follow from the threads: --phase-workers"
_LEGACY = "it drew from files in a folder's order; --curriculum mixture draws by --domain-weights"
_CLIPPING = "every update is clipped: what is not clipped once can end a run"


def flags() -> Flags:
    """Return the flags of `pretrain_external`."""
    parser = Flags(__doc__ or "")
    parser.note(_DIMENSIONS, "--config")
    parser.becomes("positions", "--stockfish-root")
    parser.becomes("total_steps", "--steps", type=int)
    parser.becomes("warmup_steps", "--lr-warmup-steps", type=int)
    parser.becomes("max_grad_norm", "--grad-clip-norm", type=float)
    parser.becomes("accumulation_steps", "--accum-steps", type=int)
    parser.becomes("batch_size", "--batch-size", type=int)
    parser.becomes("eval_batches", "--eval-batches", type=int)
    parser.becomes("checkpoint_interval", "--save-every", type=int)
    parser.becomes("log_interval", "--progress-interval", type=int)
    parser.becomes("num_workers", "--phase-workers", type=int)
    parser.becomes("domain_order", "--curriculum")
    parser.becomes("teacher", "--teacher-weight", type=float)
    parser.becomes("external", "--external-weight", type=float)
    parser.becomes("amp_dtype", "--use-amp", action="store_const", const="float16")
    parser.becomes("ema_decay", "--no-ema", action="store_const", const=None)
    parser.becomes("clip_every", "--clip-every", type=int)
    parser.becomes("checkpoint", "--checkpoint-in")
    parser.becomes("checkpoint_out", "--checkpoint-out")
    parser.becomes("checkpoint_prefix", "--checkpoint-prefix")
    parser.becomes("resume", "--resume-from")
    parser.becomes("auto_resume", "--auto-resume", action="store_true")
    parser.refuse(_SOURCE, "--source")
    parser.refuse(_PREFETCH, "--phase-prefetch")
    return parser


def settled(given: Fields) -> Fields:
    """Return the fields that flags come to together.

    Raises:
        ConfigError: one of them has no counterpart.
    """
    fields = dict(given)
    if fields.pop("clip_every", 1) != 1:
        raise ConfigError(f"--clip-every {given['clip_every']} is refused: {_CLIPPING}")
    if (curriculum := given.get("domain_order")) == "legacy":
        raise ConfigError(f"--curriculum legacy is refused: {_LEGACY}")
    if curriculum is not None:
        fields["domain_order"] = _CURRICULA.get(curriculum, curriculum)
    return _places(_weighed(_counted(fields)))


def _counted(fields: Fields) -> Fields:
    """Return fields with a batch as an update has it, and held-out positions for its batches."""
    preset = read_json(PRESET)
    batch = fields.get("batch_size", preset["batch_size"])
    if (batches := fields.pop("eval_batches", None)) is not None:
        fields["val_positions"] = batches * batch
    if (steps := fields.get("accumulation_steps", 1)) > 1:
        fields["batch_size"] = batch * steps
    return fields


def _weighed(fields: Fields) -> Fields:
    """Return fields with the preset's weights of domains but for those that flags give."""
    weights = {name: fields.pop(name) for name in _WEIGHTS if name in fields}
    if weights:
        fields["domain_weights"] = read_json(PRESET)["domain_weights"] | weights
    return fields


def _places(fields: Fields) -> Fields:
    """Return fields with folders for what the original saved in files, and loaded from them."""
    if "checkpoint" in fields:
        fields["checkpoint"] = _checkpoint(fields["checkpoint"])
    out, prefix = (fields.pop(f"checkpoint_{name}", None) for name in ("out", "prefix"))
    if out is not None or prefix is not None:
        folder = Path(out).parent if out else Path(_SAVED_IN)
        fields["run_dir"] = str(folder / (prefix or Path(out).stem))
    return fields


def _checkpoint(source: str) -> str:
    """Return the newest whole checkpoint of the run that stands for a file of the original."""
    if not source.endswith(".pt"):
        return source
    folder = Path(source).with_suffix("")
    saved = RunPaths(folder).checkpoints
    newest = latest_verified(saved) if saved.is_dir() else None
    if newest is None:
        raise ConfigError(
            f"--checkpoint-in {source}: the run in {folder} that stands for it has no whole "
            "checkpoint; files of the original are pickles of another network, and are not read"
        )
    return str(newest)


if __name__ == "__main__":
    sys.exit(run(flags(), PRESET, sys.argv[1:], settled))
