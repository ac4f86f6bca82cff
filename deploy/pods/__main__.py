"""`deploy/pod.sh`: GPU pods from the command line; --dry-run shows the commands and runs none.

A pod is made from the image of this repository on a network volume, which holds the lab and
outlives it. Handles are kept in ~/.config/pawn/pods/NAME.env. Details: docs/pods.md.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import lifecycle
import remote
import runpod
from errors import PodError
from gpus import gpu_named, table
from handles import Handle, checked_name, required
from shell import Shell

ROOT = Path(__file__).resolve().parents[2]
REFUSED, INTERRUPTED = 2, 130
TOKEN_FILE = Path(".cache/huggingface/token")

Command = Callable[[Shell, argparse.Namespace], int]


def create(shell: Shell, options: argparse.Namespace) -> int:
    """Make a pod, wait until it lets one in."""
    gpu = gpu_named(options.gpu)
    if not options.volume:
        raise PodError(
            "--volume is missing (or PAWN_NETWORK_VOLUME): what is on no network volume is lost "
            "with the pod; see: runpodctl network-volume list"
        )
    if not options.image:
        raise PodError(
            "--image is missing (or PAWN_IMAGE): build the Dockerfile of this repository and push "
            "it where the provider can pull it; see docs/pods.md"
        )
    price = "unknown" if gpu.dollars is None else f"{gpu.dollars * options.count:.2f} $/h published"
    say(f"{options.count} x {gpu.runpod_id}, {price}, on volume {options.volume}")
    variables = dict(pair.partition("=")[::2] for pair in options.env)
    order = runpod.Order(
        gpu_id=gpu.runpod_id,
        count=options.count,
        image=options.image,
        volume=options.volume,
        disk_gb=options.disk,
        cloud="COMMUNITY" if options.community else "SECURE",
        variables={"HF_TOKEN": hub_token(options.hf_secret)} | variables,
    )
    handle = Handle.new(
        checked_name(options.name),
        gpu=gpu.name,
        count=str(options.count),
        volume=options.volume,
        user=options.user,
    )
    handle = lifecycle.create(shell, handle, order)
    tell_price(shell, handle)
    told(shell, f"pod {handle.name} lets you in: pod.sh ssh {handle.name}")
    return 0


def hub_token(secret: str | None) -> str:
    """Return the hub's token, or the name of the provider's secret that holds it.

    Raises:
        PodError: there is none, and what a pod trains could be uploaded nowhere.
    """
    if secret:
        return f"{{{{ RUNPOD_SECRET_{secret} }}}}"
    kept = Path.home() / TOKEN_FILE
    token = os.environ.get("HF_TOKEN") or (kept.read_text().strip() if kept.exists() else "")
    if not token:
        raise PodError("no hub token: set HF_TOKEN, run `hf auth login`, or name --hf-secret")
    return token


def start(shell: Shell, options: argparse.Namespace) -> int:
    """Start a stopped pod."""
    tell_price(shell, lifecycle.start(shell, required(options.name)))
    return 0


def tell_price(shell: Shell, handle: Handle) -> None:
    """Give the pod's lab the provider's price, from which idle alarms and estimates start."""
    dollars = runpod.state(shell, handle.id or "POD_ID").dollars
    if dollars is None or not remote.tell_price(shell, handle, dollars):
        told(shell, "the price is not known to the pod's lab: tell it with `pawn-lab set-cost`")


def stop(shell: Shell, options: argparse.Namespace) -> int:
    """Let what runs save, then stop the pod: it costs nothing but its storage."""
    lifecycle.stop(shell, required(options.name), say)
    told(shell, f"stopped; go on with: pod.sh start {options.name}")
    return 0


def delete(shell: Shell, options: argparse.Namespace) -> int:
    """Delete a pod whose gate has passed; with --force any, once its name was typed."""
    handle = required(options.name)
    found = lifecycle.find(shell, handle) if handle.id else lifecycle.find_ordered(shell, handle)
    handle.id = found or (handle.id if shell.dry_run else "")
    if not handle.id and not shell.dry_run:
        handle.forget()
        say(f"pod {handle.name} is listed no more, or was never made: forgotten")
        return 0
    if not options.force:
        lifecycle.check_may_go(shell, handle)
    elif not shell.dry_run:
        print(f"What is on pod {handle.name} alone is lost. Type its name: ", end="", flush=True)
        if sys.stdin.readline().strip() != handle.name:
            raise PodError("another name was typed: nothing was deleted")
    lifecycle.delete(shell, handle)
    told(shell, f"deleted; volume {handle.volume} stays, and costs what volumes cost")
    return 0


def ssh(shell: Shell, options: argparse.Namespace) -> int:
    """Open a session on a pod, or run a command there."""
    return shell.show(remote.ssh(required(options.name), *options.command))


def list_(shell: Shell, _options: argparse.Namespace) -> int:
    """List the account's pods, what they cost, and those that nobody here knows."""
    print("\n".join(lifecycle.overview(shell)))
    return 0


