"""The demo's end: a table, a chart and `report.md`, all from what the lab answered."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from pawn_lab.analysis.curves import evaluations
from pawn_lab.demo.games import BASELINE, GamesOfArm, games_of
from pawn_lab.lab import Lab, queries
from pawn_lab.reporting.charts import Axes, CurvePoint, Floor, curve_panels, png

Answer = dict[str, Any]

ALIKE = 0.02
"""Relative difference up to which the games of two arms are told as alike."""

_FINAL_COLUMNS = {
    "ablation": ("ablation", str),
    "lr": ("lr", "{:g}".format),
    "last_step": ("step", str),
    "last_val_loss": ("val loss", "{:.4g}".format),
    "top1": ("top-1", "{:.2%}".format),
    "legal_rate": ("legal", "{:.2%}".format),
    "game_completion": ("completed", "{:.2%}".format),
    "kl": ("KL", "{:.4g}".format),
}
_NOT_COMPARABLE = """\
Compare validation losses along a row, not down a column: each ablation is validated on games of its
own kind, which are harder or easier to predict. One seed each: small differences are noise."""
_SAME_SCALE = """\
Legal moves, games completed without an illegal one, and KL (nats to the exact next-move
distribution, where it is known) have one scale, but are measured on each ablation's own games."""


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
    rows = [
        [shown(row[name]) if name in row else "" for name, (_, shown) in _FINAL_COLUMNS.items()]
        for row in results["rows"]
    ]
    titles = [title for title, _ in _FINAL_COLUMNS.values()]
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _edge(results: Answer) -> str:
    """Say where the best learning rate is the largest or smallest of those tried."""
    rates = {row["lr"] for row in results["rows"]}
    best = {row["ablation"]: row["lr"] for row in results["rows"] if row.get("best")}
    edge = [ablation for ablation, lr in best.items() if lr in (min(rates), max(rates))]
    if not edge:
        return "Each best learning rate lies inside the range that was tried."
    return f"At the edge of what was tried, a better rate may lie beyond: {', '.join(edge)}."


def write_report(
    workspace: Path, exploration: Answer, final: Answer, status: Answer, console: Console
) -> None:
    """Write `curves.png` and `report.md` into the workspace and print the report."""
    with Lab.open(workspace) as lab:
        trials = {row["ablation"]: queries.trial(lab, row["trial_id"]) for row in final["rows"]}
        kinds = games_of([trial.config for trial in trials.values()])
        arms = dict(zip(trials, kinds, strict=True))
        hypotheses = {name: trial.hypothesis or "" for name, trial in trials.items()}
        _draw(lab, workspace, exploration, final, arms)
    report = _report(exploration, final, status, _findings(hypotheses, final, arms))
    (workspace / "report.md").write_text(report, encoding="utf-8")
    console.print(Markdown(report.replace("![Learning curves](curves.png)", "")))
    for name in ("report.md", "curves.png", "lab-notes.md"):
        console.print(f"{workspace / name}", highlight=False)


def _findings(hypotheses: dict[str, str], final: Answer, arms: dict[str, GamesOfArm]) -> str:
    """Return a sentence on each hypothesis: what the games and the losses say to it."""
    losses = {row["ablation"]: row["last_val_loss"] for row in final["rows"]}
    findings = {name: _finding(arms[name], arms[BASELINE]) for name in arms if name != BASELINE}
    return "\n".join(
        f"- **{name}**: *{hypotheses[name]}* {finding} {_loss_of(losses, name)}"
        for name, finding in findings.items()
    )


def _finding(games: GamesOfArm, baseline: GamesOfArm) -> str:
    """Compare the validation games of an arm with the baseline's."""
    rows = (
        ("Mean length", games.mean_plies, baseline.mean_plies, "{:.1f} plies"),
        ("mates", games.decisive, baseline.decisive, "{:.0%} of games"),
        ("cut at the ply limit", games.ply_limit, baseline.ply_limit, "{:.0%}"),
    )
    differing = [
        f"{name} {shown.format(own)}, baseline {shown.format(theirs)}"
        for name, own, theirs, shown in rows
        if abs(own - theirs) > ALIKE * theirs
    ]
    return f"{'; '.join(differing)}." if differing else "Its games are like the baseline's."


def _loss_of(losses: dict[str, float], name: str) -> str:
    return (
        f"Validation loss {losses[name]:.4g}, baseline {losses[BASELINE]:.4g}: one seed each, so "
        "which learns more is open until lab_compare has several."
    )


def _report(exploration: Answer, final: Answer, status: Answer, findings: str) -> str:
    steps = {row["last_step"] for row in exploration["rows"] if "last_step" in row}
    return f"""\
# Ablations on random games: toy model, CPU

## Validation loss at step {", ".join(map(str, sorted(steps)))}

{markdown_table(exploration)}

{_NOT_COMPARABLE}

{_edge(exploration)}

## The best learning rate of each arm, resumed

{_final_table(final)}

{_SAME_SCALE}

## The hypotheses

{findings}

![Learning curves](curves.png)

Cost: ${status.get("cost_total", 0.0):.4f} at ${status.get("cost_per_hour", 0.0):.2f} an hour.
"""


def _draw(
    lab: Lab, workspace: Path, exploration: Answer, final: Answer, arms: dict[str, GamesOfArm]
) -> None:
    points = [
        CurvePoint(row["ablation"], rate_text(row["lr"]), e["step"], e["val_loss"], chosen)
        for rows, chosen in ((_losers(exploration), False), (final["rows"], True))
        for row in rows
        for e in evaluations(lab, row["trial_id"])
    ]
    paused = max(point.x for point in points if not point.chosen)
    chart = curve_panels(
        points,
        Axes("optimizer step", "validation loss (nats per token)"),
        title="A baseline and three ablations, three learning rates: toy model on random games",
        subtitle=[
            f"Grey: paused at step {paused}. Blue: the best learning rate, resumed to the end.",
            "Each panel validates on its own kind of games: compare within a panel, not across.",
            "Dashed: the least loss of whoever knows the rules and how play is made.",
        ],
        floors={name: _floor(games) for name, games in arms.items()},
    )
    (workspace / "curves.png").write_bytes(png(chart))


def _floor(games: GamesOfArm) -> Floor:
    hindsight = "" if games.exact else ", without hindsight"
    return Floor(games.floor, f"floor {games.floor:.3f}{hindsight}")


def _losers(exploration: Answer) -> list[Answer]:
    return [row for row in exploration["rows"] if not row.get("best")]
