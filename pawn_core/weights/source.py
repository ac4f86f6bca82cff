"""Where weights come from: a Hugging Face repository, a checkpoint directory or a bare file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pawn_core.checkpoint.errors import (
    CheckpointIntegrityError,
    IncompatibleWeightsError,
    IncompleteCheckpointError,
)
from pawn_core.checkpoint.manifest import checkpoint_step, file_sha256, read_document
from pawn_core.checkpoint.safety import check_tensor_file
from pawn_core.config.weights import REPOSITORY
from pawn_core.run_paths import ADAPTER, BACKBONE, CONFIG, MODEL, SENTINEL
from pawn_core.text_path import is_file, is_folder

_PLAIN = (MODEL, CONFIG, SENTINEL)
_ADAPTED = (ADAPTER, CONFIG, SENTINEL, BACKBONE)
_PICKLE_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
_FORMS = (
    "a Hugging Face repository ('owner/name', 'owner/name@revision', "
    "'owner/name@revision:folder'), a directory with "
    f"{MODEL} or {ADAPTER}, or a .safetensors file"
)


@dataclass(frozen=True)
class Origin:
    """Which weights a model was loaded from."""

    source: str
    """As the config names them."""
    path: str
    """The file that they were read from."""
    sha256: str
    """Of that file."""
    revision: str | None
    """The commit of the repository that it is from; None where it is from none."""
    step: int | None
    """Of the checkpoint that they belong to; None where they belong to none."""


@dataclass(frozen=True)
class Files:
    """Weights on this machine, checked; the config beside them where there is one."""

    model: Path
    config: dict[str, Any] | None
    revision: str | None = None
    """The commit of the repository that they are from; None where they are from none."""
    backbone: dict[str, Any] | None = None
    """The weights that an adapter was trained on (`weights.backbone`); None of plain weights."""
    sha256: str | None = None
    """Of the weights, where it was checked already."""

    def origin(self, source: str) -> Origin:
        """Return which weights these are, named as `source`."""
        path, sha256 = str(self.model.absolute()), self.sha256 or file_sha256(self.model)
        return Origin(source, path, sha256, self.revision, checkpoint_step(self.model.parent))


def find(source: str | Path) -> Files:
    """Return the files of a source; a repository is downloaded once and cached.

    A path that exists comes before a repository of the same name. Files listed in a `.complete`
    beside the weights are verified against their SHA-256.

    Raises:
        IncompatibleWeightsError: the source is none of the known forms, or a pickle.
        IncompleteCheckpointError: it does not exist, or has no weights.
        CheckpointIntegrityError: a file is not what `.complete` says, or not safetensors.
    """
    path = Path(source)
    if path.suffix in _PICKLE_SUFFIXES:
        raise IncompatibleWeightsError(_pickle_advice(path))
    path = path.parent if path.name == ADAPTER and is_file(path) else path
    if is_folder(path):
        names = _PLAIN if is_file(path / MODEL) or not is_file(path / ADAPTER) else _ADAPTED
        return _checked(str(path), [_if_file(path / name) for name in names])
    if is_file(path):
        return _checked(str(path), [path, None, None])
    match = REPOSITORY.fullmatch(str(source))
    if match is None:
        raise IncompatibleWeightsError(f"weights {str(source)!r} do not exist; allowed: {_FORMS}")
    place = HubPlace(*match.groups())
    files = _checked(str(source), _of_repository(place))
    return replace(files, revision=place.commit_of(files.model))


def companion(source: str | Path, files: Files, name: str) -> Path | None:
    """Return another file of a source, of the same commit; None where it has none of that name.

    Raises:
        CheckpointIntegrityError: it is not what `.complete` says.
    """
    path = files.model.parent / name
    match = REPOSITORY.fullmatch(str(source))
    if match and files.revision and not path.is_file():
        try:
            _download(HubPlace(*match.groups()).at(files.revision), name)
        except LocalEntryNotFoundError:
            return None
    if not path.is_file():
        return None
    if (sentinel := path.parent / SENTINEL).is_file():
        _verify(sentinel, [path])
    return path


def _checked(name: str, files: list[Path | None]) -> Files:
    model, config, sentinel, *rest = files
    if model is None:
        raise IncompleteCheckpointError(f"{name} has no {MODEL}; allowed: {_FORMS}")
    if None in rest:
        raise IncompleteCheckpointError(f"{name} has an adapter, and no {BACKBONE} of it")
    hashes = {}
    if sentinel is not None:
        hashes = _verify(sentinel, [file for file in (model, config, *rest) if file is not None])
    check_tensor_file(model)
    config, *rest = (read_document(file) if file else None for file in (config, *rest))
    backbone = rest[0] if rest else None
    return Files(model, config, backbone=backbone, sha256=hashes.get(model.name))


def _verify(sentinel: Path, files: list[Path]) -> dict[str, str]:
    """Check files against the hashes of a `.complete`, ours or a published one; return those."""
    hashes = read_document(sentinel).get("files")
    if not isinstance(hashes, dict):
        raise CheckpointIntegrityError(f"{sentinel} lists no files")
    for file in files:
        if hashes.get(file.name) != file_sha256(file):
            raise CheckpointIntegrityError(f"{file} does not match its SHA-256 in {SENTINEL}")
    return hashes


def _if_file(path: Path) -> Path | None:
    return path if path.is_file() else None


class HubPlace(NamedTuple):
    """Where on the hub a model is."""

    repository: str
    revision: str | None
    folder: str | None

    def commit_of(self, file: Path) -> str:
        """Return the commit of a file in the cache, `snapshots/COMMIT/FOLDER/NAME`."""
        return file.parents[len(Path(self.folder or "").parts)].name

    def at(self, revision: str) -> "HubPlace":
        """Return the same place at a revision."""
        return self._replace(revision=revision)

    def __str__(self) -> str:
        """Return the source that names it."""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.repository}{revision}" + (f":{self.folder}" if self.folder else "")


def pinned(source: str, revision: str | None) -> str:
    """Return a repository's source at a commit; any other source as it is."""
    match = REPOSITORY.fullmatch(source)
    return str(HubPlace(*match.groups()).at(revision)) if match and revision else source


