"""Build what is released into dist/: source distributions, and wheels made of them.

    make dist

The engine's wheel is built with zig against an old glibc, so that it installs on every Linux of the
last ten years without a Rust toolchain (`manylinux2014`, abi3: one wheel for Python 3.11 and on).
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "deploy" / "mcpb"
ICON = ROOT / "pawn_lab" / "server" / "icons" / "pawn-256.png"
STUB = "python/chess_engine/_native.pyi"
MATURIN = (sys.executable, "-m", "maturin")
PLATFORM = "manylinux2014"


def make_dist(folder: Path) -> list[Path]:
    """Build everything into a fresh folder and return the files.

    Raises:
        SystemExit: something else came out than what is to be released.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build_lab(folder)
    build_bundle(folder)
    build_engine_wheel(build_engine_source(folder), folder)
    built = {path.name for path in folder.iterdir()}
    if built != expected():
        sys.exit(f"built {sorted(built)}, to be released are {sorted(expected())}")
    return sorted(folder.iterdir())


def version() -> str:
    """Return the version of the release."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]


def expected() -> set[str]:
    """Return the names of all files of a release."""
    engine, lab = f"pawn_engine-{version()}", f"pawn_lab-{version()}"
    platform = f"{PLATFORM}_x86_64.manylinux_2_17_x86_64"
    return {
        f"{engine}-cp311-abi3-{platform}.whl",
        f"{engine}.tar.gz",
        f"{lab}-py3-none-any.whl",
        f"{lab}.tar.gz",
        f"pawn-lab-{version()}.mcpb",
    }


def build_lab(folder: Path) -> None:
    """Build the lab's source distribution, and the wheel out of it."""
    uv = shutil.which("uv", path=f"{os.environ['PATH']}{os.pathsep}{ROOT / '.tools' / 'bin'}")
    run(uv or "uv", "build", "--quiet", "--out-dir", str(folder), str(ROOT))
    (folder / ".gitignore").unlink(missing_ok=True)


def build_bundle(folder: Path) -> None:
    """Pack the bundle for desktop hosts (MCPB): a manifest, and what starts the released lab."""
    with zipfile.ZipFile(
        folder / f"pawn-lab-{version()}.mcpb", "w", zipfile.ZIP_DEFLATED
    ) as bundle:
        for path in sorted(BUNDLE.iterdir()):
            bundle.write(path, path.name)
        bundle.write(ICON, "icon.png")


def build_engine_source(folder: Path) -> Path:
    """Build the engine's source distribution, complete it, and return it.

    maturin (1.16) leaves out the workspace's other members but not their part of Cargo.lock, which
    `--locked` then refuses, and moves the stub to where the crate does not look for it.
    """
    run(*MATURIN, "sdist", "--out", str(folder), cwd=ROOT / "engine")
    (archive,) = folder.glob("pawn_engine-*.tar.gz")
    with tempfile.TemporaryDirectory() as scratch:
        top = unpacked(archive, Path(scratch))
        stub = top / "engine" / STUB
        stub.parent.mkdir(parents=True)
        shutil.copy(top / STUB, stub)
        run("cargo", "update", "--quiet", "--workspace", "--offline", cwd=top)  # drops, adds none
        pack(top, archive)
    return archive


def build_engine_wheel(archive: Path, folder: Path) -> None:
    """Build the engine's wheel out of its source distribution, with exactly the locked crates."""
    options = ("--release", "--locked", "--zig", "--compatibility", PLATFORM)
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    with tempfile.TemporaryDirectory() as scratch:
        top = unpacked(archive, Path(scratch))
        environment = os.environ | {"CARGO_TARGET_DIR": target}
        run(*MATURIN, "build", *options, "--out", str(folder), cwd=top, env=environment)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a source distribution and return its only folder."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def pack(top: Path, archive: Path) -> None:
    """Pack a folder as a source distribution: the same files make the same bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(path for path in top.rglob("*") if path.is_file()):
            tar.add(path, f"{top.name}/{path.relative_to(top).as_posix()}", filter=plain)
    archive.write_bytes(buffer.getvalue())


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an entry without its owner and its date."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def run(*command: str, cwd: Path = ROOT, **options: object) -> None:
    """Run a program; a failure ends the build."""
    subprocess.run(command, cwd=cwd, check=True, **options)  # type: ignore[call-overload]


if __name__ == "__main__":
    for file in make_dist(ROOT / "dist"):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes")
