"""Run the consoles of a page in a folder of its own, and write down what they really answer.

    python scripts/record_pages.py docs/study.md

A console is a fenced block `console`: lines that begin with `$ ` are commands, lines with `> ` go
on with one, all others are what it printed. All consoles of a page are one session, in an empty
folder, which the page calls `~/chess`. Pictures that a page shows and the session has made are kept
beside it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HOME = "~/chess"
CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\((\S+\.png)\)")
_TIMEOUT_S = 600.0


class Command(NamedTuple):
    """A command of a console, and what stands below it."""

    text: str
    shown: str


class CommandFailedError(Exception):
    """A command of a page ended with another status than 0."""


def commands(console: str) -> Iterator[Command]:
    """Yield the commands of a console with what they printed.

    Raises:
        ValueError: a console begins with something else.
    """
    said, shown = [], []
    for line in console.splitlines():
        if line.startswith("$ "):
            if said:
                yield Command("\n".join(said), "\n".join(shown))
            said, shown = [line[2:]], []
        elif line.startswith("> ") and said and not shown:
            said.append(line[2:])
        elif not said:
            raise ValueError(f"a console begins with '{line}'; allowed: '$ command'")
        else:
            shown.append(line)
    if said:
        yield Command("\n".join(said), "\n".join(shown))


def run(command: str, folder: Path) -> str:
    """Run a command as a person who stands in the folder, with `bin/` on the PATH.

    Raises:
        CommandFailedError: it failed; says what it printed.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAWN_")}
    path = os.pathsep.join((str(ROOT / "bin"), str(ROOT / ".venv" / "bin"), os.environ["PATH"]))
    own = {"PATH": path, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=inherited | own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise CommandFailedError(f"$ {command}\n{done.stdout}\nended with {done.returncode}")
    lines = done.stdout.replace(str(folder), HOME).replace(str(ROOT), "~/pawn-lab").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def recorded(console: str, folder: Path) -> str:
    """Return a console with what its commands print now."""
    parts = []
    for command in commands(console):
        first, *further = command.text.splitlines()
        parts += [f"$ {first}", *(f"> {line}" for line in further)]
        parts += run(command.text, folder).splitlines()
    return "\n".join(parts) + "\n"


def record(page: Path) -> None:
    """Write a page anew with what its consoles print now, and the pictures that they make.

    Raises:
        CommandFailedError: a command failed; the page stays as it was.
    """
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        text = CONSOLE.sub(lambda match: recorded(match[0], folder), text)
        for picture in _PICTURE.findall(text):
            if (folder / Path(picture).name).exists():
                shutil.copyfile(folder / Path(picture).name, page.parent / picture)
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Record the pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", type=Path, nargs="+")
    try:
        for page in parser.parse_args().pages:
            record(page)
    except CommandFailedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
