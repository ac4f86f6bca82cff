"""Stop: a result that the notes do not hold yet is written down first; trials go on by themselves.

The agent is kept once, and only for a result of today: a second time it may stop.
"""

import time

import glance
import wire

RECENT_S = 12 * 3600


def main() -> None:
    """Keep the agent for the notes, or tell the person what runs on."""
    event = wire.read_event(wire.read_text())
    folder = glance.find_lab(wire.project_of(event))
    lab = glance.look(folder) if folder else None
    if lab is None or folder is None:
        return
    running = f"Trials that run on: {glance.listed(lab.running)}." if lab.running else ""
    unwritten = result_without_note(lab, glance.last_note(folder))
    if unwritten and not wire.goes_on_already(event):
        wire.go_on(event, f"{unwritten} {running}".strip())
    elif running:
        wire.tell(event, f"PAWN lab: {running[0].lower()}{running[1:]}")


def result_without_note(lab: glance.Glance, noted: float) -> str | None:
    """Say which result is newer than the notes, and what to do about it."""
    if lab.unnoted is None:
        return None
    number, state, ended = lab.unnoted
    if ended <= noted or ended < time.time() - RECENT_S:
        return None
    return (
        f"Trial {number} ended ({state}) after the lab notes were last written to. Before you "
        "stop, write with lab_notes(append=...) what it showed and what comes next; name the trial."
    )


if __name__ == "__main__":
    main()
