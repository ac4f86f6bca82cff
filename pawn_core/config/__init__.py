"""Run configurations: the one source of JSON Schema, CLI flags and validation."""

from pawn_core.config.adapter import AdapterConfig
from pawn_core.config.architecture import VARIANTS, Architecture
from pawn_core.config.cotrain import CotrainConfig
from pawn_core.config.errors import ConfigError
from pawn_core.config.eval import EvalConfig
from pawn_core.config.grpo import GrpoConfig
from pawn_core.config.imports import ImportConfig
from pawn_core.config.multitask import MultitaskConfig
from pawn_core.config.pretrain import PretrainConfig
from pawn_core.config.registry import (
    RUN_TYPES,
    RunType,
    changed,
    config_json_schema,
    parse_config,
    run_type_named,
)
from pawn_core.config.run import RunConfig
from pawn_core.config.sft import SftConfig
from pawn_core.config.training import TrainingConfig

__all__ = [
    "RUN_TYPES",
    "VARIANTS",
    "AdapterConfig",
    "Architecture",
    "ConfigError",
    "CotrainConfig",
    "EvalConfig",
    "GrpoConfig",
    "ImportConfig",
    "MultitaskConfig",
    "PretrainConfig",
    "RunConfig",
    "RunType",
    "SftConfig",
    "TrainingConfig",
    "changed",
    "config_json_schema",
    "parse_config",
    "run_type_named",
]
