"""Hands a trainer that starts to the server beside this file, which forks it with torch there.

The process that was started stays, as whoever started it sees it: it passes signals on, ends as the
trainer ends, and when it is killed, so is the trainer. Copied to a folder on the PYTHONPATH; every
other program goes on as it would without.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

HERE = Path(__file__).parent
MODULES = frozenset({"pawn_core", "pawn_core.preflight", "torch.distributed.run"})
SCRIPTS = frozenset({"eval_accuracy.py", "eval_probes.py", "export_hf_repo.py", "killed.py"})


def warm_program(argv: list[str]) -> list[str] | None:
    """Return the trainer or script that a command line starts, and its arguments."""
    if "-m" in argv[:-1]:
        program = argv[argv.index("-m") + 1 :]
        return program if program[0] in MODULES else None
    program = [argument for argument in argv[1:2] if Path(argument).name in SCRIPTS]
    return program + argv[2:] if program else None


def hand_over(program: list[str]) -> None:
    """Let the server run the program with our files, folder and environment, and end as it does."""
    import json
    import os
    import signal
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.connect(str(HERE / "socket"))
        request = {"program": program, "folder": str(Path.cwd())}
        request["environment"] = dict(os.environ)
        content = json.dumps(request).encode()
        socket.send_fds(server, [len(content).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(content)
        pid = int.from_bytes(server.recv(8), "big")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        code = int.from_bytes(server.recv(8), "big", signed=True)
    if code < 0:
        if -code != signal.SIGKILL:  # of which nobody may set what it does
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def go_on_without() -> None:
    """Import the module that would have been imported, were this one not here."""
    others = [folder for folder in sys.path if Path(folder) != HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if program := warm_program(sys.orig_argv):
    hand_over(program)
go_on_without()
