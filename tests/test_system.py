"""Where a program cannot run, it says so at its start, not by what it fails to import."""

import subprocess
import sys

import pytest

ELSEWHERE = """
import sys
sys.platform = {platform!r}
sys.modules |= dict.fromkeys(("fcntl", "pwd", "resource", "termios"))  # what Windows lacks
from {module} import main
sys.exit(main())
"""


@pytest.mark.parametrize("program", ["pawn-lab", "pawn-train"])
@pytest.mark.parametrize(("platform", "name"), [("darwin", "macOS"), ("win32", "Windows")])
def test_another_system_is_refused_with_the_reason_in_one_line(program, platform, name):
    module = {"pawn-lab": "pawn_lab.cli", "pawn-train": "pawn_core.__main__"}[program]
    code = ELSEWHERE.format(platform=platform, module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{program}: this is {name}, and it needs Linux")
    assert "prctl" in done.stderr
