"""What a job has written, brought from the bucket into the trial's folder."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from huggingface_hub import BucketFile

from pawn_core.checkpoint.errors import CheckpointIntegrityError, IncompleteCheckpointError
from pawn_core.checkpoint.manifest import checkpoint_step, verify
from pawn_core.run_paths import SENTINEL
from pawn_lab.executors.hf_jobs.hub import Hub
from pawn_lab.executors.hf_jobs.node import OUT
from pawn_lab.trial_paths import TrialPaths

_TOP = ("node.json", "shim.json", "shim.log", "trainer.log", "exit.json")
_RUN, _PREFLIGHTS = "run", "preflights"

Files = Mapping[str, BucketFile]


def small_files(paths: TrialPaths, files: Files, known: dict[str, str], hub: Hub) -> None:
    """Bring the files besides checkpoints that have changed; the recorded end after all others.

    known: the hashes of what is here by path; takes what is brought.

    Raises:
        HubError: they cannot be had now.
        OSError: they cannot be written.
    """
    changed = [name for name in files if _is_ours(name) and not _is_of_checkpoint(name, paths)]
    changed = [name for name in changed if known.get(name) != files[name].xet_hash]
    if not changed:
        return
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=paths.root) as incoming:
        places = {name: Path(incoming) / str(number) for number, name in enumerate(changed)}
        hub.fetch([(files[name], place) for name, place in places.items()])
        for name in sorted(changed, key=lambda name: name == paths.exit.name):
            target = _place(paths, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(places[name]).replace(target)
            known[name] = files[name].xet_hash


def lacking(paths: TrialPaths, files: Files) -> list[str]:
    """Return the finished checkpoints of a job that are not here, by rising step."""
    names = (checkpoint_of(name, paths) for name in files if name.endswith(f"/{SENTINEL}"))
    there = {name for name in names if name and f"{_folder(paths)}/{name}/{SENTINEL}" in files}
    return sorted(name for name in there if not _is_settled(paths, name))


def bring_checkpoint(paths: TrialPaths, name: str, files: Files, hub: Hub) -> None:
    """Bring a checkpoint, verify it, and only then put it in its place.

    One that is not what it says is left out for good.

    Raises:
        HubError, OSError: it cannot be had now.
    """
    prefix = f"{_folder(paths)}/{name}/"
    paths.checkpoints.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=paths.root) as incoming:
        folder = Path(incoming) / name
        wanted = [(file, folder / path.removeprefix(prefix)) for path, file in files.items()
                  if path.startswith(prefix) and _is_ours(path)]  # fmt: skip
        hub.fetch(wanted)
        try:
            verify(folder)
        except (IncompleteCheckpointError, CheckpointIntegrityError):
            _refused(paths, name).touch()
            return
        shutil.rmtree(paths.checkpoints / name, ignore_errors=True)
        Path(folder).rename(paths.checkpoints / name)


def checkpoint_of(name: str, paths: TrialPaths) -> str | None:
    """Return the checkpoint that a file is of."""
    if not _is_ours(name) or not _is_of_checkpoint(name, paths):
        return None
    step = PurePosixPath(name).relative_to(_folder(paths)).parts[0]
    return step if checkpoint_step(Path(step)) is not None else None


def listed(hub: Hub, token: str) -> dict[str, BucketFile]:
    """Return what a job has written so far, by path in the trial's folder."""
    return hub.files(token, OUT)


def _is_ours(name: str) -> bool:
    """Say whether a file may be written here: what a job tells is a stranger's word."""
    parts = PurePosixPath(name).parts
    plain = ".." not in parts and not name.startswith("/") and "\\" not in name
    is_report = len(parts) == 2 and parts[0] == _PREFLIGHTS and name.endswith(".json")
    return plain and (name in _TOP or is_report or (len(parts) > 1 and parts[0] == _RUN))


def _place(paths: TrialPaths, name: str) -> Path:
    """Return where a file belongs: reports of preflights are the workspace's."""
    is_shared = PurePosixPath(name).parts[0] == _PREFLIGHTS
    return (paths.root.parent.parent if is_shared else paths.root) / name


def _is_of_checkpoint(name: str, paths: TrialPaths) -> bool:
    return name.startswith(f"{_folder(paths)}/")


def _is_settled(paths: TrialPaths, name: str) -> bool:
    return (paths.checkpoints / name / SENTINEL).is_file() or _refused(paths, name).exists()


def _refused(paths: TrialPaths, name: str) -> Path:
    """Return what marks a checkpoint as not what it says."""
    return paths.checkpoints / f".{name}.refused"


def _folder(paths: TrialPaths) -> str:
    return paths.checkpoints.relative_to(paths.root).as_posix()


def all_settled(paths: TrialPaths, names: Iterable[str]) -> bool:
    """Say whether checkpoints are here, or refused."""
    return all(_is_settled(paths, name) for name in names)
