"""Metrics records as lines for a log that people read."""

from typing import Any

_SHOWN = {
    "train": ("loss", "lr", "grad_norm", "tokens_per_s"),
    "eval": ("val_loss", "top1", "legal_rate", "game_completion", "kl"),
}


def describe_record(kind: str, step: int, fields: dict[str, Any]) -> str:
    """Return one line: the numbers that matter, or the event's message."""
    if kind not in _SHOWN:
        return f"step {step} {fields.get('event', kind)}: {fields.get('message', '')}".rstrip(": ")
    values = (f"{name} {fields[name]:.5g}" for name in _SHOWN[kind] if fields[name] is not None)
    which = f"{fields['variant']} {kind}" if "variant" in fields else kind
    return f"step {step} {which} {' '.join(values)}"
