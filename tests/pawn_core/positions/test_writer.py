"""What a folder of positions takes in, drops and refuses."""

import dataclasses
import random
from pathlib import Path

import chess_engine
import numpy as np
import pytest
from written_positions import START, add, games, write_positions

from pawn_core.config import ConfigError
from pawn_core.positions import LabelledPosition, PositionLibrary, ShardWriter, writer
from pawn_core.positions.identity import game_number, identify, is_held_out
from pawn_core.positions.manifest import ShardManifest

SOURCE = "external:pgn"
AFTER_E4 = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"


def named(game_side: bool, val_share: float = 0.25) -> str:
    """The name of a game on that side of the split."""
    names = (f"name {i}" for i in range(1000))
    return next(n for n in names if is_held_out(_number(n), val_share)[0] == game_side)


def _number(name: str) -> np.ndarray:
    return np.array([game_number(name)])


def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    policy = {"e2e4": 3.0, "d2d4": 1.0, "g1f3": 0.0}
    add(tmp_path, [LabelledPosition(START, "one", policy, -0.25)], val_share=0.0)
    columns = PositionLibrary.open(tmp_path).train.columns
    assert columns.fens() == [START]
    moves = chess_engine.policy_moves([START] * 3, columns.policy_indices_e)
    assert dict(zip(moves, columns.policy_probs_e.tolist(), strict=True)) == {
        "e2e4": 0.75,
        "d2d4": 0.25,
        "g1f3": 0.0,
    }
    assert columns.values_n.tolist() == [-0.25]
    assert columns.games_n.tolist() == [game_number("one")]


def test_positions_without_labels_are_kept_and_have_none(tmp_path: Path) -> None:
    add(tmp_path, [LabelledPosition(START, "one"), LabelledPosition(AFTER_E4, "one", value=1.0)])
    library = PositionLibrary.open(tmp_path)
    columns = (library.train if len(library.train) else library.val).columns
    assert columns.has_policy_n.tolist() == [False, False]
    assert columns.has_value_n.tolist() == [False, True]


def test_about_the_asked_share_of_games_is_held_out() -> None:
    numbers = np.array([game_number(f"game {i}") for i in range(10_000)])
    assert 2300 <= is_held_out(numbers, 0.25).sum() <= 2700  # 4.6 standard deviations
    assert not is_held_out(numbers, 0.0).any()


def test_no_game_is_on_both_sides(tmp_path: Path) -> None:
    write_positions(tmp_path, games=15)
    library = PositionLibrary.open(tmp_path)
    train, val = (set(side.columns.games_n.tolist()) for side in (library.train, library.val))
    assert len(train) > 20
    assert len(val) > 5
    assert not train & val


def test_of_what_augmentation_makes_alike_only_one_side_has_any(tmp_path: Path) -> None:
    fen = "8/5k2/3p4/8/4P3/2K5/8/8 w - - 0 40"
    images = chess_engine.transform_fens([fen] * 4, [0, 1, 2, 3])
    counts = add(
        tmp_path,
        [LabelledPosition(images[0], named(False))]
        + [LabelledPosition(image, named(True)) for image in images]
        + [LabelledPosition(image, named(False)) for image in images[1:]],
    )
    assert counts == {"kept": 4, "duplicate": 0, "on the other side of the split": 4}
    other = add(tmp_path, [LabelledPosition(images[2], named(True))], "teacher")
    assert other["on the other side of the split"] == 1
    assert len(PositionLibrary.open(tmp_path).val) == 0


def test_a_position_with_castling_rights_is_not_taken_for_its_mirror_image(tmp_path: Path) -> None:
    pair = ["4k3/8/8/8/8/8/8/R3K3 w Q - 0 1", "3k4/8/8/8/8/8/8/3K3R w - - 0 1"]
    orbits = identify(pair).orbits_n
    assert orbits[0] != orbits[1]


@pytest.mark.parametrize(
    "again",
    [
        "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 7 9",
        "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1",
    ],
    ids=["other clocks", "nothing to capture en passant"],
)
def test_a_position_that_the_source_has_is_dropped_and_counted(tmp_path: Path, again: str) -> None:
    positions = [LabelledPosition(AFTER_E4, "one"), LabelledPosition(again, "one")]
    assert add(tmp_path, positions)["duplicate"] == 1
    assert add(tmp_path, positions)["duplicate"] == 3
    assert add(tmp_path, positions, "teacher") == {
        "kept": 1,
        "duplicate": 1,
        "on the other side of the split": 0,
    }


