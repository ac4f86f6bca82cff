"""A hub over HTTP that answers what huggingface_hub asks, and fails when told to.

Repositories keep every commit as a whole snapshot. Buckets take what the real client of their
storage (hf_xet) has put into a local store.
"""

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

TOKEN = "hf_CanaryCanaryCanaryCanary0123456789"
SIGNATURE = "X-Amz-Signature=canary5167"
"""What signed addresses carry; as secret as a token."""

Snapshot = dict[str, bytes]


@dataclass
class Fault:
    """What befalls requests whose line contains `where`, so many times.

    `how`: an HTTP status; `drop` the connection before the request is dealt with, or `drop after`;
    `reset` it; `hold` the request until the hub's gate opens.
    """

    where: str
    how: str | int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


FAULTS = {
    "drop before a commit": (Fault("/commit/", "drop"),),
    "drop after a commit": (Fault("/commit/", "drop after"),),
    "drop of large files": (Fault("PUT /lfs/", "drop", 2),),
    "reset of a large file": (Fault("PUT /lfs/", "reset"),),
    "reset after another": (Fault("/preupload/", "reset"), Fault("/batch", "reset")),
    "429 for a commit": (Fault("/commit/", 429, 2, {"Retry-After": "47"}),),
    "429 for a large file": (Fault("PUT /lfs/", 429, 1, {"Retry-After": "47"}),),
    "500 for a commit": (Fault("/commit/", 500, 2),),
    "502 for anything": (Fault("", 502, 5),),
    "503 for long": (Fault("/preupload/", 503, 9),),
}
"""What may befall uploads; two more, a hub that hangs and a kill, are tests of their own."""


@dataclass
class Commit:
    """A commit on a branch, with all files as of then."""

    oid: str
    title: str
    files: Snapshot


