#!/usr/bin/env python3
"""An account of the provider in a file: `runpodctl 2` as far as pods go, and what it was asked.

Answers have the shapes of cmd/pod and internal/api of runpodctl. `$FAKE_ACCOUNT` is the file's
folder; in `faults.json` a test says what befalls a verb: {"create": "message"} fails,
{"create": "kill"} makes the pod and kills who asked, {"create": "late: message"} makes it and
fails; {"gone": "late"} keeps what is deleted in the list, {"priced": "yes"} tells what pods cost,
{"listed": "late"} lists a pod only when it was asked for twice.
"""

import json
import os
import signal
import sys
from pathlib import Path

ACCOUNT = Path(os.environ["FAKE_ACCOUNT"])


def load(name: str) -> dict:
    path = ACCOUNT / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def fail(message: str) -> None:
    print(json.dumps({"error": message}), file=sys.stderr)
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(1)


def options(words: list[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))


def create(pods: dict, words: list[str]) -> dict:
    given = options(words)
    pod_id = f"pod{len(pods) + 1:011d}"
    pods[pod_id] = {
        "id": pod_id,
        "name": given["--name"],
        "desiredStatus": "RUNNING",
        "imageName": given["--image"],
        "gpuId": given["--gpu-id"],
        "gpuCount": int(given["--gpu-count"]),
        "volumeInGb": 0,
        "costPerHr": 2.5,
    }
    return pods[pod_id]


def get(pods: dict, words: list[str]) -> dict:
    pod = pods.get(words[0])
    if pod is None:
        fail(f"failed to get pod: pod {words[0]} not found")
        raise AssertionError
    up = pod["desiredStatus"] == "RUNNING" and "looked" in pod
    pod["looked"] = True
    if "priced" not in load("faults.json"):
        pod = {name: value for name, value in pod.items() if name != "costPerHr"}
    ssh = {"ip": "127.0.0.1", "port": 2222, "ssh_command": "ssh root@127.0.0.1 -p 2222"}
    return {**pod, "ssh": ssh if up else {"error": "pod not ready", "status": "RUNNING"}}


def set_status(status: str):
    def act(pods: dict, words: list[str]) -> dict:
        pods[words[0]]["desiredStatus"] = status
        pods[words[0]].pop("looked", None)
        return pods[words[0]]

    return act


def delete(pods: dict, words: list[str]) -> dict:
    if load("faults.json").get("gone") != "late":
        del pods[words[0]]
    return {"deleted": True, "id": words[0]}


def list_(pods: dict, _words: list[str]) -> list[dict]:
    late = load("faults.json").get("listed") == "late"
    shown = [pod for pod in pods.values() if not late or pod.get("asked")]
    for pod in pods.values():
        pod["asked"] = True
    return shown


VERBS = {
    "create": create,
    "get": get,
    "list": list_,
    "start": set_status("RUNNING"),
    "stop": set_status("EXITED"),
    "delete": delete,
}


def main() -> None:
    with (ACCOUNT / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(sys.argv[1:]) + "\n")
    noun, verb, *words = sys.argv[1:]
    assert noun == "pod"
    pods, fault = load("pods.json"), load("faults.json").get(verb, "")
    if fault and fault != "kill" and not fault.startswith("late: "):
        fail(fault)
    answer = VERBS[verb](pods, words)
    (ACCOUNT / "pods.json").write_text(json.dumps(pods), encoding="utf-8")
    if fault == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
    elif fault:
        fail(fault.removeprefix("late: "))
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
