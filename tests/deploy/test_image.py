"""The image: linted, without a shell in the first place, a right or a secret too many."""

import fnmatch
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROGRAMS = Path(sys.executable).parent


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions in order, each on one line, without comments."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def last(instruction: str) -> str:
    return [rest for name, rest in instructions() if name == instruction][-1]


def packages() -> list[str]:
    """Return what the image installs from Debian."""
    installed = re.findall(r"apt-get install --yes --no-install-recommends (.*?)&&", _runs(), re.S)
    return sorted({word for line in installed for word in line.split()})


def _runs() -> str:
    return "\n".join(rest for name, rest in instructions() if name == "RUN")


def test_the_dockerfile_and_the_shell_scripts_are_linted():
    done = subprocess.run([PROGRAMS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")
    scripts = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.sh", "bin/*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"deploy/pod.sh", "scripts/monitor_training.sh"} <= set(scripts)
    done = subprocess.run([PROGRAMS / "shellcheck", *scripts], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def test_python_is_the_first_process_and_no_root():
    first = json.loads(last("ENTRYPOINT"))
    assert first == ["python", "/opt/pawn/deploy/entrypoint.py"]
    assert last("USER") == "1000"
    assert last("STOPSIGNAL") == "SIGTERM"
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_no_secret_can_get_into_a_layer():
    settable = [rest for name, rest in instructions() if name in ("ARG", "ENV")]
    assert not re.findall(r"TOKEN|KEY|SECRET|PASSWORD", " ".join(settable))
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert {"**/.env*", ".git", "runs/*", "logs"} <= set(ignored)


class _Answer(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 0), (500, 1), (None, 1)])
def test_a_container_is_healthy_while_its_server_answers(status, code):
    handler = type("Handler", (_Answer,), {"status": status})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        port = str(server.server_address[1])
        if status is None:
            server.server_close()
        else:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        health = [sys.executable, "-S", ROOT / "deploy/health.py"]
        environment = os.environ | {"PAWN_LAB_PORT": port}
        assert subprocess.run(health, env=environment, capture_output=True).returncode == code
        if status is not None:
            server.shutdown()


@pytest.mark.slow
def test_debian_has_what_the_image_installs():
    assert {"gcc", "openssh-server", "stockfish", "make"} <= set(packages())
    command = ["apt-get", "install", "--simulate", "--no-install-recommends", *packages()]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Unable to locate package" in done.stderr and not list(
        Path("/var/lib/apt/lists").glob("*_Packages*")
    ):
        pytest.skip("no package lists: apt-get update")
    assert done.returncode == 0, done.stderr


def sent_to_the_builder() -> list[str]:
    """Return the files that git knows and .dockerignore lets through."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    return [name for name in listed if name and (ROOT / name).exists() and not ignored(name, rules)]


def ignored(name: str, rules: list[str]) -> bool:
    """Say whether the last rule that matches a file, or a folder that it is in, leaves it out."""
    parts = Path(name).parts
    folders = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    left_out = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        anywhere = pattern.startswith("**/")
        tried = parts if anywhere else folders
        if any(fnmatch.fnmatchcase(each, pattern.removeprefix("**/")) for each in tried):
            left_out = not rule.startswith("!")
    return left_out


def test_the_builder_gets_what_it_builds_from_and_nothing_private():
    sent = set(sent_to_the_builder())
    assert {
        "Makefile",
        "uv.lock",
        "Cargo.lock",
        "engine/src/lib.rs",
        "deploy/entrypoint.py",
    } <= sent
    assert any(name.startswith("runs/plans/") for name in sent)
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    private = (".env", "deploy/.env.pod", "runs/lab.db", "logs/run_1/metrics.jsonl", ".git/config")
    assert all(ignored(name, rules) for name in private)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_steps_of_the_build_make_a_lab_that_starts(tmp_path):
    """What the build stage does after Debian and Rust are there, in a folder of its own."""
    source = tmp_path / "pawn"
    for name in sent_to_the_builder():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    [step] = [rest for name, rest in instructions() if name == "RUN" and "make setup" in rest]
    settings = dict(pair.split("=", 1) for pair in re.findall(r"UV_NO\w*=\S+", DOCKERFILE))
    kept = (ROOT / ".tools/torch").read_text() if (ROOT / ".tools/torch").exists() else "cuda"
    environment = os.environ | settings | {"TORCH": kept.strip()}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", step], cwd=source, env=environment, check=True
    )
    assert not (source / "target").exists()
    volume = tmp_path / "volume"
    program = [
        source / ".venv/bin/python",
        source / "deploy/entrypoint.py",
        "pawn-lab",
        "--version",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PAWN_VOLUME": str(volume)}
    environment |= {"PAWN_LAB_PORT": "0"}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", done.stdout)
    assert (volume / "runs/lab.db").exists()
