"""The demo's end: a table, a chart and `report.md`, all from what the lab answered."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from pawn_lab.charts import CurvePoint, curve_panels, save_png
from pawn_lab.curves import evaluations
from pawn_lab.lab import Lab

Answer = dict[str, Any]

_FINAL_COLUMNS = {
    "ablation": "ablation",
    "lr": "learning rate",
    "last_step": "step",
    "last_val_loss": "val loss",
    "top1": "top-1",
    "legal_rate": "legal moves",
    "game_completion": "games completed",
    "kl": "KL (nats)",
}
_NOT_COMPARABLE = """\
Compare validation losses along a row, not down a column: each ablation is validated on games of its
own kind, which are harder or easier to predict. One seed each: small differences are noise."""
_SAME_SCALE = """\
Legal moves, games completed and KL (nats to the exact next-move distribution, where it is known)
have the same scale in every row, but each is measured on the ablation's own games."""


def markdown_table(results: Answer) -> str:
    """Return ablation x learning rate -> best validation loss, the best of each row in bold."""
    rates = sorted({row["lr"] for row in results["rows"]})
    header = "| ablation | " + " | ".join(map(rate_text, rates)) + " |"
    lines = [header, "|---" * (len(rates) + 1) + "|"]
    for ablation in dict.fromkeys(row["ablation"] for row in results["rows"]):
        cells = {row["lr"]: _loss(row) for row in results["rows"] if row["ablation"] == ablation}
        lines.append(f"| {ablation} | " + " | ".join(cells.get(r, "") for r in rates) + " |")
    return "\n".join(lines)


def rate_text(lr: float) -> str:
    """Return `lr 3e-4`."""
    return f"lr {lr:.0e}".replace("e-0", "e-")


def _loss(row: Answer) -> str:
    if "best_val_loss" not in row:
        return row["state"]
    return f"**{row['best_val_loss']:.4g}**" if row.get("best") else f"{row['best_val_loss']:.4g}"


def _final_table(results: Answer) -> str:
    rows = [[_cell(row.get(name)) for name in _FINAL_COLUMNS] for row in results["rows"]]
    lines = [[*_FINAL_COLUMNS.values()], ["---"] * len(_FINAL_COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str("" if value is None else value)


def write_report(
    workspace: Path, exploration: Answer, final: Answer, status: Answer, console: Console
) -> None:
    """Write `curves.png` and `report.md` into the workspace and print the report."""
    _draw(workspace, exploration, final)
    report = _report(exploration, final, status)
    (workspace / "report.md").write_text(report, encoding="utf-8")
    console.print(Markdown(report.replace("![Learning curves](curves.png)", "")))
    for name in ("report.md", "curves.png", "lab-notes.md"):
        console.print(f"{workspace / name}", highlight=False)


def _report(exploration: Answer, final: Answer, status: Answer) -> str:
    steps = {row["last_step"] for row in exploration["rows"] if "last_step" in row}
    return f"""\
# Ablations on random games: toy model, CPU

## Validation loss at step {", ".join(map(str, sorted(steps)))}

{markdown_table(exploration)}

{_NOT_COMPARABLE}

## The best learning rate of each ablation, resumed

{_final_table(final)}

{_SAME_SCALE}

![Learning curves](curves.png)

Cost: ${status.get("cost_total", 0.0):.4f} at ${status.get("cost_per_hour", 0.0):.2f} an hour.
"""


def _draw(workspace: Path, exploration: Answer, final: Answer) -> None:
    with Lab.open(workspace) as lab:
        points = [
            CurvePoint(row["ablation"], rate_text(row["lr"]), e["step"], e["val_loss"], chosen)
            for rows, chosen in ((_losers(exploration), False), (final["rows"], True))
            for row in rows
            for e in evaluations(lab, row["trial"])
        ]
    chart = curve_panels(
        points,
        title="Three ablations, three learning rates: toy model on random games",
        subtitle=[
            "Grey: paused early. Blue: the best learning rate, resumed from its checkpoint.",
            "Each panel validates on its own kind of games: compare within a panel, not across.",
        ],
        y_title="validation loss (nats per token)",
    )
    save_png(chart, workspace / "curves.png")


def _losers(exploration: Answer) -> list[Answer]:
    return [row for row in exploration["rows"] if not row.get("best")]
