"""What it takes to build a model of positions: a checkpoint keeps it as `position_model.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from pawn_core.checkpoint.errors import IncompatibleWeightsError
from pawn_core.config import Architecture
from pawn_core.config.position_models import Trunk, ValueHead
from pawn_core.config.position_tasks import POSITION_TASKS

TASKS = tuple(task.name for task in POSITION_TASKS)


@dataclass(frozen=True)
class PositionModelSpec:
    """Everything that is needed to build the model."""

    architecture: Architecture
    """Channels of a square, blocks and heads of attention; `d_ff` is of a transformer's."""
    trunk: Trunk = "tower"
    attention_every: int = 3
    """Residual blocks of a tower before each block of attention; 0: no attention."""
    attention_mask_share: float = 0.8
    """Share of a tower's attention that is confined to lines and knight moves."""
    policy_rank: int = 0
    """Of a dense policy head over the whole board; 0: one of each square's moves."""
    value_head: ValueHead = "tanh"
    tasks: tuple[str, ...] = TASKS
    """The tasks that have a head, besides policy and value."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self) | {
            "architecture": self.architecture._asdict(),
            "tasks": list(self.tasks),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], where: Path) -> "PositionModelSpec":
        """Return what a `position_model.json` says.

        Raises:
            IncompatibleWeightsError: it says something else.
        """
        try:
            fields = {name: document[name] for name in cls.__dataclass_fields__}
            sizes = {name: fields["architecture"][name] for name in Architecture._fields}
            tasks = tuple(fields["tasks"])
        except (KeyError, TypeError) as error:
            raise IncompatibleWeightsError(
                f"{where} is no model's of positions: {error!r}"
            ) from None
        _check_words(where, "trunk", [fields["trunk"]], get_args(Trunk))
        _check_words(where, "value_head", [fields["value_head"]], get_args(ValueHead))
        _check_words(where, "tasks", tasks, TASKS)
        counts = {**sizes, "policy_rank": fields["policy_rank"]}
        counts["attention_every"] = fields["attention_every"]
        _check_numbers(where, counts, fields["attention_mask_share"])
        return cls(**fields | {"architecture": Architecture(**sizes), "tasks": tasks})


def _check_words(where: Path, field: str, words: Any, allowed: tuple[str, ...]) -> None:
    for word in words:
        if word not in allowed:
            raise IncompatibleWeightsError(
                f"{where}: {field} {word!r} is unknown; allowed: {', '.join(allowed)}"
            )


def _check_numbers(where: Path, counts: Mapping[str, Any], share: Any) -> None:
    for name, count in counts.items():
        least = 1 if name in Architecture._fields else 0
        if type(count) is not int or count < least:
            raise IncompatibleWeightsError(
                f"{where}: {name} is {count!r}; allowed: {least} or more"
            )
    if type(share) not in (int, float) or not 0 <= share <= 1:
        raise IncompatibleWeightsError(
            f"{where}: attention_mask_share is {share!r}; allowed: 0 to 1"
        )
