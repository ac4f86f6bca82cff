"""Published weights and the hub that serves them, made here from their file formats."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import chess_engine
import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]


def published_tensors(d: int, layers: int, d_ff: int, vocabulary: str) -> Tensors:
    """Return random weights under the published names."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    shapes: dict[str, tuple[int, ...]] = {
        "embed.src_embed.weight": (64, d),
        "embed.dst_embed.weight": (64, d),
        "embed.promo_embed.weight": (5, d),
        "embed.outcome_embed.weight": (len(tokens.outcomes), d),
        "embed.pad_embed": (d,),
        "final_norm.weight": (d,),
        "lm_head.weight": (tokens.size, d),
    }
    for n in range(layers):
        shapes |= {f"layers.{n}.attn.w{w}.weight": (d, d) for w in "qkvo"}
        shapes |= {f"layers.{n}.ffn.w_{w}.weight": (d_ff, d) for w in ("gate", "up")}
        shapes |= {f"layers.{n}.ffn.w_down.weight": (d, d_ff)}
        shapes |= {f"layers.{n}.{norm}_norm.weight": (d,) for norm in ("attn", "ffn")}
    generator = np.random.default_rng(7)
    return {k: generator.normal(0, 0.4, s).astype(np.float32) for k, s in shapes.items()}


def published_config(d: int, layers: int, heads: int, d_ff: int, vocabulary: str) -> dict[str, Any]:
    """Return `config.json` as published repositories have it."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    sizes = {"d_model": d, "n_layers": layers, "n_heads": heads, "d_ff": d_ff}
    return {
        "format_version": 1,
        "checkpoint_type": "pretrain",
        "model_config": {
            **sizes,
            "vocab_size": tokens.size,
            "max_seq_len": 32,
            "n_outcomes": len(tokens.outcomes),
            "dropout": 0.0,
            "rope_base": 10000.0,
        },
        "training_config": {"lr": 3e-4, "prepend_outcome": vocabulary == "coordinate"},
    }


class FakeHub:
    """Answers `/{owner}/{name}/resolve/{revision}/{file}` of some folders, revision main only."""

    COMMIT = "a" * 40

    def __init__(self, repositories: dict[str, Path]) -> None:
        hub = self
        self.downloads: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub._answer(self, repositories, send_body=False)

            def do_GET(self) -> None:
                hub._answer(self, repositories, send_body=True)

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(
        self, request: BaseHTTPRequestHandler, repositories: dict[str, Path], send_body: bool
    ) -> None:
        owner, name, _, revision, file = request.path.lstrip("/").split("/", 4)
        folder = repositories.get(f"{owner}/{name}")
        if folder is None:
            return self._refuse(request, "RepoNotFound")
        if revision not in ("main", self.COMMIT):
            return self._refuse(request, "RevisionNotFound")
        if not (folder / file).is_file():
            return self._refuse(request, "EntryNotFound")
        data = (folder / file).read_bytes()
        request.send_response(200)
        request.send_header("ETag", f'"{file.strip(".")}"')
        request.send_header("X-Repo-Commit", self.COMMIT)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if send_body:
            self.downloads.append(file)
            request.wfile.write(data)
        return None

    def _refuse(self, request: BaseHTTPRequestHandler, code: str) -> None:
        request.send_response(404)
        request.send_header("X-Error-Code", code)
        request.send_header("X-Error-Message", code)
        request.send_header("Content-Length", "0")
        request.end_headers()
