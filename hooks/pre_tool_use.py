"""PreToolUse: where there is a lab, a bare training command is answered with the lab's own.

A training that the lab does not know takes the device of a trial, and leaves no record. Nothing
rests on this: `PAWN_BARE=1` before the command lets it through.
"""

import os
from itertools import pairwise

import wire

BARE = "PAWN_BARE=1"
OFFER = (
    "This project has a lab, which runs trainings: lab_launch(config={...}) takes the same fields "
    "(lab_schema lists them; at the command line `pawn-lab launch`), waits for a device that no "
    "trial holds, and keeps the record, the cost and checkpoints to resume from. To run this "
    f"command bare all the same, put {BARE} before it."
)

_RUNNERS = frozenset(
    (
        *("accelerate", "bash", "command", "env", "exec", "launch", "nice", "nohup", "poetry"),
        *("run", "setsid", "sh", "srun", "stdbuf", "sudo", "time", "timeout", "uv", "uvx"),
    )
)
_ANSWERED = frozenset(("-h", "--help", "--version"))


def main() -> None:
    """Refuse the command once it turns out to be a training, in a project with a lab."""
    text = wire.read_text()
    if "pawn" not in text and "train" not in text:
        return
    event = wire.read_event(text)
    if not is_training(command_of(event), wire.project_of(event)):
        return
    import glance

    if glance.find_lab(wire.project_of(event)):
        wire.refuse(event, OFFER)


def command_of(event: dict) -> str:
    """Return the shell command that the event is about; empty where it is about another tool."""
    given = event.get("tool_input")
    command = (given if isinstance(given, dict) else event).get("command")
    return command if isinstance(command, str) else ""


def is_training(command: str, folder: str) -> bool:
    """Say whether one of the commands in a line starts a training of ours."""
    for mark in ";|&\n()":
        command = command.replace(mark, "\n")
    return any(_trains(part, folder) for part in command.split("\n"))


def _trains(command: str, folder: str) -> bool:
    words = [word.strip("\"'") for word in command.split()]
    if BARE in words or _ANSWERED.intersection(words):
        return False
    while words and (words[0] in _RUNNERS or "=" in words[0] or words[0][:1] in "-0123456789"):
        del words[0]
    if not words:
        return False
    program = os.path.basename(words[0])
    if program == "pawn-train":
        return True
    if not program.startswith(("python", "torchrun")):
        return False
    module = any(pair == ("-m", "pawn_core") for pair in pairwise(words))
    return module or any(_is_our_script(word, folder) for word in words[1:])


def _is_our_script(word: str, folder: str) -> bool:
    """Say whether a word names one of the training scripts beside `pawn_core`."""
    name = os.path.basename(word)
    if not (name.startswith(("train", "pretrain")) and name.endswith(".py")):
        return False
    scripts = os.path.dirname(os.path.join(os.path.abspath(folder), word))
    return os.path.isdir(os.path.join(scripts, os.pardir, "pawn_core"))


if __name__ == "__main__":
    main()
