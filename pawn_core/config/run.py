"""What every kind of run has: seed, device, storage, a length and a place to pause."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config import idle
from pawn_core.config.costs import Cost
from pawn_core.config.facts import Kinds, Merit, Metric, Panel, PathKind, Progress
from pawn_core.config.idle import Idle
from pawn_core.config.storage import StorageConfig
from pawn_core.config.types import FIXED_ON_RESUME, Device, Seed, StepCount
from pawn_core.run_paths import ADAPTER, CONFIG, REFERENCE, STATE, WEIGHTS

SINGLE = ""
"""The name of a run's only model."""


class RunConfig(StorageConfig):
    """What every run type can be told, and what each says of itself to those that watch it."""

    run_type: Any
    """Each run type's own name, a literal."""

    progress: ClassVar[Progress]
    merit: ClassVar[Merit]
    checkpoint_files: ClassVar[frozenset[str]] = frozenset({STATE, CONFIG})
    """What the checkpoint of one model holds, `.complete` aside."""
    measured_on: ClassVar[frozenset[str]] = frozenset()
    """Fields that decide what is measured on: values of runs that differ in one do not compare."""
    learned_from: ClassVar[frozenset[str]] = frozenset()
    """Fields that, with the seeds, decide what each step learns from."""
    incidental: ClassVar[frozenset[str]] = frozenset(
        {"local_checkpoints", "hf_repo", "hf_bucket", "shm_checkpoints", "wandb", "trackio"}
        | {"pause_after_steps", "checkpoint_interval", "device", "gpus", "ship_compiled"}
    )
    """Fields that decide when and where it runs, not what it comes to by a step."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    """What is known of the numbers in its records, which may have others."""
    panels: ClassVar[tuple[Panel, ...]] = ()
    """Which numbers of its records are looked at together, those that matter most first."""
    floors: ClassVar[Mapping[str, str]] = {}
    """Metrics of which another number of the same records says how good they can be at best."""
    further_metrics: ClassVar[bool] = False
    """Whether its records have numbers beside those that are worth asking for by their names."""
    beside_merit: ClassVar[tuple[str, ...]] = ()
    """Metrics that a table of runs shows beside that of merit."""
    sample: ClassVar[str] = "items"
    """What it is measured on."""
    kinds: ClassVar[Kinds] = Kinds()
    """Those of `measured_on` that are an ablation of their own: only some metrics depend on them.
    """
    seeds: ClassVar[tuple[str, ...]] = ("seed",)
    """Fields of which other values make a repetition; the last decides what is learned from."""
    tuned: ClassVar[frozenset[str]] = frozenset()
    """Fields that decide how well the same question is answered."""
    searched: ClassVar[tuple[str, ...]] = ()
    """Numbers of which a next value to try can be told, first the one that matters most."""
    rarely_set: ClassVar[frozenset[str]] = frozenset(
        {"run_type", "gpus", "checkpoint_interval", "hf_bucket", "shm_checkpoints"}
        | {"ship_compiled", "wandb", "trackio"}
    )
    """Fields that most configs leave alone."""
    pace_fields: ClassVar[frozenset[str]] = frozenset({"run_type", "device", "gpus"})
    """Fields that decide how long a unit of progress takes on a given device."""
    shapeless: ClassVar[frozenset[str]] = frozenset(
        {"seed", "pause_after_steps", "checkpoint_interval", "local_checkpoints"}
        | {"hf_repo", "hf_bucket", "shm_checkpoints", "ship_compiled", "wandb", "trackio"}
    )
    """Fields that change nothing of what a step holds and takes: one try does for all values."""
    tried_with: ClassVar[Mapping[str, int]] = {}
    """Fields that say how much is evaluated, and how much is enough for a try."""
    can_be_forecast: ClassVar[bool] = False
    """Whether its metric of merit falls by a schedule, so that where it ends can be told."""
    why_no_forecast: ClassVar[str | None] = None
    """Said where one would look for a forecast and there is none: what its run type has or lacks.
    """
    loss_falls: ClassVar[bool] = True
    """Whether a training loss that climbs far above where it had been is a sign of trouble."""
    shown_live: ClassVar[tuple[str, ...]] = ("loss",)
    """Numbers of train records that tell how a run is doing while it goes on."""
    paced_by: ClassVar[Literal["train", "eval"]] = "eval"
    """The type of the records that tell how fast it goes."""

    resumable: ClassVar[bool] = True
    """Whether there is anything to go on with from a checkpoint."""
    weights_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that name weights to start from or to measure, perhaps of another trial."""
    speaks: ClassVar[str] = "moves"
    """What models of its weights read and write: those of runs that speak otherwise are refused."""
    path_fields: ClassVar[Mapping[str, PathKind]] = {}
    """Fields that name a file or a folder of the machine where the run is asked for."""
    decides: ClassVar[Mapping[str, str]] = {}
    """Fields whose change means that another, as it was filled in, is filled in anew."""
    measured_field: ClassVar[str | None] = None
    """That of `weights_fields` which names what the run measures, whose settings count as its own.
    """

    pause_after_steps: StepCount | None = Field(None, description="Save and stop at this step.")
    seed: Seed = Field(0, description="Of all that is random.", json_schema_extra=FIXED_ON_RESUME)
    checkpoint_interval: StepCount | None = Field(
        None, description="Steps between checkpoints; default: one at the end."
    )
    device: Device = Field("auto", description="auto, cpu, cuda or cuda:N.")
    gpus: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that share each batch, one GPU each (on device cpu, none); "
        "torchrun starts them.",
    )

    @model_validator(mode="after")
    def _check_pause(self) -> Self:
        pause, field = self.pause_after_steps, self.progress.field
        if pause is not None and pause > self.length:
            raise ValueError(
                f"pause_after_steps {pause} is past {field} {self.length}; allowed: 1 to {field}"
            )
        return self

    @model_validator(mode="after")
    def _check_devices(self) -> Self:
        if self.gpus > 1 and ":" in self.device:
            raise ValueError(
                f"device '{self.device}' is one GPU and gpus is {self.gpus}; "
                "allowed: auto, cuda or cpu"
            )
        return self

    @property
    def length(self) -> int:
        """The run's whole length, in its unit of progress."""
        return getattr(self, self.progress.field)

    @property
    def target(self) -> int:
        """Where the run ends or pauses, in its unit of progress."""
        return self.pause_after_steps or self.length

    def fitted(self, training_games: int) -> Self:
        """Return the config with its real length, of a run that reads so many training games."""
        return self

    def tried(self, steps: int) -> Self:
        """Return the config of a try: the first so many units, here alone and in one process.

        Evaluations are short; nothing else of what the run computes differs.
        """
        few = {field: min(getattr(self, field), most) for field, most in self.tried_with.items()}
        return type(self).model_validate(self.model_dump() | self.try_changes(steps) | few)

    def try_changes(self, steps: int) -> dict[str, Any]:
        """Return what is another in a try of so many units, evaluations aside."""
        alone = {"local_checkpoints": True, "hf_repo": None, "hf_bucket": None, "gpus": 1}
        alone |= dict.fromkeys(("shm_checkpoints", "ship_compiled", "wandb", "trackio"), False)
        length = {"pause_after_steps": min(steps, self.length), "checkpoint_interval": steps + 1}
        return alone | length

    @property
    def real_size(self) -> bool:
        """Whether running on a CPU would almost always be a mistake."""
        return False

    @classmethod
    def metric(cls, name: str) -> Metric | None:
        """Return what is known of a metric of its records; None where that is nothing."""
        of_merit = Metric(cls.merit.metric, cls.merit.metric, cls.merit.better)
        return next((m for m in (*cls.metrics, of_merit) if m.name == name), None)

    @classmethod
    def speaks_of(cls, name: str) -> bool:
        """Whether a metric is to be compared; where the type says nothing of any, all are."""
        return cls.further_metrics or cls.tells(name)

    @classmethod
    def tells(cls, name: str) -> bool:
        """Whether a list of metrics has one; where the type says nothing of any, all are in it."""
        return not cls.metrics or cls.metric(name) is not None

    @classmethod
    def makes_weights(cls) -> bool:
        """Whether its checkpoints hold weights that can be started from or measured."""
        return bool(cls.checkpoint_files & WEIGHTS)

    @classmethod
    def builds_on(cls) -> frozenset[str]:
        """Return the fields that name weights which its checkpoints are of no use without."""
        return cls.weights_fields if ADAPTER in cls.checkpoint_files else frozenset()

    @classmethod
    def goes_on_with(cls) -> frozenset[str]:
        """Return the fields that name weights without which its checkpoints are not resumed."""
        kept = {ADAPTER, REFERENCE} & cls.checkpoint_files
        return cls.weights_fields if kept else frozenset()

    @classmethod
    def kind_of(cls, config: Mapping[str, Any]) -> "type[RunConfig]":
        """Return the class that speaks for runs of such a config, perhaps of another version."""
        return cls

    @classmethod
    def model_names(cls, config: Mapping[str, Any]) -> list[str]:
        """Return the names of a run's models, by a config perhaps of another version."""
        return [SINGLE]

    @classmethod
    def saying(cls, **facts: Any) -> type[Self]:
        """Return a class of such configs that says these facts of itself instead."""
        return type(cls.__name__, (cls,), facts | {"__module__": cls.__module__})

    def members(self) -> Mapping[str, "RunConfig"]:
        """Return the config of each model that the run trains, by name; of a single one, ''."""
        return {SINGLE: self}

    @classmethod
    def reads_games(cls) -> bool:
        """Whether it can be told to read real games, whose number decides how long it is."""
        return "games" in cls.path_fields.values()

    def weights_named(self) -> dict[str, str]:
        """Return the weights that the config names, by field."""
        return {field: getattr(self, field) for field in sorted(self.weights_fields)}

    def takes(self, field: str) -> frozenset[str]:
        """Return what models of the weights that a field names may speak."""
        return frozenset({self.speaks})

    def reader(self, field: str) -> str:
        """Return what a sentence calls that which takes the weights that a field names."""
        return f"run_type '{self.run_type}'"

    def misfit(self, field: str, trained: Mapping[str, Any]) -> str | None:
        """Say what does not fit the model of a field that a run of the config `trained` trains."""
        return None

    def unread(self) -> frozenset[str]:
        """Return the fields that belong to another choice than this config makes."""
        return frozenset()

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from idle.pause(self)

    def costs(self, machine_has_gpu: bool, from_step: int = 0) -> list[Cost]:
        """Return what the run pays for from a step on that a long one seldom wants to pay."""
        return []


class LocalRunConfig(RunConfig):
    """A run whose checkpoints stay on this machine unless they are given another place."""

    local_checkpoints: bool = Field(
        True, description="Keep checkpoints on this machine alone; default unless hf_repo."
    )

    @model_validator(mode="before")
    @classmethod
    def _keep_checkpoints_here(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "local_checkpoints" in raw:
            return raw
        return raw | {"local_checkpoints": raw.get("hf_repo") is None}
