"""An agent's host: a server of the lab in a process of its own, its skills, hooks and commands.

It starts the server again where that has died, and repeats the call whose answer was lost.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import psutil
from lab_testing import PAWN_LAB
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Request, RequestParams, Result
from pydantic import ConfigDict

from pawn_lab.cli.check_in import DECIDE
from pawn_lab.server import LabServer
from pawn_lab.shipped import HOOKS

_SERVE = """\
import sys
from pathlib import Path
from pawn_lab.lab import Lab
from pawn_lab.server import serve
serve(lambda: Lab.open(Path(sys.argv[1]), trainer=sys.argv[2:]))
"""

MOST_TRIES = 3

Answer = dict[str, Any]


class _Asked(RequestParams):
    cursor: str | None = None


class _Seen(Result):
    """Whatever a method answers."""

    model_config = ConfigDict(extra="allow")


@dataclass
class Happens:
    """What befalls the machine while agents work; nothing of it is told to them."""

    before: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    """By tool: what happens before its next calls, one each."""
    answers_lost: list[str] = field(default_factory=list)
    """Tools whose next answer does not arrive, because the server is killed."""
    asked: Callable[[str], None] = lambda _: None
    """A person hears a question."""


def server_process(workspace: Path, trainer: list[str]) -> StdioServerParameters:
    """Return a server of its own process, as `pawn-lab mcp` is one, for a trainer."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-c", _SERVE, str(workspace), *trainer],
        env={n: v for n, v in os.environ.items() if n.startswith(("PAWN_", "PYTHON", "CUDA"))},
    )


class Host:
    """One connection to the lab, as an agent's host keeps it."""

    def __init__(
        self, workspace: Path, server: StdioServerParameters | LabServer, happens: Happens
    ) -> None:
        self._workspace, self._server, self._happens = workspace, server, happens
        self.calls: list[str] = []
        """Tools that were called, in order."""
        self.servers = 0
        """How often it was started."""

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _connect(self) -> None:
        others = set(psutil.Process().children())
        self._stack = AsyncExitStack()
        self._client = await self._stack.enter_async_context(
            Client(self._server, read_timeout_seconds=60)
        )
        self._processes = set(psutil.Process().children()) - others
        self.servers += 1

    async def call(self, tool: str, arguments: Answer) -> Answer | None:
        """Call a tool; return its answer, or None where it was refused."""
        self.calls.append(tool)
        if happening := self._happens.before.get(tool):
            happening.pop(0)()
        for _ in range(MOST_TRIES):
            with suppress(MCPError):  # the connection is closed: the server has died
                return await self._try(tool, arguments)
            await self._stack.aclose()
            await self._connect()
        raise AssertionError(f"{tool} got no answer in {MOST_TRIES} tries")

    async def _try(self, tool: str, arguments: Answer) -> Answer | None:
        result = await self._client.call_tool(tool, arguments)
        if tool in self._happens.answers_lost:
            self._happens.answers_lost.remove(tool)
            self.kill_server()
            result = await self._client.call_tool(tool, arguments)
        return None if result.is_error else result.structured_content or {}

    def kill_server(self) -> None:
        """Kill the server the hard way, as a crash would."""
        (process,) = self._processes
        process.send_signal(signal.SIGKILL)

    async def skills(self) -> dict[str, str]:
        """Return every page of every skill by its path, each read whole and verified."""
        request = Request[_Asked, Literal["skills"]].model_construct(
            method="skills/list", params=_Asked()
        )
        listed = (await self._client.session.send_request(request, _Seen)).model_dump()
        files = [file for entry in listed["skills"] for file in entry["resources"]]
        return {f["uri"].removeprefix("skill://"): await self._verified(**f) for f in files}

    async def _verified(self, uri: str, digest: str, size: int) -> str:
        (content,) = (await self._client.read_resource(uri)).contents
        served = content.text.encode()
        assert (len(served), f"sha256:{hashlib.sha256(served).hexdigest()}") == (size, digest)
        return content.text

    def ask(self, question: str) -> None:
        """Ask the person whose machine it is."""
        self._happens.asked(question)

    def shell(self, command: str) -> str:
        """Run a command of a skill; return what it prints."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "PAWN_WORKSPACE": str(self._workspace)}
        done = subprocess.run(
            ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def is_to_be_woken(self) -> bool:
        """Check in as a loop does; say whether somebody has to decide something."""
        command = [PAWN_LAB, "checkin", "--as", "loop"]
        environment = os.environ | {"PAWN_WORKSPACE": str(self._workspace)}
        return subprocess.run(command, env=environment, check=False).returncode == DECIDE

    def compact(self, summary: str) -> str:
        """Compact an agent's memory; return what the next session begins with."""
        self._hook("post_compact", {"trigger": "auto", "compact_summary": summary})
        said = json.loads(self._hook("session_start", {"source": "compact"}))
        return said["hookSpecificOutput"]["additionalContext"]

    def _hook(self, name: str, event: Answer) -> str:
        """Run a hook as hosts do: a process, the event on its standard input."""
        environment = os.environ | {"PAWN_WORKSPACE": str(self._workspace)}
        done = subprocess.run(
            ["sh", HOOKS / "run.sh", name],
            input=json.dumps(event | {"cwd": str(self._workspace)}),
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout
