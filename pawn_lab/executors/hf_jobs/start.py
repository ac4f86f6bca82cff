"""The first thing that a job runs: unpacks the code that it was given, and becomes it.

A file of its own in the bucket: `python3 start.py MOUNT`. Standard library only.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
import zipfile
from pathlib import Path

CODE, REQUIREMENTS = "in/code.zip", "in/requirements.txt"
START, ORDERS_OF_JOB = "in/start.py", "in/job.json"
NODE = "pawn_lab.executors.hf_jobs.node"


def unpacked(archive: Path) -> Path:
    """Return the folder of the code, which is not on the mount; another job may have made it."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    code = Path.home() / ".cache" / "pawn-lab" / f"code-{digest[:16]}"
    if not code.is_dir():
        code.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=code.parent)
        with zipfile.ZipFile(archive) as files:
            files.extractall(part)
        with contextlib.suppress(OSError):
            Path(part).rename(code)
    return code


def main() -> None:
    """Unpack the code and go on there."""
    mount = Path(sys.argv[1])
    root = Path(tempfile.mkdtemp(prefix="pawn-job-"))
    os.environ["PYTHONPATH"] = str(unpacked(mount / CODE))
    os.execv(sys.executable, [sys.executable, "-P", "-m", NODE, str(mount), str(root)])


if __name__ == "__main__":
    main()
