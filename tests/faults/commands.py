"""Runs `pawn-lab` commands one after the other and prints as JSON what each returned and said.

`python commands.py USER LINE...`: as that user, by number, once all is imported; 0 stays as it is.
"""

import contextlib
import io
import json
import os
import sys

from pawn_lab.cli.app import main


def run(line: str) -> tuple[int, str, str]:
    """Return the exit code of a command, its stdout and its stderr."""
    sys.argv = ["pawn-lab", *line.split()]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


user, lines = int(sys.argv[1]), sys.argv[2:]
if user:
    for line in lines:
        run(f"{line} --workspace /dev/null/lab")  # imports what is imported late
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
print(json.dumps({line: run(line) for line in lines}))
