"""lab_import: weights from elsewhere become a trial."""

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.config.errors import shown
from pawn_core.config.weights import REPOSITORY
from pawn_core.run_paths import MODEL
from pawn_core.text_path import is_there
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.launch import Tags
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer

_FORMS = (
    "a Hugging Face repository ('owner/name', 'owner/name@revision'), a folder with "
    f"{MODEL}, or a .safetensors file"
)


class ImportAnswer(Answer):
    """The trial; repeated: it existed before."""

    trial_id: int
    state: str
    why_waiting: str | None = None
    repeated: list[int] | None = None
    next_check_s: int | None = None


def lab_import(
    lab: Lab,
    weights: Annotated[str, Field(description="Hub repository, folder, file.")],
    tags: Tags = None,
    hypothesis: Annotated[str | None, Field(description="Why.")] = None,
) -> ImportAnswer:
    """Make weights from elsewhere a trial, to compare with.

    trial:N then names them.

    The repository is `owner/name`, `owner/name@revision` or `owner/name@revision:folder`; a folder
    holds model.safetensors, a file is .safetensors. The trial downloads what is not here, checks it
    against the hashes beside it, and saves one checkpoint, which evaluations and exports read like
    any other; its config record tells revision, SHA-256 and model. The same weights are not
    imported twice: a branch that has moved is named by its commit.
    """
    if not is_there(weights) and not REPOSITORY.fullmatch(weights):
        raise InvalidRequestError(f"weights {shown(weights)} do not exist; allowed: {_FORMS}")
    config = {"run_type": "import", "weights": weights, "sha256": _sha256(weights)}
    launched = launching.launch_group(
        lab, config, once=True, tags=tags or [], hypothesis=hypothesis
    )
    (trial,) = launched.trials
    return ImportAnswer(
        trial_id=trial.id,
        state=trial.state,
        why_waiting=trial.why_waiting,
        repeated=launched.known or None,
        next_check_s=check_in(lab).next_check_s,
    )


def _sha256(weights: str) -> str | None:
    """Return that of weights on this machine: a file that changes meanwhile is another model."""
    path = Path(weights)
    with contextlib.suppress(OSError, ValueError):
        return file_sha256(path / MODEL if path.is_dir() else path)
    return None


TOOL = LabTool(lab_import, title="Import weights", creates=True)
