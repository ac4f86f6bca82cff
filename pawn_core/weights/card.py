"""The model card of an exported run: what the model is, and how each number was measured."""

from typing import Any

from pawn_core.config import PretrainConfig

_SHOWN = {
    "val_loss": "mean cross-entropy of the next token, nats",
    "perplexity": "exponential of the loss",
    "top1": "share of positions whose next token is the likeliest",
    "top5": "share of positions whose next token is among the five likeliest",
    "kl": "mean KL divergence to the true next-token distribution, nats; 0 for a perfect model",
    "legal_rate": "share of predicted moves that are legal, promotion piece included",
    "late_legal_rate": "the same from ply {late_ply} on",
    "game_completion": "share of (game, side) pairs without an illegal prediction",
    "game_completion_both": "share of games without an illegal prediction by either side",
    "mean_plies_completed": "plies before a side's first illegal prediction",
}

_TAGS = "tags: [chess, world-model, transformer, causal-lm]"

_BOUNDS = {
    "top1_bound": "what a perfect model expects as top-1 on these positions",
    "loss_floor": "what a perfect model expects as loss on these positions",
}


def model_card(
    name: str, license_name: str, config: PretrainConfig, metrics: dict[str, Any]
) -> str:
    """Return the card as Markdown, its metadata in front."""
    shown = {k: v for k, v in metrics.items() if k in _SHOWN and v is not None}
    bounds = {k: v for k, v in metrics.items() if k in _BOUNDS and v is not None}
    sections = (
        metadata(name, license_name, shown, "random chess games"),
        f"# {name}\n\n{_summary(config, metrics['step'])}",
        f"## Measured\n\n{_conditions(config, metrics)}\n\n{_table(shown, _SHOWN, config)}",
        f"### What a perfect model would score\n\n{_table(bounds, _BOUNDS, config)}"
        if bounds
        else "",
        f"## Trained\n\n{_training(config, metrics['step'])}",
        f"## Use\n\n{usage(name)}",
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def imported_card(name: str, license_name: str, config: dict[str, Any]) -> str:
    """Return the card of weights that a run imported, of which it has measured nothing."""
    sizes, origin = config["model_config"], config["imported"]
    commit = f", commit `{origin['revision']}`" if origin["revision"] else ""
    metadata = f"---\nlicense: {license_name}\nlibrary_name: pytorch\n{_TAGS}\n---"
    summary = (
        f"Weights imported unchanged from `{origin['source']}`{commit} (SHA-256 "
        f"`{origin['sha256']}`). A causal transformer for chess games: width {sizes['d_model']}, "
        f"{sizes['n_layers']} layers, {sizes['n_heads']} heads, feed-forward width "
        f"{sizes['d_ff']}; {sizes['vocab_size']} tokens, sequences of up to "
        f"{sizes['max_seq_len']}."
    )
    sections = (metadata, f"# {name}\n\n{summary}", f"## Use\n\n{usage(name)}")
    return "\n\n".join(sections) + "\n"


def metadata(
    name: str, license_name: str, shown: dict[str, Any], games: str, base: str | None = None
) -> str:
    """Return the front matter: metrics of a model on some games, adapted from a base or not."""
    values = "".join(
        f"      - name: {key}\n        type: {key}\n        value: {value!r}\n"
        for key, value in shown.items()
    )
    return (
        f"---\nlicense: {license_name}\nlibrary_name: pytorch\n"
        + (f"base_model: {base}\n" if base else "")
        + f"{_TAGS}\nmodel-index:\n  - name: {name}\n    results:\n    - task:\n"
        f"        type: next-move-prediction\n      dataset:\n        name: {games}\n"
        f"        type: {games.replace(' ', '-')}\n      metrics:\n{values}---"
    )


def _summary(config: PretrainConfig, step: int) -> str:
    sizes = config.architecture
    return (
        "A causal transformer that predicts the next move of chess games played at random.\n"
        f"Width {sizes.d_model}, {sizes.n_layers} layers, {sizes.n_heads} heads, feed-forward "
        f"width {sizes.d_ff}; vocabulary `{config.vocabulary}`, sequences of up to "
        f"{config.max_seq_len} tokens, {_layout(config)}. Weights of step {step:,}, the best by "
        "validation loss."
    )


def _layout(config: PretrainConfig) -> str:
    return "the outcome first" if config.prepend_outcome else "moves only"


def _conditions(config: PretrainConfig, metrics: dict[str, Any]) -> str:
    ply0 = "" if config.prepend_outcome else ", ply 0 does not"
    return (
        f"On {metrics['games']:,} games ({metrics['positions']:,} positions) of seed "
        f"{config.val_seed}, none of them trained on. The model always sees the true history; the "
        f"PAD that ends a game counts as a position{ply0}."
    )


def _table(values: dict[str, Any], meanings: dict[str, str], config: PretrainConfig) -> str:
    assert config.max_seq_len is not None
    rows = [
        f"| `{key}` | {value:.6g} | {meanings[key].format(late_ply=config.max_seq_len // 2)} |"
        for key, value in values.items()
    ]
    return "\n".join(("| metric | value | how it is measured |", "|---|---|---|", *rows))


def _training(config: PretrainConfig, step: int) -> str:
    exact = (
        "Targets: the exact distribution over legal moves (`targets: legal`), which is richer "
        "supervision than the moves played."
        if config.targets == "legal"
        else "Targets: the moves played."
    )
    changes = [
        f"`{field}: {getattr(config, field)}`" for field in ("mate_boost", "discard_ply_limit")
    ]
    return (
        f"{step:,} of {config.total_steps:,} steps of {config.batch_size} games "
        f"({step * config.batch_size:,} games of seed {config.data_seed}); {config.optimizer}, "
        f"learning rate {config.lr:g}, schedule {config.lr_schedule}, weight decay "
        f"{config.weight_decay:g}. Games: uniform over legal moves, {', '.join(changes)}. {exact} "
        "`config.json` has every setting, `metrics.jsonl` the whole course."
    )


def usage(name: str) -> str:
    """Return how to load it."""
    return (
        "```python\nfrom pawn_core.weights import load_pretrained\n\n"
        f'pretrained = load_pretrained("OWNER/{name}")\n'
        "logits = pretrained.model(tokens)  # (batch, time) to (batch, time, tokens)\n"
        "```"
    )
