"""The page as it is installed: a wheel made of the source distribution serves every file of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx2
import pytest
from lab_testing import eventually

from pawn_lab.page import script, style
from pawn_lab.page.vendored import digest, packages

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "bin")
BUILD_TIMEOUT_S = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with what the wheel holds."""
    if UV is None:
        pytest.skip("no uv: make setup")
    folder = tmp_path_factory.mktemp("wheel")
    # First the source distribution, then the wheel out of it.
    command = [UV, "build", "--offline", "--quiet", "--out-dir", folder / "dist", ROOT]
    subprocess.run(command, check=True, timeout=BUILD_TIMEOUT_S)
    [wheel] = (folder / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def test_an_installed_page_has_every_vendored_file_as_its_package_has_it(installed: Path):
    vendored = installed / "pawn_lab" / "page" / "static" / "vendor"
    for file in (file for package in packages() for file in package["files"]):
        assert digest(vendored / file["name"]) == file["sha256"], file["name"]


def test_an_installed_dashboard_serves_the_whole_page(installed: Path, tmp_path: Path):
    program = "import sys; from pawn_lab.cli import main; sys.exit(main())"
    where = "import pawn_lab; print(pawn_lab.__file__)"
    command = [sys.executable, "-c", program, "dashboard", "--port", "0", "--workspace", "runs"]
    environment = os.environ | {"PYTHONPATH": str(installed), "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("PAWN_LAB_TOKEN", None)
    said = subprocess.check_output([sys.executable, "-c", where], env=environment, cwd=tmp_path)
    assert Path(said.decode().strip()).is_relative_to(installed)
    log = tmp_path / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=file)
    try:
        address = eventually(lambda: re.search(r"http://\S+/", log.read_text()), "address")[0]
        assert httpx2.get(f"{address}page/app.js").text == script()
        assert httpx2.get(f"{address}page/app.css").text == style()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(15)
