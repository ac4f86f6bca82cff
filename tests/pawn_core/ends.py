"""Whether two runs have come to the same end."""

from collections.abc import Collection
from pathlib import Path

from pawn_core.checkpoint import latest_verified, store
from pawn_core.checkpoint.store import Checkpoint


def final(run_dir: Path) -> Checkpoint:
    """Return a run's last checkpoint."""
    return store.load(latest_verified(run_dir / "checkpoints"))


def assert_same_end(one: Path, other: Path, files: Collection[str] = ()) -> None:
    """Compare all tensors of the last checkpoints bitwise, and every other saved number.

    `files`: those that there must be.
    """
    a, b = final(one), final(other)
    assert a.step == b.step
    assert a.documents == b.documents
    assert a.tensors.keys() == b.tensors.keys() >= set(files)
    for file, tensors in a.tensors.items():
        assert tensors.keys() == b.tensors[file].keys()
        assert all(tensors[name].equal(b.tensors[file][name]) for name in tensors), file
    states = ({k: v for k, v in x.training_state.items() if k != "metrics"} for x in (a, b))
    assert next(states) == next(states)
