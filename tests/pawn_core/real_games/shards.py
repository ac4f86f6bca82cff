"""Parquet shards in the layout of the published data set."""

from datetime import datetime
from pathlib import Path
from typing import Any

import chess_engine
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    {
        "tokens": pa.list_(pa.int16()),
        "san": pa.list_(pa.string()),
        "uci": pa.list_(pa.string()),
        "clock": pa.list_(pa.uint16()),
        "game_length": pa.uint16(),
        "outcome_token": pa.uint16(),
        "result": pa.string(),
        "white_elo": pa.uint16(),
        "black_elo": pa.uint16(),
        "eco": pa.string(),
        "opening": pa.string(),
        "time_control": pa.string(),
        "termination": pa.string(),
        "date": pa.timestamp("ms"),
        "site": pa.string(),
    }
)


def rows(count: int, *, seed: int = 1, plies: int = 30, **columns: Any) -> list[dict[str, Any]]:
    """Return games of so many random plies that White won by resignation."""
    played = chess_engine.generate_random_games(count, seed=seed, max_ply=plies)
    uci = chess_engine.tokens_to_uci(played.tokens, played.lengths)
    san = chess_engine.tokens_to_san(played.tokens, played.lengths)
    return [
        {
            "tokens": played.tokens[i, : played.lengths[i]].tolist(),
            "san": san[i],
            "uci": uci[i],
            "clock": [300] * len(uci[i]),
            "game_length": len(uci[i]),
            "outcome_token": 1974,
            "result": "1-0",
            "white_elo": 1850,
            "black_elo": 1820,
            "eco": "A00",
            "opening": "Random",
            "time_control": "300+3",
            "termination": "Normal",
            "date": datetime(2025, 1, 31),
            "site": f"https://example.org/{seed}/{i}",
        }
        | columns
        for i in range(count)
    ]


def write_shard(path: Path, games: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
    """Write a shard of row groups of 8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(games, schema), path, row_group_size=8)
    return path
