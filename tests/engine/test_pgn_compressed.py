"""Compressed files: which are read, which are refused, and what comes of those that break off."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import chess_engine as engine
import numpy as np
import pytest
from test_pgn import raw_frame

GAMES = engine.generate_random_games(600, seed=61, max_ply=60)
TEXT = engine.tokens_to_pgn(GAMES.tokens)
LINES = "".join(" ".join(row) + "\n" for row in engine.tokens_to_uci(GAMES.tokens))
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": raw_frame,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
}
READERS = {"pgn": (engine.PgnReader, TEXT), "uci": (engine.UciReader, LINES)}


@pytest.mark.parametrize("name", COMPRESSIONS)
@pytest.mark.parametrize("notation", READERS)
def test_compressed_files_are_read_whatever_their_name(tmp_path: Path, name: str, notation: str):
    reader, text = READERS[notation]
    half = text.index("\n\n" if notation == "pgn" else "\n", len(text) // 2)
    path = tmp_path / "games.txt"
    parts = [text[:half].encode(), text[half:].encode()]
    path.write_bytes(b"".join(map(COMPRESSIONS[name], parts)))
    for threads in (1, 2):
        (games,) = reader(path, max_ply=60, threads=threads)
        np.testing.assert_array_equal(games.tokens, GAMES.tokens)


@pytest.mark.parametrize("name", COMPRESSIONS)
@pytest.mark.parametrize("notation", READERS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_breaks_off_gives_its_whole_games_before_the_error(
    tmp_path: Path, name: str, notation: str, threads: int
):
    reader, text = READERS[notation]
    path = tmp_path / "games"
    # Of bzip2 a whole block is the least that can be read: the second member is cut.
    path.write_bytes(COMPRESSIONS[name](text.encode()) + COMPRESSIONS[name](text.encode())[:-30])
    for batch_size in (7, 600, 100_000):
        games = reader(path, batch_size=batch_size, max_ply=60, threads=threads)
        batches: list[np.ndarray] = []
        with pytest.raises(OSError, match=r"cannot be read: .*, after \d+ whole games"):
            batches.extend(batch.tokens for batch in games)
        tokens = np.concatenate(batches)
        assert games.report["kept"] == games.report["read"] == len(tokens)
        assert len(tokens) >= (600 if name == "bzip2" else 1190)
        np.testing.assert_array_equal(tokens[:600], GAMES.tokens)
        np.testing.assert_array_equal(tokens[600:], GAMES.tokens[: len(tokens) - 600])
        with pytest.raises(OSError, match="cannot be read"):
            next(games)


@pytest.mark.parametrize("read", [engine.parse_pgn_file, engine.parse_uci_file])
def test_a_file_read_at_once_is_whole_or_an_error(tmp_path: Path, read: Callable):
    text = TEXT if read is engine.parse_pgn_file else LINES
    path = tmp_path / "games.zst"
    path.write_bytes(raw_frame(text.encode())[:-30])
    with pytest.raises(OSError, match=r"the file was cut off, after 59\d whole games"):
        read(path)
    games = read(path, max_games=500, max_ply=60)
    np.testing.assert_array_equal(games.tokens, GAMES.tokens[:500])


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("games.pgn", data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (lzma.compress, "it is xz.*`xz -dc FILE`"),
        (zipped, "it is a zip archive.*`unzip -p FILE`"),
        (lambda data: data.decode().encode("utf-16"), "it is text in UTF-16.*iconv"),
        (lambda data: b"7z\xbc\xaf\x27\x1c" + data, "it is a 7z archive"),
    ],
)
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, pack: Callable, message: str):
    path = tmp_path / "games.pgn"
    path.write_bytes(pack(b"1. e4 *"))
    for read in (engine.parse_pgn_file, engine.PgnReader, engine.parse_uci_file, engine.UciReader):
        with pytest.raises(OSError, match=message):
            read(path)
