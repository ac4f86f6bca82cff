"""SubagentStart: a helper learns what the lab is doing, and what it may leave alone."""

import glance
import wire


def main() -> None:
    """Print the digest as the hook's JSON; nothing where there is no lab."""
    event = wire.read_event(wire.read_text())
    folder = glance.find_lab(wire.project_of(event))
    lab = glance.look(folder) if folder else None
    if lab is not None and lab.counts:
        wire.context(event, digest(lab))


def digest(lab: glance.Glance) -> str:
    """Return the lab's state in a few lines; no text of a trial is in it."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(lab.counts.items()))
    lines = (
        f"PAWN lab: {sum(lab.counts.values())} trials: {counts}.",
        f"Running: {glance.listed(lab.running)}." if lab.running else "Nothing runs.",
        f"Queued, next first: {glance.listed(lab.queued)}." if lab.queued else "",
        f"What was found out: lab_notes; news: lab_events(since={lab.cursor}); one trial: "
        "lab_status(trial_id=N). Launch, kill or resume only what your task names.",
    )
    return "\n".join(filter(None, lines))


if __name__ == "__main__":
    main()
