"""The run types: one entry a type, read by the schema, the CLI, the lab and the trainer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pawn_core.config.cotrain import CotrainConfig
from pawn_core.config.errors import ConfigError, config_error, did_you_mean, shown
from pawn_core.config.facts import Merit, Progress
from pawn_core.config.pretrain import PretrainConfig
from pawn_core.config.run import RunConfig

_MOST_FIELDS = 256


@dataclass(frozen=True)
class RunType:
    """A kind of run: its name, its config class and where its task lives.

    The config class says the rest: fields by their marks, all else by its class variables. `task`
    is an import path (`module:Class`), so that listing run types never imports torch.
    """

    name: str
    config: type[RunConfig]
    task: str

    @property
    def progress(self) -> Progress:
        """The field that says how long a run is, and what it counts."""
        return self.config.progress

    @property
    def merit(self) -> Merit:
        """The metric by which runs are ranked, and its direction."""
        return self.config.merit

    @property
    def ablations(self) -> list[str]:
        """The fields that change what is learned from, or by which rule."""
        return self.config.fields_marked("ablation")

    @property
    def fixed_on_resume(self) -> list[str]:
        """The fields that a checkpoint decides."""
        return self.config.fields_marked("fixed_on_resume")

    @property
    def checkpoint_files(self) -> frozenset[str]:
        """What the checkpoint of one model holds, `.complete` aside."""
        return self.config.checkpoint_files

    @property
    def measured_on(self) -> frozenset[str]:
        """The fields that decide what is measured on: runs that differ in one do not compare."""
        return self.config.measured_on

    @property
    def learned_from(self) -> frozenset[str]:
        """The fields that, with the seeds, decide what each step learns from."""
        return self.config.learned_from

    def model_names(self, config: Mapping[str, Any]) -> list[str]:
        """Return the names of a run's models; of a single one, ''."""
        return self.config.model_names(config)


RUN_TYPES: tuple[RunType, ...] = (
    RunType("pretrain", PretrainConfig, "pawn_core.training.pretrain:Pretraining"),
    RunType("cotrain", CotrainConfig, "pawn_core.training.pretrain:Pretraining"),
)


def run_type_named(name: object) -> RunType:
    """Return the run type of that name.

    Raises:
        ConfigError: no such run type; lists those there are.
    """
    for run_type in RUN_TYPES:
        if run_type.name == name:
            return run_type
    names = [run_type.name for run_type in RUN_TYPES]
    hint = did_you_mean(name, names) if isinstance(name, str) else ""
    raise ConfigError(f"run_type {shown(name)} is unknown; one of: {', '.join(names)}{hint}")


def parse_config(raw: Mapping[str, Any]) -> RunConfig:
    """Validate a run configuration and resolve its defaults; `run_type` defaults to pretrain.

    Raises:
        ConfigError: one line for each field that is unknown, out of range or contradicts another.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(f"a config is a JSON object, not {type(raw).__name__}")
    if len(raw) > _MOST_FIELDS:
        raise ConfigError(f"a config has at most {_MOST_FIELDS} fields, not {len(raw)}")
    run_type = run_type_named(raw.get("run_type", "pretrain"))
    try:
        return run_type.config.model_validate(dict(raw))
    except ValidationError as error:
        raise config_error(error, run_type.config, run_type.name) from None


def config_json_schema(name: str = "pretrain") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a run type's config."""
    return run_type_named(name).config.model_json_schema()
