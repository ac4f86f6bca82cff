"""A process in the trainer's place, where the trainer itself is not the subject.

It takes the trainer's arguments and keeps its contract: `outcome.json`, `metrics.jsonl`, exit
codes. `python stand_in.py BEHAVIOUR --config FILE --run-dir DIR [--resume DIR]`. A behaviour
`gate:NAME` waits at the gate first, and behind it does what the gate's file says, else NAME;
`gate` alone completes.
"""

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

POLL_S = 0.005
FAMILY_S = 100.0
HIGHEST_LR = 0.1
LARGEST_BATCH = 256
FAMILIES = ("orphan", "chain", "chain of sessions", "crowd", "line of sessions")


def greet(**more: object) -> None:
    print(json.dumps({"pid": os.getpid(), "environment": dict(os.environ), **more}), flush=True)


def finish(run: Path, reason: str, code: int, step: int = 5) -> None:
    outcome = {"reason": reason, "step": step, "message": f"stand-in {reason}", "checkpoint": None}
    partial = run / "outcome.partial"
    partial.write_text(json.dumps(outcome | {"metrics": {}}))
    partial.rename(run / "outcome.json")
    sys.exit(code)


def wait_for_gate(run: Path) -> str:
    """Go on once a test has made the file `gate` in the trial's folder; return what it says."""
    while not (run.parent / "gate").exists():
        time.sleep(POLL_S)
    return (run.parent / "gate").read_text()


def sleep_for_ever(*_: object) -> None:
    while True:
        signal.pause()


def write_metrics(run: Path) -> None:
    with (run / "metrics.jsonl").open("w") as file:
        for seq, loss in enumerate((3.0, 2.0, 2.5)):
            record = {"type": "eval", "seq": seq, "step": seq + 1, "time": time.time()}
            file.write(json.dumps(record | {"val_loss": loss}) + "\n")


def write_paced_metrics(run: Path) -> None:
    """Write train records that are one second apart, a step each."""
    now = time.time()
    with (run / "metrics.jsonl").open("w") as file:
        for seq in range(3):
            record = {"type": "train", "seq": seq, "step": seq + 1, "time": now + seq, "loss": 1.0}
            file.write(json.dumps(record) + "\n")


def write_wild_metrics(run: Path) -> None:
    """Write what is no record or no number, thrice as much as a rule looks back, and wait."""
    wild = ["9" * 400, "NaN", "Infinity", "-1", '"text"', "null", "[]", "[" * 5000 + "]" * 5000]
    places = ['"loss": %s', '"loss": 1, "step": %s', '"loss": 1, "variant": %s', '"type": %s']
    records = [
        '{"type": "train", "step": 1, "time": 1, ' + p % w + "}" for p in places for w in wild
    ]
    (run / "metrics.jsonl").write_text("\n".join(records * 60) + "\n[1]\n7\n")
    time.sleep(2.5)  # two looks of the shim


def climb(run: Path) -> None:
    """Write a training loss that falls to 2 and then stays at 7."""
    losses = [8.0 - 0.1 * n for n in range(60)] + [2.0] * 20 + [7.0] * 25
    with (run / "metrics.jsonl").open("w") as file:
        for seq, loss in enumerate(losses):
            record = {"type": "train", "seq": seq, "step": 10 * seq, "time": time.time()}
            file.write(json.dumps(record | {"loss": loss}) + "\n")


def study(run: Path, config: dict, resumed_from: str | None) -> None:
    """Train as if: a loss that the learning rate decides, evaluations, a checkpoint, a pause."""
    start = int(Path(resumed_from).name.removeprefix("step_")) if resumed_from else 0
    stop = config["pause_after_steps"] or config["total_steps"]
    interval = config["eval_interval"]
    with (run / "metrics.jsonl").open("w") as file:
        for seq, step in enumerate(range(start + interval, stop + 1, interval)):
            loss = abs(math.log10(config["lr"]) + 3) + 100 / step + config["seed"] / 1000
            record = {"type": "eval", "seq": seq, "step": step, "time": time.time()}
            file.write(json.dumps(record | {"val_loss": loss}) + "\n")
    save(run / "checkpoints" / f"step_{stop:08d}", stop)
    finish(run, "paused" if config["pause_after_steps"] else "completed", 0)


