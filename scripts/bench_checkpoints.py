"""Measure saving and loading of a checkpoint of PAWN-Base, and print a Markdown table.

The yardstick is what a careful loop does with safetensors: model and optimizer in a file each,
forced to the disk, nothing hashed or verified; beside it stand the same with the SHA-256 of each
file, taken and checked one after the other, and `torch.save` in one file. Loading ends where the
weights are in a model's own memory. Contenders take turns, and a ratio is the median
over rounds of both times of one round. Hashing goes on beside the disk's work, so that wall time is
what counts on an idle machine; CPU time is that of all threads. `--folder /dev/shm` leaves the disk
out.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import chess_engine
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pawn_core.checkpoint import store
from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import VARIANTS
from pawn_core.durable import sync_file, write_file
from pawn_core.model import Transformer
from pawn_core.run_paths import MODEL, OPTIMIZER

VOCABULARY = chess_engine.export_move_vocabulary("searchless")
ROUNDS = 9
YARDSTICK = "safetensors and fsync"
Tensors = dict[str, dict[str, Tensor]]


def tensors_of_base() -> Tensors:
    """Return weights and AdamW's moments of PAWN-Base."""
    model = Transformer(VARIANTS["base"], VOCABULARY, 512)
    weights = {name: weight.detach() for name, weight in model.state_dict().items()}
    moments = ("exp_avg", "exp_avg_sq")
    optimizer = {f"{n}.{kind}": torch.randn_like(w) for n, w in weights.items() for kind in moments}
    return {MODEL: weights, OPTIMIZER: optimizer}


def save_with_safetensors(folder: Path, tensors: Tensors) -> None:
    folder.mkdir()
    for name, values in tensors.items():
        save_file(values, folder / name)
        sync_file(folder / name)
    sync_file(folder)


def load_with_safetensors(folder: Path) -> Tensors:
    return {name: load_file(folder / name) for name in (MODEL, OPTIMIZER)}


def save_with_hashes(folder: Path, tensors: Tensors) -> None:
    save_with_safetensors(folder, tensors)
    write_file(folder / "hashes.json", json.dumps(hashes_of(folder)).encode())
    sync_file(folder)


def load_with_hashes(folder: Path) -> Tensors:
    assert json.loads((folder / "hashes.json").read_text()) == hashes_of(folder)
    return load_with_safetensors(folder)


def hashes_of(folder: Path) -> dict[str, str]:
    return {name: file_sha256(folder / name) for name in (MODEL, OPTIMIZER)}


def save_with_torch(folder: Path, tensors: Tensors) -> None:
    folder.mkdir()
    torch.save(tensors, folder / "all.pt")
    sync_file(folder / "all.pt")
    sync_file(folder)


def load_with_torch(folder: Path) -> Tensors:
    return torch.load(folder / "all.pt", weights_only=True)


def save_with_store(folder: Path, tensors: Tensors) -> None:
    store.save(folder, Checkpoint(1, tensors, {}, {}))


def load_with_store(folder: Path) -> Tensors:
    return store.load(folder / "step_00000001").tensors


CONTENDERS: dict[str, tuple[Callable[[Path, Tensors], None], Callable[[Path], Tensors]]] = {
    YARDSTICK: (save_with_safetensors, load_with_safetensors),
    "the same and SHA-256": (save_with_hashes, load_with_hashes),
    "`torch.save` and fsync": (save_with_torch, load_with_torch),
    "this project, hashed and verified": (save_with_store, load_with_store),
}


def cost_of(work: Callable[[], None]) -> tuple[float, float]:
    """Return the wall time and the CPU time of all threads, in seconds."""
    before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - before[0], time.process_time() - before[1]


def copy_into(targets: Tensors, tensors: Tensors) -> None:
    for name, values in targets.items():
        for key, target in values.items():
            target.copy_(tensors[name][key])


def measure(name: str, folder: Path, tensors: Tensors, targets: Tensors) -> list[float]:
    """Return the costs of a save into an empty folder, then those of a load from it."""
    save, load = CONTENDERS[name]
    place = folder / "saved"
    saving = cost_of(lambda: save(place, tensors))
    loading = cost_of(lambda: copy_into(targets, load(place)))
    shutil.rmtree(place)
    os.sync()
    return [*saving, *loading]


def table(rounds: list[dict[str, list[float]]]) -> None:
    print(
        "| PAWN-Base with AdamW | save s | ratio | CPU s | ratio | load s | ratio | CPU s | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in CONTENDERS:
        best = [min(r[name][i] for r in rounds) for i in range(4)]
        ratios = [statistics.median(r[YARDSTICK][i] / r[name][i] for r in rounds) for i in range(4)]
        cells = [f"{time:.2f} | {ratio:.2f}" for time, ratio in zip(best, ratios, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to save; default: a temporary folder")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=CONTENDERS, help="one contender, for its peak of memory")
    arguments = parser.parse_args()
    tensors = tensors_of_base()
    targets = {n: {k: torch.empty_like(t) for k, t in v.items()} for n, v in tensors.items()}
    copy_into(targets, tensors)
    names, before = [arguments.only] if arguments.only else [*CONTENDERS], peak_mib()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rounds = [
            {name: measure(name, Path(folder), tensors, targets) for name in names}
            for _ in range(arguments.rounds)
        ]
    if arguments.only:
        print(f"{arguments.only}: {peak_mib() - before:.0f} MiB above {before:.0f}")
    else:
        table(rounds)


if __name__ == "__main__":
    main()