def test_a_source_written_twice_leaves_the_same_shards(tmp_path: Path) -> None:
    write_positions(tmp_path, games=5)
    before = ShardManifest.read(tmp_path)
    write_positions(tmp_path, games=5)
    after = ShardManifest.read(tmp_path)
    assert after.shards == before.shards
    assert after.digest == before.digest


def one_by_one(positions: list[LabelledPosition], val_share: float) -> list[LabelledPosition]:
    """The positions that are kept, by the rule itself."""
    identities = identify([position.fen for position in positions])
    sides, keys, kept = {}, set(), []
    for position, key, orbit in zip(
        positions, identities.keys_n.tolist(), identities.orbits_n.tolist(), strict=True
    ):
        held_out = bool(is_held_out(_number(position.game), val_share)[0])
        if sides.setdefault(orbit, held_out) == held_out and key not in keys:
            keys.add(key)
            kept.append(position)
    return kept


def test_positions_are_kept_as_if_they_came_one_by_one_in_commits_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_AT_ONCE", 16)
    monkeypatch.setattr(writer, "SHARD_POSITIONS", 32)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    pawns = [
        f"8/{'p' * i or '1'}{7 - i or ''}k/8/8/8/K7/8/8".replace("17k", "7k") for i in (1, 2, 3)
    ]
    fens = [f"{board} {side} - - 0 1" for board in pawns for side in "wb"]
    fens += [p.fen for p in games(0, 2, plies=4)]
    fens += chess_engine.transform_fens(fens[:6], [1, 2, 3, 1, 2, 3])
    positions = [
        LabelledPosition(generator.choice(fens), f"game {generator.randrange(6)}")
        for _ in range(200)
    ]
    with ShardWriter(tmp_path, SOURCE, None, 0.5) as shards:
        for position in positions:
            shards.add(position)
            if generator.random() < 0.1:
                shards.commit()
        shards.commit()
    library = PositionLibrary.open(tmp_path)
    expected = one_by_one(positions, 0.5)
    for side, held_out in ((library.train, False), (library.val, True)):
        fens_kept = [p.fen for p in expected if is_held_out(_number(p.game), 0.5)[0] == held_out]
        assert side.columns.fens() == fens_kept


def test_a_folder_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        ShardWriter(tmp_path, SOURCE),
        pytest.raises(ConfigError, match="another process adds to"),
    ):
        ShardWriter(tmp_path, "teacher")


def test_a_folder_keeps_its_share_of_held_out_games(tmp_path: Path) -> None:
    add(tmp_path, [LabelledPosition(START, "one")], val_share=0.25)
    with pytest.raises(
        ConfigError, match=r"val_share 0\.5 is not that of .*, which holds out 0\.25"
    ):
        ShardWriter(tmp_path, SOURCE, None, 0.5)
    with pytest.raises(ConfigError, match=r"val_share 1\.0 is out of range; allowed: 0 to below 1"):
        ShardWriter(tmp_path / "other", SOURCE, None, 1.0)


def test_how_positions_were_made_is_kept_once(tmp_path: Path) -> None:
    for command in ("one", "one", "two"):
        with ShardWriter(tmp_path, SOURCE, {"command": command}) as shards:
            shards.counts["illegal move"] += 1
            shards.commit([command])
    record = ShardManifest.read(tmp_path).sources[SOURCE]
    assert record.made_by == [{"command": "one"}, {"command": "two"}]
    assert record.place == ["two"]
    assert record.counts["illegal move"] == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"value": 1.5}, "value 1.5 of .* is out of range; allowed: -1 to 1"),
        ({"value": float("nan")}, "value nan of .* is out of range"),
        ({"policy": {"e2e4": -1.0}}, "a share that is negative or not finite"),
        ({"policy": {"e2e4": float("inf")}}, "a share that is negative or not finite"),
        ({"policy": {"e2e4": 0.0}}, "shares that are all 0"),
    ],
)
def test_labels_outside_their_range_are_refused(labels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelledPosition(START, "one", **labels)


@pytest.mark.parametrize(
    "position",
    [
        LabelledPosition(START, "one", {"e2e5": 1.0}),
        LabelledPosition(START.replace("K", "Q", 1), "one"),
        LabelledPosition("no position", "one"),
    ],
    ids=["illegal move", "no king", "no FEN"],
)
def test_a_position_against_the_rules_is_refused_by_its_place(tmp_path: Path, position) -> None:
    legal = dataclasses.replace(position, fen=AFTER_E4, policy=None)
    with ShardWriter(tmp_path, SOURCE) as shards:
        shards.add(legal)
        shards.add(position)
        with pytest.raises(ValueError, match=r"\[1\]"):
            shards.commit()
