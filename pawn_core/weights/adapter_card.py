"""The model card of an exported adapter: of what backbone, on which games, how well."""

from collections.abc import Mapping
from typing import Any

from pawn_core.config import AdapterConfig
from pawn_core.config.weights import REPOSITORY
from pawn_core.weights.card import metadata, usage

_FILTERS = ("elo_min", "elo_max", "time_control", "date_min", "date_max", "no_bots", "min_ply")


def adapter_card(
    name: str,
    license_name: str,
    config: AdapterConfig,
    metrics: Mapping[str, Any],
    backbone: Mapping[str, Any] | None,
) -> str:
    """Return the card as Markdown; `backbone` is None of a model trained from scratch."""
    titles = {m.name: m.title for m in config.metrics if m.record == "eval"}
    shown = {k: metrics[k] for k in titles if metrics.get(k) is not None}
    sections = (
        metadata(name, license_name, shown, "chess games of people", _base_model(backbone)),
        f"# {name}\n\n{_summary(config, metrics['step'], backbone)}",
        f"## Measured\n\n{_conditions(config, metrics)}\n\n{_table(shown, titles)}",
        f"## Trained\n\n{_training(config, metrics['step'])}",
        f"## Use\n\n{usage(name)}",
    )
    return "\n\n".join(sections) + "\n"


def _base_model(backbone: Mapping[str, Any] | None) -> str | None:
    match = REPOSITORY.fullmatch(backbone["source"]) if backbone else None
    return match[1] if match else None


def _summary(config: AdapterConfig, step: int, backbone: Mapping[str, Any] | None) -> str:
    best = f"State of step {step:,}, the best by validation loss."
    if backbone is None:
        sizes = config.architecture
        return (
            "A causal transformer that predicts the moves of people, trained from scratch: width "
            f"{sizes.d_model}, {sizes.n_layers} layers, {sizes.n_heads} heads. {best}"
        )
    revision = f", commit `{backbone['revision']}`" if backbone["revision"] else ""
    return (
        f"A `{config.strategy}` adapter that predicts the moves of people, on the frozen weights "
        f"of `{backbone['source']}`{revision} (SHA-256 `{backbone['sha256']}`), which it needs: "
        f"they are not part of it. {best}"
    )


def _conditions(config: AdapterConfig, metrics: Mapping[str, Any]) -> str:
    source = config.val_pgn or config.pgn
    return (
        f"On {metrics['games']:,} games of `{source}` ({metrics['positions']:,} predicted moves), "
        "none of them trained on. The model always sees the true history."
    )


def _table(values: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    rows = [f"| `{name}` | {value:.6g} | {titles[name]} |" for name, value in values.items()]
    return "\n".join(("| metric | value | what it is |", "|---|---|---|", *rows))


def _training(config: AdapterConfig, step: int) -> str:
    filters = [f"`{name}: {getattr(config, name)}`" for name in _FILTERS if getattr(config, name)]
    loss = (
        "cross-entropy of the move played among the legal ones"
        if config.illegal_penalty is None
        else "cross-entropy of the move played among all tokens, plus "
        f"{config.illegal_penalty:g} times the probability of illegal moves"
    )
    return (
        f"{step:,} of {config.total_steps:,} steps of {config.batch_size} games, of up to "
        f"{config.max_games:,} of `{config.pgn}` ({', '.join(filters)}); {config.optimizer}, "
        f"learning rate {config.lr:g}, schedule {config.lr_schedule}, weight decay "
        f"{config.weight_decay:g}. Loss: {loss}. `config.json` has every setting, "
        "`metrics.jsonl` the whole course."
    )
