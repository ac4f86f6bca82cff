"""Configs of trials as the database has them, some perhaps of another version of the lab."""

import functools
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema, from_json

from pawn_core.config import RUN_TYPES, ConfigError, PretrainConfig, RunConfig, parse_config
from pawn_core.config.errors import shown
from pawn_core.config.run import SINGLE

Pairs = dict[str, list[Any]]
"""Values of the first and of the second, by field."""

_MOST_KEPT = 4096


class StoredConfig(Mapping[str, Any]):
    """The fields of a trial's config as they are written, and what they mean to this version.

    All that follows from the fields is derived once, when it is first asked for; what is returned
    is shared and not to be changed.
    """

    def __init__(self, fields: Mapping[str, Any], training_games: int | None = None) -> None:
        """Take the fields, and how many real games the trial has to train on, once that is known.

        Of fewer than were asked for the trial is shorter; its fields stay what was asked for.
        """
        self._fields = dict(fields)
        self.training_games = training_games
        self._settings: dict[bool | None, dict[str, Any]] = {}
        self._no_effect: dict[bool | None, dict[str, str]] = {}
        self._of_models: dict[str, StoredConfig] = {}

    @staticmethod
    @functools.lru_cache(_MOST_KEPT)
    def from_text(text: str, training_games: int | None = None) -> "StoredConfig":
        """Return the config of a row's text: the same object for the same text and games."""
        fields = from_json(text)
        assumed = _assumed(fields)
        whole = fields if assumed.keys() <= fields.keys() else assumed | fields
        return StoredConfig(whole, training_games)

    @staticmethod
    def of(config: RunConfig) -> "StoredConfig":
        """Return a config of this version as it will be stored."""
        return StoredConfig(config.model_dump(mode="json"))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        as_written = core_schema.plain_serializer_function_ser_schema(dict)
        return core_schema.no_info_plain_validator_function(_stored, serialization=as_written)

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __or__(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return self._fields | dict(changes)

    def __repr__(self) -> str:
        return f"StoredConfig({self._fields!r})"

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or the default where the config has none of that name."""
        return self._fields.get(name, default)

    @property
    def kind(self) -> type[RunConfig]:
        """The class that speaks for the config; of an unknown run type that of pretraining."""
        return (self.known_kind or PretrainConfig).kind_of(self)

    @cached_property
    def known_kind(self) -> type[RunConfig] | None:
        """The class of the config; None where its run type is none of this version."""
        name = self.get("run_type")
        return next((run_type.config for run_type in RUN_TYPES if run_type.name == name), None)

    @cached_property
    def unknown_fields(self) -> dict[str, Any]:
        """What it says that its class here does not have; all of an unknown run type."""
        fields = self.known_kind.model_fields if self.known_kind else {}
        return {name: value for name, value in self._fields.items() if name not in fields}

    @cached_property
    def parsed(self) -> RunConfig | None:
        """The config as this version reads it, its unknown fields aside; None where it cannot."""
        if self.known_kind is None:
            return None
        try:
            unknown = self.unknown_fields
            return parse_config({n: v for n, v in self._fields.items() if n not in unknown})
        except ConfigError:
            return None

    @cached_property
    def fitted(self) -> RunConfig | None:
        """The config that is run, its length that of the games there are; None as of `parsed`."""
        if self.parsed is None or self.training_games is None:
            return self.parsed
        try:
            return self.parsed.fitted(self.training_games)
        except ValueError:  # which the trainer tells, and ends
            return self.parsed

    @property
    def as_run(self) -> "StoredConfig":
        """The config with what it comes to on the games there are; without games, itself."""
        if self.fitted is None or self.training_games is None:
            return self
        return StoredConfig(self.fitted.model_dump(mode="json") | self.unknown_fields)

    def on_games_of(self, other: "StoredConfig") -> "StoredConfig":
        """Return the config of a trial that reads the games of another."""
        return StoredConfig(self._fields, other.training_games)

    @property
    def length(self) -> int:
        """The whole length of the trial, in the unit of progress of its run type."""
        asked = self[self.kind.progress.field]
        return asked if self.fitted is None else min(asked, self.fitted.length)

    @property
    def target(self) -> int:
        """Where the trial ends or pauses, in the unit of progress of its run type."""
        return self.end(self.get("pause_after_steps"))

    def end(self, pause: int | None) -> int:
        """Return where the trial ends if it pauses there, or nowhere."""
        return min(pause or self.length, self.length)

    @property
    def strangeness(self) -> str | None:
        """Why it is not a config of this version; None where it is one."""
        if self.known_kind is None:
            return f"run_type {shown(self.get('run_type'))} is unknown here"
        if self.unknown_fields:
            return f"fields unknown here: {', '.join(self.unknown_fields)}"
        return "a config that is refused here" if self.parsed is None else None

    @property
    def beyond_defaults(self) -> dict[str, Any]:
        """The fields that are not at their defaults."""
        defaults = self.known_kind.defaults() if self.known_kind else {}
        return {
            name: value
            for name, value in self.items()
            if value is not None and not (name in defaults and value == defaults[name])
        }

    def settings(self, on_gpu: bool | None = None) -> dict[str, Any]:
        """Return what makes the trial's run: equal for configs that come to the same run.

        A config that this version refuses, of another one say, stands for itself, and so do fields
        that only it has.
        """
        if on_gpu not in self._settings:
            self._settings[on_gpu] = self._derived_settings(on_gpu)
        return self._settings[on_gpu]

    def _derived_settings(self, on_gpu: bool | None) -> dict[str, Any]:
        if self.parsed is not None:
            try:
                return self.parsed.settings(on_gpu) | self.unknown_fields
            except ValueError:
                pass  # as it is written, then
        return {name: value for name, value in self._fields.items() if value is not None}

    def no_effect(self, on_gpu: bool | None = None) -> dict[str, str]:
        """Return the fields that are set to no effect, each with the reason."""
        if on_gpu not in self._no_effect:
            self._no_effect[on_gpu] = self.parsed.no_effect(on_gpu) if self.parsed else {}
        return self._no_effect[on_gpu]

    @cached_property
    def models(self) -> list[str]:
        """The names of the trial's models: one without a name, or its variants."""
        return self.kind.model_names(self)

    def of_model(self, name: str) -> "StoredConfig":
        """Return the config of the run that a variant equals; of a single model the trial's own."""
        if name == SINGLE:
            return self
        if name not in self._of_models:
            self._of_models[name] = StoredConfig(self._fields_of_model(name))
        return self._of_models[name]

    def _fields_of_model(self, name: str) -> dict[str, Any]:
        members = self.parsed.members() if self.parsed else {}
        if name in members:
            return members[name].model_dump(mode="json") | self.unknown_fields
        variants = self.get("variants")
        own = variants.get(name) if isinstance(variants, dict) else None
        return {"variant": name} | self._fields | (own if isinstance(own, dict) else {})


def _assumed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what every reading takes for granted; a config of another version may lack it."""
    kind = StoredConfig(fields).kind
    zeros = dict.fromkeys((kind.progress.field, *kind.seeds), 0)
    return {"run_type": "pretrain", "pause_after_steps": None} | zeros


def _stored(config: StoredConfig | Mapping[str, Any]) -> StoredConfig:
    return config if isinstance(config, StoredConfig) else StoredConfig(config)


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> Pairs:
    """Return the fields whose values are not the same; one that is missing counts as None."""
    names = dict.fromkeys([*a, *b])
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


def setting_text(settings: dict[str, Any]) -> str:
    """Return `mate_boost=1.0 no_outcome_token=true optimizer=muon`."""
    return " ".join(f"{name}={_bare(value)}" for name, value in settings.items())


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
