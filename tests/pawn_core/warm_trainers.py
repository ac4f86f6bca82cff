"""Trainers without the seconds that importing torch takes, where their process is not the subject.

A server that has imported all that trainers need forks one for each process that would start one:
see `warm/sitecustomize.py`, the other side.
"""

import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CLIENT = Path(__file__).parent / "warm" / "sitecustomize.py"
MAINS = {
    "pawn_core": "pawn_core.cli",
    "pawn_core.preflight": "pawn_core.preflight.__main__",
    "torch.distributed.run": "torch.distributed.run",
}
"""Modules that are run by their names, and where the main function of each is."""
_LENGTH = 8


@contextmanager
def warm_trainers() -> Iterator[str]:
    """Yield the PYTHONPATH with which trainers that are started are warm.

    They compute with one thread; what else the environment says is theirs when they start.
    """
    folder = Path(tempfile.mkdtemp(prefix="warm-"))  # a socket's path must be short
    shutil.copy(CLIENT, folder)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, __file__, str(folder / "socket")]
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)
    try:
        assert server.stdout is not None
        assert server.stdout.readline(), "the server of warm trainers has ended"
        yield os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    finally:
        server.communicate()  # its standard input ends, and so does it
        shutil.rmtree(folder)


def serve(path: str) -> None:
    """Fork a program for each that asks, until the standard input ends; return in a program."""
    import_all()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.write(1, b"ready\n")
        while listener in select.select([listener, 0], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    return attend(connection)
    return None


def import_all() -> None:
    """Import what takes trainers long: not the engine, whose threads do not survive a fork."""
    modules = ("torch", "torch.distributed.run", "safetensors.torch", "pawn_core.config")
    for module in (*modules, "cyclopts"):
        importlib.import_module(module)
    assert "chess_engine" not in sys.modules
    gc.collect()
    gc.freeze()  # a fork copies no page only because it was looked at


def attend(connection: socket.socket) -> None:
    """Start the program that is asked for and tell how it ends; return in it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(connection, _LENGTH, 3)
    content = connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
    pid = os.fork()
    if pid == 0:
        connection.close()
        become(json.loads(content), files)
        return
    for file in files:
        os.close(file)
    connection.sendall(pid.to_bytes(_LENGTH, "big"))
    process = os.pidfd_open(pid)
    if connection in select.select([connection, process], [], [])[0]:
        os.kill(pid, signal.SIGKILL)  # who asked is gone
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):
        connection.sendall(code.to_bytes(_LENGTH, "big", signed=True))
    os._exit(0)


def become(request: dict[str, Any], files: list[int]) -> None:
    """Take over the files, the folder, the environment and the arguments of who asked."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = sys.orig_argv = request["program"]


def main() -> None:
    """Serve; in a forked process, run the program as Python would."""
    serve(sys.argv[1])
    if sys.argv[0] in MAINS:
        sys.exit(importlib.import_module(MAINS[sys.argv[0]]).main())
    if sys.argv[0] != __file__:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
