"""Game i of seed s is one fixed game, for ever."""

import hashlib
import itertools

import chess_engine as engine
import numpy as np
import pytest
from oracle import rows

MASK = 2**64 - 1


def rotate(x: int, by: int) -> int:
    return (x << by | x >> (64 - by)) & MASK


def first_state(seed: int, index: int, attempt: int) -> list[int]:
    """Eight SipRounds of the address."""
    a, b, c, d = seed, index, attempt, int.from_bytes(b"pawn-rng", "big")
    for _ in range(8):
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = rotate(b, 13) ^ a, rotate(d, 16) ^ c
        a = rotate(a, 32)
        c, a = (c + b) & MASK, (a + d) & MASK
        b, d = rotate(b, 17) ^ c, rotate(d, 21) ^ a
        c = rotate(c, 32)
    return [a, b, c, d]


def words(seed: int, index: int, attempt: int):
    """xoshiro256++ of an address."""
    s = first_state(seed, index, attempt)
    while True:
        yield (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


@pytest.mark.parametrize("mate_boost", [0.0, 0.7])
def test_games_follow_the_documented_algorithm(mate_boost: float):
    seed, first = 2**63 + 11, 10**12
    games = engine.generate_random_games(
        60, seed=seed, first_game=first, mate_boost=mate_boost, legal_moves=True
    )
    boosted = 0
    for i, row in enumerate(rows(games)):
        stream = words(seed, first + i, 0)
        for t, legal in enumerate(row.legal):
            word = next(stream)
            coin = (word & 0xFFFFFFFF) < mate_boost * 2**32
            pool = row.mating[t] if coin and row.mating and row.mating[t].size else legal
            boosted += pool is not legal
            assert row.tokens[t] == pool[(word >> 32) * pool.size >> 32]
    assert (boosted > 0) == (mate_boost > 0)


# Recorded once. A change here breaks every checkpoint's data cursor: it needs a new generator name.
GOLDEN = {
    (0, 0.0, False): "ed1b173c5a9d089e6fa4d549a2cc0a11391a81629527e5ecafd86a661a2c626b",
    (1, 1.0, False): "35c31648f1b8351e623dfd82d7be725657f576443eabf46fb2a14d63a212d0bb",
    (2, 0.25, True): "95b357d6c20f26122adcb8b934f215052275467523a41a6c92ac6b0dbcfb0a2b",
}


@pytest.mark.parametrize("key", GOLDEN)
def test_games_are_the_ones_recorded_when_the_generator_was_named(key: tuple):
    seed, mate_boost, discard = key
    games = engine.generate_random_games(
        256, seed=seed, max_ply=300, mate_boost=mate_boost, discard_ply_limit=discard
    )
    columns = [games.tokens, games.lengths, games.terminations, games.outcomes, games.attempts]
    digest = hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()
    assert digest == GOLDEN[key]


def columns(games: engine.Games) -> dict[str, np.ndarray]:
    names = [name for name in dir(games) if not name.startswith("_")]
    return {name: getattr(games, name) for name in names}


@pytest.mark.parametrize("threads", [2, 8, None])
def test_threads_change_no_byte(threads: int | None):
    arguments = {"seed": 3, "mate_boost": 0.5, "discard_ply_limit": True, "legal_moves": True}
    one = columns(engine.generate_random_games(100, **arguments, threads=1))
    many = columns(engine.generate_random_games(100, **arguments, threads=threads))
    for name, column in one.items():
        np.testing.assert_array_equal(many[name], column)


@pytest.mark.parametrize("size", [1, 7, 64, 100])
def test_batch_size_changes_no_game(size: int):
    whole = engine.generate_random_games(100, seed=8, max_ply=128, legal_moves=True)
    starts = range(0, 100, size)
    parts = [
        engine.generate_random_games(
            min(size, 100 - start), seed=8, first_game=start, max_ply=128, legal_moves=True
        )
        for start in starts
    ]
    for name in ("tokens", "lengths", "terminations", "outcomes", "legal_values"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_both_vocabularies_write_the_same_games():
    ours, legacy = (
        engine.generate_random_games(100, seed=9, mate_boost=0.5, vocabulary=name)
        for name in ("searchless", "coordinate")
    )
    np.testing.assert_array_equal(ours.lengths, legacy.lengths)
    from_ours = np.array(engine.export_move_vocabulary("searchless").moves)[ours.tokens]
    from_legacy = np.array(engine.export_move_vocabulary("coordinate").moves)[legacy.tokens]
    np.testing.assert_array_equal(from_ours, from_legacy)


def test_a_lower_ply_limit_only_cuts():
    long = engine.generate_random_games(100, seed=10, max_ply=200)
    short = engine.generate_random_games(100, seed=10, max_ply=50)
    np.testing.assert_array_equal(short.tokens, long.tokens[:, :50])


def test_a_boosted_game_is_the_plain_game_up_to_the_first_boosted_mate():
    plain = engine.generate_random_games(300, seed=11)
    boosted = engine.generate_random_games(300, seed=11, mate_boost=1.0)
    differs = [i for i in range(300) if (boosted.tokens[i] != plain.tokens[i]).any()]
    assert len(differs) > 200
    assert {engine.TERMINATIONS[boosted.terminations[i]] for i in differs} == {"checkmate"}
    for i in differs:
        last = boosted.lengths[i] - 1
        np.testing.assert_array_equal(boosted.tokens[i, :last], plain.tokens[i, :last])


def test_seeds_and_batches_share_no_games():
    seeds = [*range(64), 2**32, 2**63, 2**64 - 1]
    batches = [
        engine.generate_random_games(128, seed=seed, first_game=first, max_ply=40)
        for seed, first in itertools.product(seeds, [0, 128, 2**32])
    ]
    games = [row.tobytes() for batch in batches for row in batch.tokens]
    assert len(set(games)) == len(games) == len(seeds) * 3 * 128
