"""Fetch the front end's vendored packages anew, as `vendored.json` names them.

    python scripts/vendor_page.py          # check what is there against its hashes
    python scripts/vendor_page.py --fetch  # `npm pack` each package, copy its files, write hashes

Node's package manager is needed to fetch; nothing that runs needs it.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from pawn_lab.page.vendored import FOLDER, LIST, changed, digest, packages


def fetch(package: dict[str, Any]) -> None:
    """Copy a package's files out of its archive and write their hashes into the record."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{package['package']}@{package['version']}"
        command = ["npm", "pack", "--silent", "--pack-destination", folder, name]
        subprocess.run(command, check=True, stdout=sys.stderr)
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as members:
            members.extractall(folder, filter="data")
        for file in package["files"]:
            shutil.copyfile(Path(folder) / "package" / file["source"], FOLDER / file["name"])
            file["sha256"] = digest(FOLDER / file["name"])


def main() -> None:
    """Check the vendored files, or fetch them anew."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fetch", action="store_true", help="from npm, writing new hashes")
    if parser.parse_args().fetch:
        fetched = packages()
        for package in fetched:
            fetch(package)
        LIST.write_text(json.dumps(fetched, indent=2) + "\n", encoding="utf-8")
    if wrong := changed():
        sys.exit(f"not as vendored.json says: {', '.join(wrong)}")
    print("every vendored file is as vendored.json says")


if __name__ == "__main__":
    main()