class FakeHub:
    """A server on this machine; use as a context manager."""

    def __init__(self, xet_store: Path | None = None) -> None:
        self.repositories: dict[str, dict[str, list[Commit]]] = {}
        self.buckets: dict[str, dict[str, str]] = {}
        """Xet hash by path."""
        self.batches: list[list[str]] = []
        """The paths of each call that added to a bucket."""
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.asked = threading.local()
        """Of the request that a thread answers: its query."""
        self.gate = threading.Event()
        self.held = threading.Event()
        """Set once a request is held."""
        self._large: dict[str, bytes] = {}
        self._xet_store = xet_store
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def downloads(self) -> list[str]:
        """The files that were sent, in order."""
        got = (line.split("/resolve/") for line in self.requests if line.startswith("GET /"))
        return [parts[1].split("/", 1)[1] for parts in got if len(parts) == 2]

    def publish(self, repository: str, folder: Path) -> None:
        """Commit a folder to a repository's branch main."""
        paths = [path for path in folder.rglob("*") if path.is_file()]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        branch = self.repositories.setdefault(repository, {"main": []})["main"]
        branch.append(_commit(branch, "publish", files))

    def branch(self, where: str) -> list[Commit]:
        """Return the commits of `owner/name@branch`, less the one it began with."""
        repository, _, branch = where.partition("@")
        return self.repositories[repository][branch][1:]

    def fault(self, line: str) -> Fault | None:
        """Return what befalls a request."""
        with self._lock:
            for fault in self.faults:
                if fault.where in line and fault.times:
                    fault.times -= 1
                    return fault
        return None

    def answer(self, method: str, path: str, body: bytes, token: str) -> "Answer":
        """Return the answer to a request."""
        with self._lock:
            parts = [unquote(part) for part in path.strip("/").split("/")]
            if parts[0] == "datasets":
                parts = parts[1:]
            if "resolve" in parts or parts[0] == "lfs":
                return self._content(method, parts, body)
            if token != f"Bearer {TOKEN}":
                return Answer(401, {"error": "Invalid credentials"})
            if parts[:2] == ["api", "buckets"]:
                return self._bucket(f"{parts[2]}/{parts[3]}", parts[4:], body)
            return self._repository(method, parts, body)

    def _content(self, method: str, parts: list[str], body: bytes) -> "Answer":
        if parts[0] == "lfs":
            if hashlib.sha256(body).hexdigest() != parts[1]:
                return Answer(400, {"error": "not what was announced"})
            self._large[parts[1]] = body
            return Answer()
        revision, file = parts[3], "/".join(parts[4:])
        branches = self.repositories.get("/".join(parts[:2]))
        if branches is None:
            return Answer.missing("RepoNotFound")
        commit = _find(branches, revision)
        if commit is None:
            return Answer.missing("RevisionNotFound")
        if file not in commit.files:
            return Answer.missing("EntryNotFound")
        data = commit.files[file]
        etag = hashlib.sha256(data).hexdigest()
        return Answer(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": commit.oid})

    def _repository(self, method: str, parts: list[str], body: bytes) -> "Answer":
        if parts == ["api", "repos", "create"]:
            return self._create(json.loads(body))
        if parts == ["api", "validate-yaml"]:  # of a card
            return Answer(200, {"warnings": [], "errors": []})
        if parts[0] != "api":  # owner/name.git/info/lfs/objects/batch
            return self._large_files(json.loads(body))
        name, (verb, *rest) = "/".join(parts[2:4]), parts[4:] or ["revision", "main"]
        branches = self.repositories.get(name)
        if branches is None:
            return Answer.missing("RepoNotFound")
        if verb == "auth-check":
            return Answer()
        if verb == "branch" and method == "DELETE":
            del branches[rest[0]]
            return Answer()
        if verb == "branch":
            return self._make_branch(branches, rest[0])
        commit = _find(branches, rest[0])
        if commit is None:
            return Answer.missing("RevisionNotFound")
        match verb:
            case "revision":
                return Answer(200, {"id": name, "sha": commit.oid})
            case "tree":
                return Answer(200, [_info(path, data) for path, data in commit.files.items()])
            case "paths-info":
                asked = parse_qs(body.decode())["paths"]
                return Answer(200, [_info(p, commit.files[p]) for p in asked if p in commit.files])
            case "preupload":
                files = json.loads(body)["files"]
                return Answer(200, {"files": [_mode(f, commit.files) for f in files]})
            case "commit":
                return self._commit(name, branches[rest[0]], body)
        return Answer(404, {"error": f"{method} {verb}"})

    def _create(self, asked: dict[str, Any]) -> "Answer":
        name = f"{asked['organization']}/{asked['name']}"
        status = 409 if name in self.repositories else 200
        self.repositories.setdefault(name, {"main": [_commit([], "initial", {})]})
        return Answer(status, {"url": f"{self.url}/{name}", "visibility": asked.get("visibility")})

    def _make_branch(self, branches: dict[str, list[Commit]], name: str) -> "Answer":
        if name in branches:
            return Answer(409, {"error": "Reference already exists"})
        branches[name] = [branches["main"][-1]]
        return Answer()

    def _large_files(self, asked: dict[str, Any]) -> "Answer":
        objects = []
        for each in asked["objects"]:
            href = f"{self.url}/lfs/{each['oid']}?{SIGNATURE}"
            actions = {} if each["oid"] in self._large else {"actions": {"upload": {"href": href}}}
            objects.append({"oid": each["oid"], "size": each["size"], **actions})
        return Answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, name: str, branch: list[Commit], body: bytes) -> "Answer":
        files, title = dict(branch[-1].files), ""
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            match item["key"]:
                case "header":
                    title = value["summary"]
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    if value["oid"] not in self._large:
                        return Answer(400, {"error": f"{value['path']} was never uploaded"})
                    files[value["path"]] = self._large[value["oid"]]
        branch.append(_commit(branch, title, files))
        oid = branch[-1].oid
        return Answer(200, {"commitUrl": f"{self.url}/{name}/commit/{oid}", "commitOid": oid})

    def _bucket(self, name: str, verb: list[str], body: bytes) -> "Answer":
        match verb:
            case []:
                status = 409 if name in self.buckets else 200
                self.buckets.setdefault(name, {})
                return Answer(status, {"url": f"{self.url}/buckets/{name}"})
            case ["xet-write-token"]:
                return self._xet_token()
            case ["batch"]:
                orders = [json.loads(line) for line in body.splitlines()]
                added = [order for order in orders if order["type"] == "addFile"]
                self.batches.append([each["path"] for each in added])
                for order in orders:
                    if order["type"] == "deleteFile":
                        del self.buckets[name][order["path"]]
                self.buckets[name] |= {each["path"]: each["xetHash"] for each in added}
                return Answer(200, {"success": True, "failed": []})
            case ["paths-info"]:
                there, asked = self.buckets[name], json.loads(body)["paths"]
                kind = {"type": "file", "size": 0}
                found = [{"path": p, "xetHash": there[p], **kind} for p in asked if p in there]
                return Answer(200, found)
        return Answer(404, {"error": f"no {verb}"})

    def _xet_token(self) -> "Answer":
        end, store = int(time.time()) + 3600, f"local://{self._xet_store}"
        headers = {"X-Xet-Cas-Url": store, "X-Xet-Access-Token": "xet"}
        headers["X-Xet-Token-Expiration"] = str(end)
        return Answer(200, {"casUrl": store, "accessToken": "xet", "exp": end}, headers)