def gpus(_shell: Shell, _options: argparse.Namespace) -> int:
    """Show the GPUs, their prices and how fast they train."""
    print("\n".join(table()))
    return 0


def status(shell: Shell, options: argparse.Namespace) -> int:
    """Say how a pod is, and how its lab stands."""
    handle = lifecycle.reconciled(shell, required(options.name))
    state = runpod.state(shell, handle.id)
    price = "" if state.dollars is None else f", {state.dollars:.2f} $/h"
    say(f"pod {handle.name} (id {handle.id}): {state.status}{price}")
    if state.status != lifecycle.RUNNING:
        return 0
    return shell.show(remote.ssh(handle, "pawn-lab status"))


def setup(shell: Shell, options: argparse.Namespace) -> int:
    """Build the environment of the code that `deploy` has copied."""
    return shell.show(remote.ssh(required(options.name), remote.SETUP))


def deploy(shell: Shell, options: argparse.Namespace) -> int:
    """Copy this checkout to a pod and set it up there."""
    remote.send_source(shell, required(options.name), ROOT)
    code = setup(shell, options)
    told(shell, "the pod runs it after: pod.sh stop, pod.sh start" if code == 0 else "setup failed")
    return code


def launch(shell: Shell, options: argparse.Namespace) -> int:
    """Launch a config in the pod's lab after a preflight, or run a command of the repository.

    launch NAME CONFIG.json [options of `pawn-lab launch`]; launch NAME scripts/train_all.py ...
    """
    handle = required(options.name)
    if not options.command:
        raise PodError("launch needs CONFIG.json, or a command, scripts/train_all.py for one")
    if not options.command[0].endswith(".json"):
        return shell.show(remote.ssh(handle, remote.started(options.command)))
    path = remote.save_config(shell, handle, Path(options.command[0]))
    if code := shell.show(remote.ssh(handle, remote.lab("preflight", path))):
        raise PodError(f"the preflight failed ({code}): nothing was launched")
    return shell.show(remote.ssh(handle, remote.lab("launch", path, options.command[1:])))


COMMANDS: tuple[tuple[str, Command], ...] = (
    ("create", create),
    ("start", start),
    ("stop", stop),
    ("delete", delete),
    ("ssh", ssh),
    ("list", list_),
    ("gpus", gpus),
    ("status", status),
    ("setup", setup),
    ("deploy", deploy),
    ("launch", launch),
)
_WITHOUT_NAME = (list_, gpus)
_WITH_COMMAND = (ssh, launch)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command line's options; ends the program where it is wrong."""
    parser = argparse.ArgumentParser(prog="pod.sh", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run none")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, command in COMMANDS:
        verb = verbs.add_parser(name, help=(command.__doc__ or "").splitlines()[0])
        verb.add_argument("--dry-run", action="store_true", default=argparse.SUPPRESS)
        verb.set_defaults(run=command)
        if command not in _WITHOUT_NAME:
            verb.add_argument("name")
        if command in _WITH_COMMAND:
            verb.add_argument("command", nargs=argparse.REMAINDER)
        if command is create:
            _add_order(verb)
        if command is delete:
            verb.add_argument("--force", action="store_true", help="after its name was typed")
    return parser.parse_args(arguments)


def _add_order(verb: argparse.ArgumentParser) -> None:
    add = verb.add_argument
    add("--gpu", default="a5000", help="shortcut of `pod.sh gpus`, or the provider's name")
    add("--count", type=int, default=1, help="GPUs")
    add("--volume", default=os.environ.get("PAWN_NETWORK_VOLUME"), help="network volume's id")
    add("--disk", type=int, default=40, help="GB of the container, lost with it")
    add("--image", default=os.environ.get("PAWN_IMAGE"), help="built from the Dockerfile")
    add("--user", default="pawn", help="who the image lets in by ssh")
    add("--community", action="store_true", help="the community cloud")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="PAWN_MODEL, PAWN_CMD..")
    add("--hf-secret", metavar="NAME", help="the provider's secret that holds the hub's token")


def say(what: str) -> None:
    """Tell a person; stdout is for what was asked."""
    print(what, file=sys.stderr, flush=True)


def told(shell: Shell, outcome: str) -> None:
    """Tell a person what was done; in a dry run nothing was."""
    if not shell.dry_run:
        say(outcome)


def main() -> int:
    """Run `pod.sh`."""
    options = parse(sys.argv[1:])
    token = os.environ.get("HF_TOKEN", "")
    shell = Shell(options.dry_run, (token,) if token else ())
    try:
        return options.run(shell, options)
    except (PodError, ValueError) as error:
        say(f"pod.sh: {shell.masked(str(error))}")
        return REFUSED
    except KeyboardInterrupt:
        say("pod.sh: interrupted; a pod that was ordered is kept, and costs money: pod.sh list")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
