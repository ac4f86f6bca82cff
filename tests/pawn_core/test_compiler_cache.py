"""Where torch keeps what it has compiled."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pawn_core import compiler_cache
from pawn_core.compiler_cache import (
    OF_TORCH,
    VARIABLE,
    CompilerCache,
    cache_key,
    cache_root,
    discard,
    open_cache,
)

CPU = torch.device("cpu")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Return an empty root, in a process that has not chosen a folder yet."""
    monkeypatch.setenv(OF_TORCH, "")  # and undo what is set
    monkeypatch.setenv(VARIABLE, str(tmp_path / "compiled"))
    return tmp_path / "compiled"


def other_code(root: Path, name: str, begun: float, size: int = 100) -> Path:
    """Make the folder of another code, in which a process began at a time."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "graph").write_bytes(bytes(size))
    folder.with_name(f"{name}.lock").touch()
    os.utime(folder.with_name(f"{name}.lock"), (begun, begun))
    return folder


def test_torch_compiles_into_the_folder_of_the_code_and_the_device(root):
    cache = open_cache(CPU)
    assert cache.folder == root / cache_key(CPU)
    assert (os.environ[OF_TORCH], cache.refusals) == (str(cache.folder), [])
    assert re.fullmatch(r"torch-2\.\d+\.\S+-py3\d+-\w+-[0-9a-f]{12}", cache.folder.name)


def test_other_code_gets_another_folder(monkeypatch, tmp_path):
    before = cache_key(CPU)
    (tmp_path / "model.py").write_text("x = 1\n")
    monkeypatch.setattr(compiler_cache, "_CODE", tmp_path)
    compiler_cache.code_sha256.cache_clear()
    try:
        assert cache_key(CPU) != before
    finally:
        compiler_cache.code_sha256.cache_clear()


def test_what_the_user_has_set_for_torch_is_left_alone(root, monkeypatch):
    monkeypatch.setenv(OF_TORCH, "/elsewhere")
    assert open_cache(CPU).folder == Path("/elsewhere")
    assert not root.exists()


def test_by_hand_it_lies_in_the_users_cache_folder(monkeypatch):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/me/caches")
    assert cache_root() == Path("/home/me/caches/pawn-lab/compiled")


def test_where_the_folder_cannot_be_made_a_temporary_one_is_used(root):
    root.write_text("a file is in the way\n")
    cache = open_cache(CPU)
    assert cache.folder is not None
    assert cache.folder.is_dir()
    assert root not in cache.folder.parents
    assert cache.refusals == [f"{root / cache_key(CPU)} cannot be used: File exists"]
    shutil.rmtree(cache.folder)


def test_a_disk_that_is_nearly_full_is_not_compiled_onto(root, monkeypatch):
    monkeypatch.setattr(compiler_cache, "_ROOM_BYTES", 1 << 62)
    cache = open_cache(CPU)
    assert cache.folder is not None
    assert root not in cache.folder.parents
    assert cache.refusals[0].endswith("cannot be used: No space left on device")
    shutil.rmtree(cache.folder)


def test_folders_that_were_used_longest_ago_are_removed_first(root):
    old, newer, newest = (other_code(root, name, n) for n, name in enumerate(("a", "b", "c")))
    open_cache(CPU, most_bytes=250)
    assert [folder.exists() for folder in (old, newer, newest)] == [False, True, True]


def test_a_folder_in_use_is_kept_however_large_it_is(root):
    used, unused = other_code(root, "a", 1.0), other_code(root, "b", 2.0)
    with used.with_name("a.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        open_cache(CPU, most_bytes=50)
    assert (used.exists(), unused.exists()) == (True, False)


def test_a_folder_that_may_be_damaged_is_removed_but_never_one_that_the_user_has_set(root):
    cache = open_cache(CPU)
    other = other_code(root.parent, "elsewhere", 1.0)
    assert [discard(CompilerCache(other)), discard(CompilerCache(None))] == [False, False]
    assert discard(cache)
    assert (other.exists(), cache.folder.exists()) == (True, False)


def test_empty_files_that_a_power_loss_has_left_are_removed(root):
    folder = other_code(root, cache_key(CPU), 1.0)
    for name in ("source.py", "held.lock"):
        (folder / name).touch()
    open_cache(CPU)
    assert sorted(path.name for path in folder.iterdir()) == ["graph", "held.lock"]


COMPILE = """
import json, sys, torch
from pathlib import Path
from pawn_core.compiled_archive import CompiledArchive
from pawn_core.compiler_cache import (
    await_compiler, cache_key, compilation, import_compiler, open_cache
)
assert compilation() == {}
cache = open_cache(torch.device("cpu"))
import_compiler(cache)
await_compiler()
assert "torch._inductor.compile_fx" in sys.modules
x = torch.arange(8.0, requires_grad=True)
torch.compile(lambda x: (x.sin() * 2).sum())(x).backward()
archive = CompiledArchive(Path(sys.argv[1]), cache_key(torch.device("cpu")))
assert [archive.update(1), archive.update(1)] == [True, False]
facts = {"refusals": cache.refusals, "folder": str(cache.folder), "gradient": x.grad.tolist()}
print(json.dumps(compilation() | facts))
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++: on a CPU nothing can be compiled")
def test_a_second_process_loads_what_the_first_has_compiled_or_another_machine_has(
    root, tmp_path, monkeypatch
):
    def compiled() -> dict:
        code = [sys.executable, "-c", COMPILE, str(tmp_path / "run")]
        return json.loads(subprocess.run(code, stdout=subprocess.PIPE, check=True).stdout)

    first, second = compiled(), compiled()
    anew = {"graphs": 1, "loaded": 0, "compiled": 1, "not_cached": 0, "refusals": []}
    assert first | anew == first
    assert second == first | {"loaded": 1, "compiled": 0}
    for graph in Path(first["folder"]).glob("*/*/*/*"):  # in fxgraph/ and aotautograd/
        os.truncate(graph, graph.stat().st_size // 2)
    assert compiled() == first

    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (archive,) = (tmp_path / "run").iterdir()
    shutil.copy(archive, tmp_path / "elsewhere")
    there = {"folder": str(tmp_path / "elsewhere" / archive.stem)}
    assert compiled() == second | there


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++: on a CPU nothing can be compiled")
def test_a_run_says_what_came_before_its_first_step(root, tiny, train, records, tmp_path):
    train(tiny | {"no_compile": False, "total_steps": 1}, "run")
    (told,) = [r for r in records(tmp_path / "run", "event") if r["event"] == "compiled"]
    assert told["step"] == 1
    assert list(told["seconds"]) == ["start", "build", "first batch", "compile"]
    assert told["cache"] == str(root / cache_key(CPU))
    assert (told["loaded"], told["not_cached"]) == (0, 0)
    assert told["compiled"] >= 1
