"""Which weights an adapter was trained on, and where they are by now."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.errors import (
    CheckpointError,
    CheckpointIntegrityError,
    IncompatibleWeightsError,
    IncompleteCheckpointError,
)
from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.checkpoint.safety import tensor_shapes
from pawn_core.run_paths import BACKBONE, MODEL
from pawn_core.text_path import is_file, is_folder
from pawn_core.weights.source import Files, find, pinned
from pawn_core.weights.spec import read_spec
from pawn_core.weights.trials import place_of


@dataclass(frozen=True)
class Backbone:
    """Weights by their hash, with the places where they have been."""

    source: str
    """As the config names them."""
    path: str
    """The file that they were read from; of a published adapter as it lies from its folder."""
    sha256: str
    """Of that file."""
    revision: str | None
    """The commit of the repository that it is from; None where it is from none."""
    step: int | None
    """Of the checkpoint that they belong to; None where they belong to none."""
    model: dict[str, Any]
    """Dimensions, vocabulary and layout."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any], where: Path) -> "Backbone":
        """Return what `document`, of a checkpoint's folder or a file in it, says.

        Raises:
            CheckpointIntegrityError: it says something else; `where` is named.
        """
        names = [field.name for field in fields(cls)]
        texts = all(isinstance(document.get(name), str) for name in ("source", "path", "sha256"))
        if document.keys() != set(names) or not texts:
            raise CheckpointIntegrityError(
                f"{BACKBONE} of {where} is not what an adapter's has: {', '.join(names)}"
            )
        folder = where if is_folder(where) else where.parent
        return replace(cls(**document), path=str(folder.absolute() / document["path"]))

    def find(self, run_dir: Path) -> Files:
        """Return the files of these weights and no others: where they were, else by their source.

        Args:
            run_dir: a run in a trial's folder, beside which `trial:N` is looked for.

        Raises:
            IncompleteCheckpointError: they are in none of the places.
            IncompatibleWeightsError: other weights are there.
        """
        others, missing = [], []
        for place in self._places():
            try:
                files = find(place_of(place, run_dir))
            except (CheckpointError, OSError) as error:
                missing.append(str(error))
                continue
            if (sha256 := file_sha256(files.model)) == self.sha256:
                return files
            others.append(f"{files.model} has SHA-256 {sha256}{self._differences(files)}")
        kind = IncompatibleWeightsError if others else IncompleteCheckpointError
        raise kind(self._not_found(others or missing))

    def _places(self) -> Iterator[str]:
        path = Path(self.path)
        if is_file(path):
            yield str(path.parent if path.name == MODEL else path)  # a folder has a config too
        yield pinned(self.source, self.revision)

    def _differences(self, files: Files) -> str:
        """Return in what other weights are another model; nothing where only numbers differ."""
        try:
            other = read_spec(tensor_shapes(files.model), files.config).document()
        except CheckpointError as error:
            return f" ({error})"
        differing = [name for name, value in self.model.items() if other.get(name) != value]
        listed = (f"{name} {other.get(name)}, not {self.model[name]}" for name in differing)
        return f" ({'; '.join(listed)})" if differing else ""

    def _not_found(self, reasons: list[str]) -> str:
        return (
            f"the backbone of this adapter, {self.source!r} (SHA-256 {self.sha256}), is not at "
            f"hand: {'; '.join(dict.fromkeys(reasons))}. An adapter runs on the very weights it "
            f"was trained on: put them at {self.path}"
        )
