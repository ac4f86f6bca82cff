"""What `make dist` builds: complete source distributions, and wheels that need no checkout."""

import email
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import make_dist  # noqa: E402

UV = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "bin")
BUILD_TIMEOUT_S = 120
INSTALL_TIMEOUT_S = 1200
DEMO_TIMEOUT_S = 600
MOVED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]["sources"]

needs_uv = pytest.mark.skipif(UV is None, reason="no uv: make setup")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tracked(*paths: str) -> list[str]:
    """Return the files of the repository below paths, those that are new too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def place(name: str) -> str:
    """Return where a file of the repository lies in a wheel."""
    for source, target in MOVED.items():
        if name == source or name.startswith(f"{source}/"):
            return target + name.removeprefix(source)
    return name


def assert_holds_the_checkout(wheel: Path) -> None:
    """Compare every file of a wheel of the lab with the repository's."""
    expected = {
        place(name): sha256((ROOT / name).read_bytes())
        for name in tracked("pawn_core", "pawn_lab", *MOVED)
    }
    with zipfile.ZipFile(wheel) as files:
        held = {
            name: sha256(files.read(name))
            for name in files.namelist()
            if ".dist-info/" not in name and not name.endswith("/")
        }
    assert held == expected


@needs_uv
def test_a_wheel_holds_each_file_of_the_lab_bit_for_bit_and_nothing_else(tmp_path):
    command = [UV, "build", "--offline", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT]
    subprocess.run(command, check=True, timeout=BUILD_TIMEOUT_S)
    [wheel] = tmp_path.glob("*.whl")
    assert_holds_the_checkout(wheel)


@pytest.fixture(scope="module")
def engine_source(tmp_path_factory) -> Path:
    """The engine's source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("engine")
    archive = make_dist.build_engine_source(folder)
    (folder / "unpacked").mkdir()
    return make_dist.unpacked(archive, folder / "unpacked")


def test_the_engines_source_has_a_lock_file_of_exactly_its_crates(engine_source):
    host = "x86_64-unknown-linux-gnu"  # whose crates were fetched to build the engine
    command = ["cargo", "metadata", "--locked", "--offline", "--filter-platform", host]
    command += ["--format-version", "1"]
    done = subprocess.run(command, cwd=engine_source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    members = json.loads(done.stdout)["workspace_members"]
    assert len(members) == 1
    locked = tomllib.loads((engine_source / "Cargo.lock").read_text())["package"]
    assert {p["name"] for p in locked if "source" not in p} == {"pawn-engine"}


def test_the_engines_source_has_what_its_build_reads_and_its_licence(engine_source):
    sources = [*tracked("engine/src"), "engine/build.rs", f"engine/{make_dist.STUB}"]
    for name in sources:
        assert (engine_source / name).read_bytes() == (ROOT / name).read_bytes(), name
    assert (engine_source / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert not list(engine_source.rglob("*.so"))
    assert not list(engine_source.rglob("__pycache__"))


def test_packing_the_same_files_makes_the_same_bytes(engine_source, tmp_path):
    for name in ("first", "second"):
        make_dist.pack(engine_source, tmp_path / name)
        os.utime(engine_source / "Cargo.toml", (0, 0))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.fixture(scope="module")
def dist() -> dict[str, Path]:
    """What `make dist` built, by kind."""
    built = {path.name: path for path in (ROOT / "dist").glob("*")}
    if built.keys() != make_dist.expected():
        pytest.skip("no release is built: make dist")
    kinds = {"engine": "pawn_engine-*.whl", "lab": "pawn_lab-*.whl"}
    return {kind: next((ROOT / "dist").glob(pattern)) for kind, pattern in kinds.items()}


@pytest.mark.slow
def test_what_was_built_is_of_these_sources(dist):
    assert_holds_the_checkout(dist["lab"])
    with zipfile.ZipFile(dist["engine"]) as files:
        [name] = [name for name in files.namelist() if name.endswith("METADATA")]
        metadata = email.message_from_bytes(files.read(name))
        assert not [name for name in files.namelist() if "__pycache__" in name]
    assert metadata["Version"] == make_dist.version()
    assert metadata["License-File"] == "LICENSE"


@pytest.fixture(scope="module")
def fresh(dist, tmp_path_factory) -> Path:
    """A fresh environment with the two wheels and the locked versions of what they need."""
    if UV is None:
        pytest.skip("no uv: make setup")
    folder = tmp_path_factory.mktemp("fresh")
    locked = [UV, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-workspace", "--no-hashes"]
    pins = folder / "pins.txt"
    subprocess.run([*locked, "--output-file", pins], cwd=ROOT, check=True)
    choice = ROOT / ".tools" / "torch"
    small = choice.exists() and choice.read_text().strip() == "cpu"
    torch = ["--torch-backend", "cpu"] if small else []
    made = folder / "environment"
    python = made / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, made], check=True)
    command = [UV, "pip", "install", "--quiet", "--python", python, *torch, "--constraint", pins]
    environment = os.environ | {"PATH": "/usr/bin:/bin"}  # no cargo, no maturin
    subprocess.run(
        [*command, *dist.values()], check=True, env=environment, timeout=INSTALL_TIMEOUT_S
    )
    return made


@pytest.mark.slow
@pytest.mark.timeout(2 * DEMO_TIMEOUT_S)
def test_the_demo_runs_from_wheels_in_a_fresh_environment_without_rust(fresh, tmp_path):
    program = fresh / "bin" / "pawn-lab"
    home = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    assert shutil.which("cargo", path=home["PATH"]) is None
    options = {"cwd": tmp_path, "env": home, "capture_output": True, "text": True, "check": False}
    try:
        done = subprocess.run([program, "demo", "--steps", "4"], timeout=DEMO_TIMEOUT_S, **options)
    finally:  # its trials would go on without it
        subprocess.run([program, "kill", "--all", "--workspace", "runs/demo"], **options)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "runs" / "demo" / "report.md").read_text(encoding="utf-8")
    assert "## The best learning rate of each arm, resumed" in report


@pytest.mark.slow
def test_an_installed_engine_and_its_skills_are_those_of_the_sources(fresh, tmp_path):
    program = (
        "import chess_engine, json; from pawn_lab import shipped; "
        "print(json.dumps([chess_engine.SOURCE_DIGEST, str(shipped.SKILLS)]))"
    )
    command = [fresh / "bin" / "python", "-c", program]
    digest, skills = json.loads(subprocess.check_output(command, cwd=tmp_path))
    here = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT)
    assert digest == json.loads(here)[0]
    for name in tracked("skills"):
        installed = Path(skills, name.removeprefix("skills/"))
        assert sha256(installed.read_bytes()) == sha256((ROOT / name).read_bytes())
