"""Which systems this runs on, said before anything is imported that others lack."""

import sys

_NAMES = {"darwin": "macOS", "win32": "Windows"}
EXIT_OTHER_SYSTEM = 2


def check_system(program: str) -> None:
    """End a program with the reason where it cannot run: anywhere but on Linux.

    Raises:
        SystemExit: another system.
    """
    if sys.platform != "linux":
        name = _NAMES.get(sys.platform, sys.platform)
        sys.stderr.write(
            f"{program}: this is {name}, and it needs Linux, whose prctl, pidfd and /proc tell "
            "whose a process is and end it with its trial. Run it on a Linux machine, in WSL or "
            "in a container.\n"
        )
        sys.exit(EXIT_OTHER_SYSTEM)
