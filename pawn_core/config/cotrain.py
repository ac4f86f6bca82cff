"""Cotraining: several variants learn from the same batches, each by a schedule of its own."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from pawn_core.config.errors import config_error, did_you_mean, shown
from pawn_core.config.games import GamesConfig
from pawn_core.config.pretrain import PretrainConfig
from pawn_core.config.run import SINGLE
from pawn_core.config.types import FIXED_ON_RESUME, VARIANT, VariantsHubRepo

MEMBER_NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
MOST_VARIANTS = 16

_SCHEDULE = ("decay_steps", "cooldown_steps", "constant_lr_ratio")
OWN_FIELDS = (
    *("variant", "d_model", "n_layers", "n_heads", "d_ff", "seed"),
    *("optimizer", "lr", "lr_schedule", "warmup_steps", "min_lr_ratio", *_SCHEDULE),
    *("weight_decay", "max_grad_norm", "patience", "patience_metric"),
)
"""Fields that a variant may have for itself; all others are shared, for the batches are."""

MemberName = Annotated[str, StringConstraints(pattern=rf"^{MEMBER_NAME}$")]


class CotrainConfig(GamesConfig):
    """Train several variants at once on one stream of random games."""

    pace_fields: ClassVar[frozenset[str]] = GamesConfig.pace_fields | {"variants"}

    run_type: Literal["cotrain"] = Field(
        "cotrain", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    variants: dict[MemberName, dict[str, Any]] = Field(
        {"small": {}, "base": {}, "large": {}},
        min_length=1,
        max_length=MOST_VARIANTS,
        description="Each model's name with the fields it has for itself, as "
        '{"small": {"lr": 1e-3}, "wide": {"variant": "base", "d_model": 768}}; its variant is its '
        f"name unless given. Allowed: {', '.join(OWN_FIELDS)}.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    hf_repo: VariantsHubRepo | None = Field(
        None,
        description="Hugging Face repository for checkpoints, on a branch of its own; with "
        "{variant}, as in owner/pawn-{variant}, one for each; needs `hf auth login`.",
    )

    @model_validator(mode="after")
    def _check_variants(self) -> Self:
        for name, own in self.variants.items():
            _check_own_fields(name, own)
            self._member(name, own)
        return self

    @classmethod
    def model_names(cls, config: Mapping[str, Any]) -> list[str]:
        """Return the variants' names."""
        variants = config.get("variants")
        return list(variants) if isinstance(variants, dict) and variants else [SINGLE]

    @property
    def real_size(self) -> bool:
        """Whether any variant is more than a toy."""
        return any(member.real_size for member in self.members().values())

    def members(self) -> dict[str, PretrainConfig]:
        """Return each variant as the pretraining run that it equals."""
        return {name: self._member(name, own) for name, own in self.variants.items()}

    def no_effect(self, on_gpu: bool | None = None) -> dict[str, str]:
        """Return the fields that were set to no effect: for every variant, or for one of them."""
        of_members = {name: m.no_effect(on_gpu) for name, m in self.members().items()}
        reasons = dict.fromkeys(self._overruled(), "each variant has its own")
        for name, own in self.variants.items():
            for field, why in of_members[name].items():
                if field in own:
                    reasons[f"variants.{name}.{field}"] = why
                elif all(field in others for others in of_members.values()):
                    reasons[field] = why
        return reasons

    def settings(self, on_gpu: bool | None = None) -> dict[str, Any]:
        """Return what all variants have in common, and under `variants` what each has beside."""
        of_members = {name: m.settings(on_gpu) for name, m in self.members().items()}
        first, *others = of_members.values()
        common = {
            field: value
            for field, value in first.items()
            if all(field in other and other[field] == value for other in others)
        }
        own = {
            name: {field: value for field, value in settings.items() if field not in common}
            for name, settings in of_members.items()
        }
        return common | {"run_type": self.run_type, "variants": own}

    def _overruled(self) -> list[str]:
        """Return the fields that were set although every variant sets them for itself."""
        defaults = type(self).model_fields
        return [
            field
            for field in OWN_FIELDS
            if field in defaults
            and getattr(self, field) not in (defaults[field].default, self.follows().get(field))
            and all(field in own for own in self.variants.values())
        ]

    def _member(self, name: str, own: dict[str, Any]) -> PretrainConfig:
        shared = self.model_dump(exclude={"run_type", "variants"})
        if self.hf_repo is not None:
            shared["hf_repo"] = self.hf_repo.replace(VARIANT, name)
        if "lr_schedule" in own:
            shared |= dict.fromkeys(_SCHEDULE)
        try:
            return PretrainConfig.model_validate({"variant": name} | shared | own)
        except ValidationError as error:
            problems = config_error(error, PretrainConfig, "run_type 'pretrain'")
            raise ValueError(f"variants.{name}: {problems}") from None


def _check_own_fields(name: str, own: dict[str, Any]) -> None:
    for field in own:
        if field not in OWN_FIELDS:
            raise ValueError(
                f"variants.{name}.{shown(field)[1:-1]} is not a variant's own field; "
                f"allowed: {', '.join(OWN_FIELDS)}{did_you_mean(field, OWN_FIELDS)}"
            )
