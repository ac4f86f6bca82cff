"""Import: weights from elsewhere become the checkpoint of a run."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pawn_core.config.facts import UNRANKED, Merit, Progress
from pawn_core.config.run import LocalRunConfig
from pawn_core.config.types import FIXED_ON_RESUME, Device
from pawn_core.config.weights import TrialWeights, WeightsSource
from pawn_core.run_paths import CONFIG, MODEL, STATE

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ImportConfig(LocalRunConfig):
    """Take weights over as they are: nothing is trained and nothing measured."""

    progress: ClassVar[Progress] = Progress("total_steps", "step")
    merit: ClassVar[Merit] = UNRANKED
    resumable: ClassVar[bool] = False
    checkpoint_files: ClassVar[frozenset[str]] = frozenset({STATE, CONFIG, MODEL})
    weights_fields: ClassVar[frozenset[str]] = frozenset({"weights"})

    run_type: Literal["import"] = Field(
        "import", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    weights: WeightsSource = Field(
        description="What to take over: a Hugging Face repository (owner/name, "
        "owner/name@revision, owner/name@revision:folder), a folder with model.safetensors, or a "
        ".safetensors file.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    sha256: Sha256 | None = Field(
        None,
        description="Of the file of weights; another one is refused.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    total_steps: int = Field(1, ge=1, le=1, description="An import is one step.")
    device: Device = Field("cpu", description="An import computes next to nothing.")
    gpus: int = Field(1, ge=1, le=1, description="An import takes one device.")

    @model_validator(mode="after")
    def _check_foreign(self) -> Self:
        if TrialWeights.parse(self.weights) is not None:
            raise ValueError(
                f"weights '{self.weights}' are a trial's already, and need no import; allowed: a "
                "Hugging Face repository, a folder or a .safetensors file"
            )
        return self
