"""The run types: one entry a type, read by the schema, the CLI, the lab and the trainer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from pawn_core.config.adapter import AdapterConfig
from pawn_core.config.cotrain import CotrainConfig
from pawn_core.config.errors import ConfigError, config_error, entry_named
from pawn_core.config.eval import EvalConfig
from pawn_core.config.grpo import GrpoConfig
from pawn_core.config.imports import ImportConfig
from pawn_core.config.multitask import MultitaskConfig
from pawn_core.config.pretrain import PretrainConfig
from pawn_core.config.run import RunConfig
from pawn_core.config.sft import SftConfig

_MOST_FIELDS = 256


class RunType(NamedTuple):
    """A kind of run: its name, its config class and where its task lives.

    The config class says all else: fields by their marks, and what those need who watch, rank and
    compare by its class variables. `task` is an import path (`module:Class`), so that listing run
    types never imports torch.
    """

    name: str
    config: type[RunConfig]
    task: str


RUN_TYPES: tuple[RunType, ...] = (
    RunType("pretrain", PretrainConfig, "pawn_core.training.pretrain:Pretraining"),
    RunType("cotrain", CotrainConfig, "pawn_core.training.pretrain:Pretraining"),
    RunType("adapter", AdapterConfig, "pawn_core.training.adapter:Adapting"),
    RunType("sft", SftConfig, "pawn_core.training.sft:Supervising"),
    RunType("grpo", GrpoConfig, "pawn_core.training.grpo:Reinforcing"),
    RunType("multitask", MultitaskConfig, "pawn_core.training.multitask:Multitasking"),
    RunType("eval", EvalConfig, "pawn_core.evaluation.task:Evaluating"),
    RunType("import", ImportConfig, "pawn_core.importing:Importing"),
)


def run_type_named(name: object) -> RunType:
    """Return the run type of that name.

    Raises:
        ConfigError: no such run type; lists those there are.
    """
    return entry_named("run_type", name, RUN_TYPES)


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
        owner = f"run_type '{run_type.name}'"
        raise config_error(error, run_type.config, owner) from None


def changed(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that was filled in with changes; what these decide is filled in anew.

    Raises:
        ConfigError: no such run type.
    """
    decides = run_type_named(raw.get("run_type", "pretrain")).config.decides
    stale = {decided for field, decided in decides.items() if field in changes}
    return {name: value for name, value in raw.items() if name not in stale} | dict(changes)


def config_json_schema(name: str = "pretrain") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a run type's config."""
    return run_type_named(name).config.model_json_schema()
