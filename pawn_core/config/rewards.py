"""How what was verified of a completion makes its reward."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.idle import Idle
from pawn_core.config.tasks import SCHEMES, component_names, scheme_kind
from pawn_core.config.types import ABLATION

_SCHEME_NAMES = tuple(scheme.name for scheme in SCHEMES)


def _checked_name(name: str) -> str:
    return scheme_kind(name).name


def _checked_weights(weights: dict[str, float]) -> dict[str, float]:
    names = component_names()
    for name, weight in weights.items():
        if name not in names:
            raise ValueError(
                f"{shown(name)} is no component; one of: {', '.join(names)}"
                f"{did_you_mean(name, names)}"
            )
        if weight < 0.0:
            raise ValueError(f"{name} {weight:g} is not allowed: >= 0")
    return weights


SchemeName = Annotated[str, AfterValidator(_checked_name)]
Weights = Annotated[dict[str, float], Field(max_length=256), AfterValidator(_checked_weights)]


class RewardsConfig(BaseConfig):
    """A scheme of rewards and what it can be told."""

    reward_fields: ClassVar[frozenset[str]] = frozenset(
        {"reward_scheme", "reward_weights", "reward_shaping"}
    )

    # Rewards
    reward_scheme: SchemeName = Field(
        "verified",
        description="How what was verified makes a reward; all but verified are published ones: "
        f"{', '.join(_SCHEME_NAMES)}.",
        json_schema_extra=ABLATION | {"enum": list(_SCHEME_NAMES)},
    )
    reward_weights: Weights | None = Field(
        None,
        description="Weights of components in the scheme verified other than its own, as "
        f'{{"environment.fen_exact": 1}}: {", ".join(component_names())}.',
        json_schema_extra=ABLATION,
    )
    reward_shaping: Literal["linear", "graduated", "binary"] | None = Field(
        None,
        description="Shaping of the scheme mini; default linear.",
        json_schema_extra=ABLATION,
    )

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        shapings = scheme_kind(self.reward_scheme).shapings
        return super().follows() | ({"reward_shaping": shapings[0]} if shapings else {})

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing: those that the scheme does not read."""
        yield from super().idle_fields(on_gpu)
        if self.reward_scheme != "verified":
            yield Idle("reward_weights", None, f"reward_scheme '{self.reward_scheme}' has its own")
        if not scheme_kind(self.reward_scheme).shapings:
            readers = ", ".join(scheme.name for scheme in SCHEMES if scheme.shapings)
            why = f"reward_scheme '{self.reward_scheme}' does not read it: {readers}"
            yield Idle("reward_shaping", None, why)