@dataclass
class Answer:
    """A status, a body (bytes, or what becomes JSON) and more headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def missing(cls, code: str) -> Self:
        """Return the hub's way of saying that there is no such thing."""
        return cls(404, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code})


def log_in(patch: pytest.MonkeyPatch, server: FakeHub, folder: Path) -> None:
    """Let this process and its children talk to a hub, with a token in a home of their own."""
    home = folder / "home"
    home.mkdir()
    (home / "token").write_text(TOKEN)
    patch.delenv("HF_TOKEN", raising=False)
    environment = {"HF_ENDPOINT": server.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    for name, value in environment.items():
        patch.setenv(name, value)
    template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    for name, value in {
        "ENDPOINT": server.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_CACHE": str(folder / "cache"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_DISABLE_XET": True,
    }.items():
        patch.setattr(f"huggingface_hub.constants.{name}", value)


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = b"".join(_body(self))
            line = f"{self.command} {urlsplit(self.path).path}"
            hub.requests.append(line)
            fault = hub.fault(line)
            if fault is not None and fault.how in ("drop", "reset"):
                return self._break(reset=fault.how == "reset")
            if fault is not None and fault.how == "hold":
                hub.held.set()
                hub.gate.wait(60)
            if fault is not None and isinstance(fault.how, int):
                return self._send(Answer(fault.how, {"error": "as told"}, fault.headers))
            token = self.headers.get("Authorization", "")
            hub.asked.query = parse_qs(urlsplit(self.path).query)
            answer = hub.answer(self.command, urlsplit(self.path).path, body, token)
            if fault is not None and fault.how == "drop after":
                return self._break(reset=False)
            return self._send(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

        def _send(self, answer: Answer) -> None:
            body = answer.body
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _break(self, reset: bool) -> None:
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # the client was killed

    return Handler


def _body(request: BaseHTTPRequestHandler) -> Iterator[bytes]:
    """Read a request's body, in chunks where it comes so."""
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        yield request.rfile.read(int(request.headers.get("Content-Length") or 0))
        return
    while size := int(request.rfile.readline(), 16):
        yield request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()


def _commit(branch: list[Commit], title: str, files: Snapshot) -> Commit:
    told = json.dumps([len(branch), title, time.time_ns(), sorted(files)])
    return Commit(hashlib.sha1(told.encode()).hexdigest(), title, files)


def _find(branches: dict[str, list[Commit]], revision: str) -> Commit | None:
    if revision in branches:
        return branches[revision][-1]
    return next((c for branch in branches.values() for c in branch if c.oid == revision), None)


def _is_large(path: str) -> bool:
    return path.endswith(".safetensors")


def _oid(path: str, data: bytes) -> str:
    if _is_large(path):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _info(path: str, data: bytes) -> dict[str, Any]:
    info = {"type": "file", "path": path, "size": len(data), "oid": "f" * 40}
    if _is_large(path):
        return info | {"lfs": {"oid": _oid(path, data), "size": len(data), "pointerSize": 130}}
    return info | {"oid": _oid(path, data)}


def _mode(file: dict[str, Any], there: Snapshot) -> dict[str, Any]:
    path = file["path"]
    known = {"oid": _oid(path, there[path])} if path in there else {}
    mode = "lfs" if _is_large(path) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, **known}
