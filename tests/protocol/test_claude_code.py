"""The plugin in the real Claude Code, its model on loopback: validated, and its hooks fired."""

import json
import os
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lab_testing import add_ended_trial
from loopback import served
from node_tools import PROGRAMS
from past_trials import TOY

from pawn_lab.lab import Lab

ROOT = Path(__file__).parents[2]
CLAUDE = PROGRAMS / "claude"
TIMEOUT_S = 120

pytestmark = pytest.mark.skipif(
    not CLAUDE.exists(), reason="Claude Code is not installed: npm ci --prefix tests/protocol"
)


def claude(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Claude Code to its end, with a home of its own and nothing of this session's."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("CLAUDE", "ANTHROPIC"))}
    away = {"HOME": str(home), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    return subprocess.run(
        [CLAUDE, *arguments],
        env=ours | away | variables,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize("manifest", [".", ".claude-plugin/plugin.json"])
def test_claude_code_finds_nothing_to_warn_of_in_the_plugin(tmp_path, manifest):
    done = claude(tmp_path, "plugin", "validate", "--strict", str(ROOT / manifest))
    assert done.returncode == 0, done.stdout + done.stderr


class Model(BaseHTTPRequestHandler):
    """A model that asks for a bare training once, and then has nothing more to say."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""

    def do_POST(self) -> None:
        """Answer a request for a message with a stream of events."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body)
        block, delta, reason = _says(body)
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in (
            {"type": "message_start", "message": message | {"usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
            {"type": "message_stop"},
        ):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _says(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    if "tool_result" in json.dumps(body["messages"]):
        return {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}, "end_turn"
    call = json.dumps({"command": "pawn-train --config c.json", "description": "Train"})
    block = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
    return block, {"type": "input_json_delta", "partial_json": call}, "tool_use"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The plugin as it is installed: a copy, in a folder whose name has a space."""
    folder = tmp_path / "a plugin"
    for name in (".claude-plugin", "hooks", "bin"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in (".venv", "pawn_lab", "pawn_core"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_each_hook_of_the_plugin_fires_once_in_a_session(tmp_path, plugin):
    home = tmp_path / "project"
    home.mkdir()
    with Lab.open(home / "runs") as lab:
        add_ended_trial(lab, TOY)
    asked = ("-p", "Train it.", "--plugin-dir", str(plugin), "--allowedTools", "Bash")
    Model.asked.clear()
    with served(Model) as address:
        done = claude(home, *asked, ANTHROPIC_BASE_URL=address, ANTHROPIC_API_KEY="sk-loopback")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.dumps(Model.asked[-1]["messages"])
    assert said.count("PAWN lab now") == 1  # SessionStart
    assert said.count("This project has a lab") == 1  # PreToolUse, in place of the command
    assert said.count("Trial 1 ended (completed)") == 1  # Stop, which let go the second time
