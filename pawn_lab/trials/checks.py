"""Checked configs: what a caller wants to run, refused where this lab cannot run it."""

import json
from collections.abc import Mapping
from typing import Any

from pawn_core.config import ConfigError, RunConfig, parse_config
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidConfigError, InvalidRequestError

MOST_CONFIG_BYTES = 65_536
SEED_COUNTS = range(1, 101)


def checked_config(config: Mapping[str, Any]) -> RunConfig:
    """Validate a config and refuse what this version cannot do.

    Raises:
        InvalidConfigError: one line for each problem.
    """
    check_json("config", dict(config) if isinstance(config, StoredConfig) else config)
    try:
        parsed = parse_config(config)
    except ConfigError as error:
        raise InvalidConfigError(str(error)) from error
    check_supported(parsed)
    return parsed


def check_json(argument: str, value: Any) -> None:
    """Refuse what cannot be written as JSON, or is too large.

    Raises:
        InvalidConfigError: says which.
    """
    try:
        size = len(json.dumps(value, sort_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidConfigError(f"{argument} is not JSON: {error}") from error
    if size > MOST_CONFIG_BYTES:
        raise InvalidConfigError(f"{argument} is over {MOST_CONFIG_BYTES} bytes")


def check_supported(config: RunConfig) -> None:
    """Refuse a valid config that this version has no part for.

    Raises:
        InvalidConfigError: one line for each field.
    """
    if refusals := config.refusals():
        raise InvalidConfigError("\n".join(refusals))


def checked_seeds(config: RunConfig, seeds: int) -> list[RunConfig]:
    """Return the config once for each seed, counting up from its own.

    What is learned from follows the seed, unless the config fixes a seed of its own for it.

    Raises:
        InvalidRequestError: not a number of seeds, or one of them cannot be used.
    """
    if type(seeds) is not int or seeds not in SEED_COUNTS:
        raise InvalidRequestError(
            f"seeds {seeds!r} is not allowed: a whole number, 1 to {SEED_COUNTS.stop - 1}"
        )
    further = [_with_seed(config, config.seed + offset) for offset in range(1, seeds)]
    return [config, *further]


def _with_seed(config: RunConfig, seed: int) -> RunConfig:
    follow = {*config.seeds} - config.model_fields_set
    values = config.model_dump(mode="json", exclude=follow)
    return checked_config(values | {"seed": seed})


def check_can_be_forecast(config: RunConfig) -> None:
    """Refuse the rule that judges a trial by its forecast where there is none, or one a model.

    Raises:
        InvalidRequestError: names the run type.
    """
    if not config.can_be_forecast:
        why = config.why_no_forecast or "has no loss that falls by a schedule"
        raise InvalidRequestError(
            f"run_type '{config.run_type}' {why}, so nothing "
            "forecasts its end: launch it without stop_by_forecast or early_stopping 'forecast'"
        )
    if len(config.members()) > 1:
        raise InvalidRequestError(
            f"run_type '{config.run_type}' trains several models at once, which no one forecast "
            "judges: launch it without stop_by_forecast or early_stopping 'forecast'"
        )


def with_gpus(config: dict[str, Any], gpus: int | None) -> dict[str, Any]:
    """Return the config for so many devices; None: as many as it says.

    Raises:
        InvalidRequestError: not a number of devices, or the config says another.
    """
    if gpus is None or not isinstance(config, dict):
        return config
    if type(gpus) is not int or gpus < 1:
        raise InvalidRequestError(f"gpus {gpus!r} is not allowed: 1 or more")
    if config.get("gpus", gpus) != gpus:
        raise InvalidRequestError(f"gpus {gpus} and the config's gpus {config['gpus']} differ")
    return config | {"gpus": gpus}
