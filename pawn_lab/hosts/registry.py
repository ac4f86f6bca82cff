"""The hosts: one file and one entry each."""

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts import claude_code, codex, cursor, gemini_cli, vscode
from pawn_lab.hosts.host import Host

HOSTS: tuple[Host, ...] = (
    *(claude_code.HOST, codex.HOST, gemini_cli.HOST, cursor.HOST, vscode.HOST),
)


def host_named(name: str) -> Host:
    """Return the host of that name.

    Raises:
        InvalidRequestError: no such host; lists those there are.
    """
    for host in HOSTS:
        if host.name == name:
            return host
    names = ", ".join(host.name for host in HOSTS)
    raise InvalidRequestError(f"host '{name}' is unknown; one of: {names}")
