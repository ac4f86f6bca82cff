"""What a person or an agent finds who comes to a pod by ssh. Standard library only.

sshd runs as the container's user, so only that user can log in. Its sessions get none of the
container's variables by themselves; its configuration, which only its owner can read, has them.
"""

import os
import shutil
import subprocess
from pathlib import Path

from supervisor import Service

PORT_VARIABLE = "PAWN_SSH_PORT"
SESSION_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "HF_TOKEN", "HF_HOME", "HF_TOKEN_PATH")
SESSION_PREFIXES = ("PAWN_", "RUNPOD_", "CUDA_", "NVIDIA_")
_SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin:/sbin"


def ssh_service(home: Path, public_key: str | None) -> Service | None:
    """Return the service that lets the holder of a key in; None without a key, or without sshd.

    Raises:
        OSError: a file cannot be written.
    """
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PROGRAMS}")
    if sshd is None or not public_key:
        return None
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "authorized_keys", public_key.strip() + "\n")
    host_key = folder / "host_ed25519"
    if not host_key.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    config = folder / "sshd_config"
    write_private(config, _config(folder, host_key))
    return Service("sshd", [sshd, "-D", "-e", "-f", str(config)])


def session_variables() -> list[str]:
    """Return the variables that sessions need, as the configuration of sshd has them."""
    return [
        '"' + f"{name}={value}".replace("\\", "\\\\").replace('"', '\\"') + '"'
        for name, value in sorted(os.environ.items())
        if (name in SESSION_VARIABLES or name.startswith(SESSION_PREFIXES)) and "\n" not in value
    ]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, never shorter than whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def _config(folder: Path, host_key: Path) -> str:
    port = os.environ.get(PORT_VARIABLE, "22")
    return f"""Port {port}
HostKey "{host_key}"
AuthorizedKeysFile "{folder / "authorized_keys"}"
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv {" ".join(session_variables())}
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
"""