def _of_repository(place: HubPlace) -> list[Path | None]:
    """Return the files of a model or of an adapter: first that of which the cache has weights."""
    kinds = sorted((_PLAIN, _ADAPTED), key=lambda names: _cached(place, names[0]) is None)
    files = _downloaded(place, kinds[0])
    return files if files[0] is not None else _downloaded(place, kinds[1])


def _downloaded(place: HubPlace, names: tuple[str, ...]) -> list[Path | None]:
    """Return a repository's files on this machine; None for each that the repository lacks.

    All are of one commit, though a branch may move meanwhile. Where the hub cannot be reached, what
    is in the cache is all there is, if it was there before: a download that broke off is not taken
    for a repository without the rest.
    """
    cached_before = _cached(place, names[0])
    try:
        model = _download(place, names[0])
        fixed = place.at(place.commit_of(model)) if model else place
        return [model, *(_download(fixed, name) for name in names[1:])]
    except LocalEntryNotFoundError as error:
        if cached_before is not None:
            return [_cached(place, name) for name in names]
        raise IncompleteCheckpointError(
            f"{place.repository} is not in the cache and the hub cannot be reached: {error}"
        ) from None


def _cached(place: HubPlace, name: str) -> Path | None:
    try:
        return _download(place, name, local_files_only=True)
    except LocalEntryNotFoundError:
        return None


def _download(place: HubPlace, name: str, local_files_only: bool = False) -> Path | None:
    """Return a repository's file on this machine; None where the repository has no such file.

    Raises:
        LocalEntryNotFoundError: the hub cannot be reached, and the file is not in the cache.
    """
    try:
        path = hf_hub_download(
            place.repository,
            name,
            subfolder=place.folder,
            revision=place.revision,
            local_files_only=local_files_only,
        )
        return Path(path)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return None
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        where = f"{place.repository}@{place.revision}" if place.revision else place.repository
        raise IncompleteCheckpointError(
            f"the hub has no {where}, or this account may not read it ({type(error).__name__})"
        ) from None
    except HfHubHTTPError as error:
        raise IncompleteCheckpointError(
            f"{place.repository} cannot be downloaded: {error}"
        ) from None


def _pickle_advice(path: Path) -> str:
    return (
        f"{path} is a pickle: loading it can run any code, so it is never opened here. Convert it "
        "once where you trust it: state = torch.load(path, weights_only=True); "
        "safetensors.torch.save_file(state, 'model.safetensors')"
    )
