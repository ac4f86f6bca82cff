"""What a job is given: the code as it is here, the trial's files, what its config names."""

import functools
import io
import json
import re
import zipfile
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from pawn_core.config.real_games import is_hub_id
from pawn_lab.configs import StoredConfig
from pawn_lab.documents import load_own
from pawn_lab.executors.hf_jobs import start
from pawn_lab.executors.hf_jobs.hub import MOUNT, python_version
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.executors.hf_jobs.start import CODE, ORDERS_OF_JOB, REQUIREMENTS, START
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store.rows import TrialRow
from pawn_lab.text import MASK
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import subjects
from pawn_lab.trials.code import code_digest

LAB, DATA, BUDGET, STOP = "lab", "data", "orders/budget", "orders/stop"
"""Folders of an attempt in the bucket, as the job sees them; and what it is told later.

A mounted bucket may show old contents of a file for half a minute, so an order is a new file.
"""

_PACKAGES = ("pawn_core", "pawn_lab", "chess_engine")
_SUFFIXES = (".py", ".so", ".json", ".typed")
_OURS = ("pawn-lab", "pawn-engine")
_PROJECT = re.compile(r"^[A-Za-z0-9._-]+")
_LOCAL_VERSION = re.compile(r"\+.*")
_EPOCH = (1980, 1, 1, 0, 0, 0)

File = tuple[Path | bytes, str]


def command(settings: HfJobsSettings) -> list[str]:
    """Return what a job runs; the last one of its programs is the one that gets its signals."""
    run = f"{MOUNT}/{START} {MOUNT}"
    if not settings.install:
        return ["python3", *run.split()]
    steps = (
        f"uv venv -q --python {python_version()} /tmp/pawn-env",
        "uv pip install -q --python /tmp/pawn-env/bin/python --torch-backend auto "
        f"-r {MOUNT}/{REQUIREMENTS}",
        f"exec /tmp/pawn-env/bin/python {run}",
    )
    return ["bash", "-c", " && ".join(steps)]


def files(workspace: WorkspacePaths, trial: TrialRow, every_s: float) -> list[File]:
    """Return what goes into an attempt's folder of the bucket, whose launch files are written.

    Raises:
        OSError: the config names what cannot travel, or a file cannot be read.
    """
    paths = workspace.trial(trial.id)
    data = list(_data(trial.config))
    order = {
        "token": trial.held_token,
        "trial": paths.root.name,
        "code_sha256": code_digest(),
        "python": trial.trainer[0],
        "moved": {str(workspace.root.resolve()): LAB} | dict(data),
        "every_s": every_s,
    }
    given: list[File] = [
        (_code(), CODE),
        (Path(start.__file__), START),
        (_requirements().encode(), REQUIREMENTS),
        (json.dumps(order, indent=1).encode(), ORDERS_OF_JOB),
        (_launch(paths), _in_lab(paths.launch, workspace)),
        (paths.request, _in_lab(paths.request, workspace)),
    ]
    given += [(file, _in_lab(file, workspace)) for file in _passed(workspace, paths)]
    for folder in _checkpoints(workspace, trial):
        given += [(file, _in_lab(file, workspace)) for file in _files(folder)]
    for source, place in data:
        given += [(file, _below(file, Path(source), place)) for file in _files(Path(source))]
    return given


def _passed(workspace: WorkspacePaths, paths: TrialPaths) -> list[Path]:
    """Return the report of the preflight that a trial need not make again."""
    names = {Path(part).name for part in load_own(paths.launch)["argv"]}
    return [file for file in sorted(workspace.preflights.glob("*.json")) if file.name in names]


def _launch(paths: TrialPaths) -> bytes:
    """Return the launch file less the environment of this machine, which is none of the job's."""
    launch = load_own(paths.launch)
    kept = {n: v for n, v in launch["environment"].items() if _travels(n) and MASK not in v}
    return json.dumps(launch | {"environment": kept, "masked": []}).encode()


def _travels(name: str) -> bool:
    return name.startswith(("PAWN_", "PYTHONUNBUFFERED", "PYTHONSAFEPATH", "PYTHONHASHSEED")) and (
        name not in ("PAWN_COMPILED_CACHE", "PAWN_GAMES_CACHE", "PAWN_CPU_SLOTS")
    )


def _checkpoints(workspace: WorkspacePaths, trial: TrialRow) -> Iterator[Path]:
    """Yield the checkpoints that a trial goes on from, or whose weights it names."""
    if trial.checkpoint is not None:
        yield workspace.root / trial.checkpoint
    yield from subjects.folders(trial.config, workspace).values()


def _data(config: StoredConfig) -> Iterator[tuple[str, str]]:
    """Yield the files and folders that a config names from the root on, and their places there.

    Raises:
        OSError: one cannot travel.
    """
    fields = sorted(config.kind.path_fields.keys() | config.kind.weights_fields)
    for number, field in enumerate(fields):
        value = config.get(field)
        if not isinstance(value, str) or not value.startswith("/"):
            continue  # a trial's weights, a name of the hub, a program of the PATH, nothing
        if config.kind.path_fields.get(field) in ("program", "kept") or is_hub_id(value):
            raise OSError(f"{field} '{value}' is of this machine: a job cannot have it")
        yield value, f"{DATA}/{number}/{Path(value).name}"


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    found = sorted(path for path in source.rglob("*") if path.is_file())
    if not found:
        raise FileNotFoundError(f"'{source}' is no file, nor a folder with files")
    return found


def _below(file: Path, source: Path, place: str) -> str:
    inner = file.relative_to(source).as_posix()
    return place if inner == "." else f"{place}/{inner}"


def _in_lab(file: Path, workspace: WorkspacePaths) -> str:
    return f"{LAB}/{file.relative_to(workspace.root).as_posix()}"


@functools.cache
def _code() -> bytes:
    """Return our packages as they are here, always as the same bytes: a job runs the same code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for package in _PACKAGES:
            root = _root(package)
            for file in sorted(root.rglob("*")):
                if file.suffix in _SUFFIXES and file.is_file():
                    name = f"{package}/{file.relative_to(root).as_posix()}"
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), file.read_bytes())
    return buffer.getvalue()


def _root(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, package
    return Path(next(iter(spec.submodule_search_locations or ())))


@functools.cache
def _requirements() -> str:
    """Return what our packages need, in the versions that are installed here."""
    wanted = [line for package in _OURS for line in metadata.requires(package) or ()]
    names = {_PROJECT.findall(line)[0] for line in wanted if "extra ==" not in line} - {*_OURS}
    versions = {name: _LOCAL_VERSION.sub("", metadata.version(name)) for name in names}
    return "".join(f"{name}=={versions[name]}\n" for name in sorted(names))
