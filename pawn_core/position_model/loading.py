"""A model of positions made new, loaded from a checkpoint, or begun from one with other heads."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from pawn_core.checkpoint.errors import CheckpointError, IncompatibleWeightsError
from pawn_core.checkpoint.manifest import read_document
from pawn_core.checkpoint.safety import check_tensor_file
from pawn_core.config import ConfigError
from pawn_core.config.position_models import ValueHead
from pawn_core.position_model.position_model import PositionModel, head_prefix
from pawn_core.position_model.spec import TASKS, PositionModelSpec
from pawn_core.run_paths import AVERAGE, POSITION_MODEL, UPDATES
from pawn_core.text_path import text_path
from pawn_core.weights.source import Files, Origin, companion, find
from pawn_core.weights.trials import place_of


@dataclass(frozen=True)
class LoadedPositionModel:
    """A model of positions with its weights, and which they are."""

    model: PositionModel
    """float32, in evaluation mode; it computes the same in training mode."""
    origin: Origin
    new_heads: tuple[str, ...] = ()
    """Heads that begin anew: `policy`, `value` or tasks."""
    dropped_heads: tuple[str, ...] = ()
    """Heads of the checkpoint that the model has not."""


@dataclass(frozen=True)
class Heads:
    """The heads that a model is to have which starts from a checkpoint."""

    value_head: ValueHead = "tanh"
    tasks: tuple[str, ...] = TASKS
    policy_rank: int | None = None
    """Of a policy head that begins anew; None: the checkpoint's."""

    def on(self, saved: PositionModelSpec, new: Collection[str]) -> PositionModelSpec:
        """Return the spec of these heads on a checkpoint's trunk.

        Raises:
            IncompatibleWeightsError: one that does not begin anew is another in the checkpoint.
        """
        rank = saved.policy_rank if self.policy_rank is None else self.policy_rank
        spec = replace(saved, value_head=self.value_head, tasks=self.tasks, policy_rank=rank)
        _check_names(new, spec)
        for head, difference in _differences(saved, spec):
            if head not in new:
                raise IncompatibleWeightsError(
                    f"{difference}; name '{head}' in new_heads to begin that head anew"
                )
        return spec


def _check_names(new: Collection[str], spec: PositionModelSpec) -> None:
    heads = ("policy", "value", *spec.tasks)
    for head in new:
        if head not in heads:
            raise IncompatibleWeightsError(
                f"new_heads '{head}' is no head; allowed: {', '.join(heads)}"
            )


def _differences(saved: PositionModelSpec, spec: PositionModelSpec) -> Iterator[tuple[str, str]]:
    """Yield the heads that a checkpoint has otherwise or not at all, and what is different."""
    if saved.value_head != spec.value_head:
        yield "value", f"its value_head is '{saved.value_head}', the config's '{spec.value_head}'"
    if saved.policy_rank != spec.policy_rank:
        yield "policy", f"its policy_rank is {saved.policy_rank}, the config's {spec.policy_rank}"
    for task in spec.tasks:
        if task not in saved.tasks:
            yield task, f"it has no head '{task}'"


def new_position_model(
    spec: PositionModelSpec, seed: int, device: str | torch.device = "cpu"
) -> PositionModel:
    """Return an untrained model, the same on every device."""
    model = PositionModel(spec)
    model.initialize(seed)
    return model.eval().to(device)


def load_position_model(
    source: str, run_dir: Path, device: str | torch.device = "cpu"
) -> LoadedPositionModel:
    """Return the model of a checkpoint of a multitask run, as it was evaluated.

    That is the moving average of its weights, where the checkpoint has one.

    Args:
        source: `trial:12@best`, a checkpoint's folder, a run's folder, `owner/name`,
            `owner/name@revision`.
        run_dir: a run in a trial's folder, beside which `trial:N` is looked for.

    Raises:
        ConfigError: there are no such weights, they are damaged, or of no model of positions.
    """
    try:
        files, spec = _read(source, run_dir)
        model = PositionModel(spec)
        _fill(model, _tensors(files), files.model)
        return LoadedPositionModel(model.eval().to(device), files.origin(source))
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"weights {source!r}: {error}") from None


def start_from(
    source: str,
    run_dir: Path,
    heads: Heads,
    *,
    new_heads: Collection[str] = (),
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> LoadedPositionModel:
    """Return a model with the trunk of a checkpoint, and heads of one's own choice.

    Args:
        source: as `load_position_model` takes it.
        heads: those that the model is to have.
        new_heads: `policy`, `value` or tasks that are drawn by `seed`, whatever the checkpoint has.

    Raises:
        ConfigError: as `load_position_model`; or a head that is not among `new_heads` is another in
            the checkpoint, or not there: the error names it.
    """
    try:
        files, saved = _read(source, run_dir)
        spec = heads.on(saved, new_heads)
        model = PositionModel(spec)
        model.initialize(seed, new_heads)
        dropped = tuple(task for task in saved.tasks if task not in spec.tasks)
        _fill(model, _with_new(model, _tensors(files), new_heads, dropped), files.model)
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"checkpoint {source!r}: {error}") from None
    started = model.eval().to(device)
    return LoadedPositionModel(started, files.origin(source), tuple(new_heads), dropped)


def _read(source: str, run_dir: Path) -> tuple[Files, PositionModelSpec]:
    place = str(place_of(source, run_dir))
    files = find(place)
    document = companion(place, files, POSITION_MODEL)
    if document is None:
        raise IncompatibleWeightsError(
            f"{files.model} is no model of positions: beside it is no {POSITION_MODEL}, as runs of "
            "multitask save it; models of moves and of text read no board"
        )
    average = companion(place, files, AVERAGE)
    if average is not None:
        check_tensor_file(average)
        files = replace(files, model=average)
    return files, PositionModelSpec.read(read_document(document), document)


def _with_new(
    model: PositionModel,
    tensors: Mapping[str, Tensor],
    new: Collection[str],
    dropped: Collection[str],
) -> dict[str, Tensor]:
    """Return a checkpoint's tensors with the model's own for heads that begin anew."""
    anew = tuple(map(head_prefix, new))
    away = (*anew, *map(head_prefix, dropped))
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(away)}
    return kept | {n: t for n, t in model.state_dict().items() if n.startswith(anew)}


def _tensors(files: Files) -> dict[str, Tensor]:
    with text_path(files.model) as readable:
        tensors = load_file(readable)
    return {name: tensor.float() for name, tensor in tensors.items() if name != UPDATES}


def _fill(model: PositionModel, tensors: Mapping[str, Tensor], where: Path) -> None:
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IncompatibleWeightsError(f"{where} is not such a model: {error}") from None