def be_machine(run: Path, config: dict, resumed_from: str | None) -> None:
    """Do what a machine of little memory would: a rate diverges, a batch does not fit."""
    if config["run_type"] == "eval":
        save(run / "checkpoints" / f"step_{config['total_shards']:08d}", config["total_shards"])
        measure(run, config)
    if config["lr"] > HIGHEST_LR:
        climb(run)
        sleep_for_ever()
    if config["batch_size"] > LARGEST_BATCH:
        raise MemoryError("CUDA out of memory: tried to allocate 2 GiB")
    study(run, config, resumed_from)


def measure(run: Path, config: dict) -> None:
    """Evaluate as if: a legal rate that the measured trial's learning rate and seed decide."""
    number = int(config["weights"].removeprefix("trial:").partition("@")[0])
    request = run.resolve().parent.parent / f"{number:04d}" / "request.json"
    trained = json.loads(request.read_text(encoding="utf-8"))
    rate = 0.9 - abs(math.log10(trained["lr"]) + 3) / 100 + trained["seed"] / 10_000
    step = config["total_shards"]
    record = {"type": "eval", "seq": 0, "step": step, "time": time.time()}
    record |= {"legality.legal_rate": rate, "legality.legal_rate_low": rate - 0.01}
    (run / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    finish(run, "completed", 0)


def adapt(run: Path, config: dict, resumed_from: str | None) -> None:
    """Adapt as if: on as many games as the file has, with a loss that rate and size decide."""
    start = int(Path(resumed_from).name.removeprefix("step_")) if resumed_from else 0
    read = Path(config["pgn"]).read_text(encoding="utf-8").count("[Event ")
    train = min(read - 2, config["max_games"])
    games = {"source": Path(config["pgn"]).name, "revision": None, "read": read, "kept": read}
    games |= {"train": train, "val": 2, "dropped": {"elo": 3, "too_short": 0}}
    is_lora = config["strategy"] == "lora"
    size = 8192 * config["lora_rank"] if is_lora else 16_384 * config["bottleneck_dim"]
    steps = math.ceil(config["epochs"] * train / config["batch_size"])
    interval = math.ceil(config["val_every"] * train / config["batch_size"])
    stop = min(config["pause_after_steps"] or steps, steps)
    with (run / "metrics.jsonl").open("w") as file:
        record = {"type": "config", "seq": 0, "step": start, "time": time.time()}
        record |= {"games": games, "trainable_parameters": size}
        file.write(json.dumps(record) + "\n")
        for seq, step in enumerate({*range(start, stop + 1, interval), stop}, 1):
            loss = abs(math.log10(config["lr"]) + 3) + 1e4 / size + 10 / (step + 10)
            record = {"type": "eval", "seq": seq, "step": step, "time": time.time()}
            file.write(json.dumps(record | {"val_loss": loss, "top1": 1 / (1 + loss)}) + "\n")
    own = {"config.json": json.dumps(config).encode(), "backbone.json": b"{}"}
    own |= {"adapter_config.json": b"{}"} if is_lora else {}
    save(run / "checkpoints" / f"step_{stop:08d}", stop, "adapter_model.safetensors", own)
    finish(run, "paused" if stop == config["pause_after_steps"] else "completed", 0, stop)


def save(
    checkpoint: Path,
    step: int,
    weights: str = "model.safetensors",
    own: dict[str, bytes] | None = None,
) -> None:
    """Write a whole checkpoint of no tensors."""
    checkpoint.mkdir(parents=True)
    contents = {
        weights: (2).to_bytes(8, "little") + b"{}",
        "optimizer.safetensors": (2).to_bytes(8, "little") + b"{}",
        "training_state.json": b"{}",
        "config.json": b"{}",
        **(own or {}),
    }
    for name, content in contents.items():
        (checkpoint / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    document = {"format": 1, "step": step, "files": hashes}
    (checkpoint / ".complete").write_text(json.dumps(document))


def main() -> None:
    gate, _, behind = sys.argv[1].partition(":")
    gated = gate == "gate"
    behaviour = (behind or "complete") if gated else sys.argv[1]
    parser = ArgumentParser()
    for name in ("--config", "--run-dir", "--resume"):
        parser.add_argument(name)
    arguments = parser.parse_args(sys.argv[2:])
    run = Path(arguments.run_dir)
    run.mkdir(exist_ok=True)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: finish(run, "signal", 143))
    if behaviour != "hang with children":
        greet()
    if gated:
        behaviour = wait_for_gate(run) or behaviour
    match behaviour:
        case "complete":
            write_metrics(run)
            finish(run, "completed", 0)
        case "study":
            config = json.loads(Path(arguments.config).read_text(encoding="utf-8"))
            trained = adapt if config.get("run_type") == "adapter" else study
            trained(run, config, arguments.resume)
        case "machine":
            be_machine(run, json.loads(Path(arguments.config).read_text("utf-8")), arguments.resume)
        case "measure":
            measure(run, json.loads(Path(arguments.config).read_text(encoding="utf-8")))
        case "diverge":
            climb(run)
            sleep_for_ever()
        case "oom":
            write_metrics(run)
            raise MemoryError("CUDA out of memory: \x1b[31mtried\x1b[0m to allocate 2 GiB")
        case "paced":
            write_paced_metrics(run)
            finish(run, "completed", 0)
        case "deep outcome":
            (run / "outcome.json").write_text('{"reason": ' + "[" * 100_000 + "]" * 100_000 + "}")
        case "wild metrics":
            write_wild_metrics(run)
            finish(run, "completed", 0)
        case "pause":
            finish(run, "paused", 0)
        case "crash":
            sys.exit(1)
        case "silent":
            sys.exit(0)
        case "non-finite":
            finish(run, "non_finite", 3)
        case "hang" | "stubborn":
            sleep_for_ever()
        case "litter":
            start_child()
            finish(run, "completed", 0)
        case "hang with children":
            children = [start_child(), start_child(env={}, locks=False)]
            greet(children=children)
            sleep_for_ever()
        case _ if behaviour in FAMILIES:
            start_family(behaviour)
            wait_for_gate(run)
            finish(run, "completed", 0)
        case _:
            raise SystemExit(f"no behaviour {behaviour}")


def start_child(env: dict[str, str] | None = None, locks: bool = True) -> int:
    """Start a process in a session of its own: no group kill reaches it. Return its PID.

    Without our environment it has no token, so only an ancestor can tell that it is ours.
    """
    child = [sys.executable, "-S", "-c", "import signal\nwhile True: signal.pause()"]
    held = inherited_lock() if locks else []
    return subprocess.Popen(child, start_new_session=True, pass_fds=held, env=env).pid


def start_family(kind: str) -> None:
    """Start processes that are hard to end, none with our lock or our environment.

    chain: each starts its successor and ends. crowd: many at once. line: each waits for its child.
    Those of sessions are each in one of its own, so that no group kill reaches two of them.
    """
    if os.fork():
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for descriptor in inherited_lock():
        os.close(descriptor)
    code = "from stand_in import be_family; import sys; be_family(sys.argv[1])"
    os.chdir(Path(__file__).parent)
    os.execve(sys.executable, [sys.executable, "-S", "-c", code, kind], {})


def be_family(kind: str) -> None:
    until = time.monotonic() + FAMILY_S
    own_session = os.setsid if "sessions" in kind or kind == "crowd" else lambda: None
    if kind.startswith("chain"):
        while time.monotonic() < until:
            if os.fork():
                os._exit(0)
            own_session()
    for _ in range({"crowd": 200, "line of sessions": 60}.get(kind, 0)):
        is_child = os.fork() == 0
        if is_child:
            own_session()
        if is_child == (kind == "crowd"):
            break
    time.sleep(FAMILY_S)


def inherited_lock() -> list[int]:
    """Return the descriptor of the trial's alive.lock, which the trainer inherits."""
    descriptors = Path("/proc/self/fd")
    return [
        int(entry.name)
        for entry in descriptors.iterdir()
        if entry.is_symlink() and entry.readlink().name == "alive.lock"
    ]


if __name__ == "__main__":
    main()
