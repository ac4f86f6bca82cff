"""Training sequences, against a slow reading of the games they are made of."""

import chess_engine as engine
import numpy as np
import pytest
from oracle import Row, rows

NAMES = ["searchless", "coordinate"]
LAYOUTS = ["pure", "prefixed"]


def supervised(row: Row, layout: str, pad: int) -> list[tuple[int, int, list[int], list[int]]]:
    """Input, target, legal and mating set of each supervised position of a game."""
    moves = row.tokens[: row.length].tolist()
    prefix = [row.outcome] if layout == "prefixed" else []
    first = 0 if prefix else 1
    mating = row.mating or [np.array([])] * row.length
    sets = [(s.tolist(), m.tolist()) for s, m in zip(row.legal, mating, strict=True)][first:]
    positions = zip(prefix + moves, [*moves[first:], pad], [*sets, ([pad], [])], strict=True)
    return [(token, target, *pair) for token, target, pair in positions]


def csr(values: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    return [part.tolist() for part in np.split(values, offsets[1:-1])]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("max_ply", "boost"), [(40, 1.0), (300, 0.25), (512, 0.0), (1, 0.0)])
def test_each_supervised_position_has_its_token_target_and_sets(
    layout: str, name: str, max_ply: int, boost: float
):
    rules = {"seed": 70, "max_ply": max_ply, "mate_boost": boost, "vocabulary": name}
    batch = engine.generate_training_batch(20, **rules, layout=layout, legal_moves=True)
    games = engine.generate_random_games(20, **rules, legal_moves=True)
    pad = engine.export_move_vocabulary(name).pad
    expected = [supervised(row, layout, pad) for row in rows(games)]
    width = max(len(positions) for positions in expected)
    assert batch.inputs.shape == batch.targets.shape == batch.loss_mask.shape == (20, width)
    for i, positions in enumerate(expected):
        n = len(positions)
        assert batch.inputs[i, :n].tolist() == [p[0] for p in positions]
        assert batch.targets[i, :n].tolist() == [p[1] for p in positions]
        assert (batch.inputs[i, n:] == pad).all()
        assert (batch.targets[i, n:] == pad).all()
        assert batch.loss_mask[i].tolist() == [True] * n + [False] * (width - n)
    sets = [p[2:] for positions in expected for p in positions]
    assert batch.legal_values is not None
    assert batch.legal_offsets is not None
    assert csr(batch.legal_values, batch.legal_offsets) == [legal for legal, _ in sets]
    assert (batch.mating_values is None) == (boost == 0)
    if batch.mating_values is not None:
        assert batch.mating_offsets is not None
        assert csr(batch.mating_values, batch.mating_offsets) == [mates for _, mates in sets]
    for field in ("lengths", "terminations", "outcomes", "attempts"):
        np.testing.assert_array_equal(getattr(batch, field), getattr(games, field))


@pytest.mark.parametrize("boost", [0.0, 0.3, 1.0])
def test_probabilities_are_those_of_the_random_player(boost: float):
    batch = engine.generate_training_batch(200, seed=71, mate_boost=boost, legal_moves=True)
    assert batch.legal_values is not None
    assert batch.legal_offsets is not None
    assert batch.legal_probabilities is not None
    legal = csr(batch.legal_values, batch.legal_offsets)
    found = np.split(batch.legal_probabilities, batch.legal_offsets[1:-1])
    mating = [[]] * len(legal)
    if batch.mating_values is not None and batch.mating_offsets is not None:
        mating = csr(batch.mating_values, batch.mating_offsets)
        assert sum(map(bool, mating)) > 20
    for moves, mates, probabilities in zip(legal, mating, found, strict=True):
        p = boost if mates else 0.0
        expected = [(1 - p) / len(moves) + (p / len(mates) if m in mates else 0) for m in moves]
        assert probabilities.tolist() == expected


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_batches_are_written_into_the_arrays_given(layout: str, dtype: type):
    width = 72
    out = {
        "inputs": np.full((12, width), -7, dtype),
        "targets": np.full((12, width), -7, dtype),
        "loss_mask": np.ones((12, width), bool),
    }
    batch = engine.generate_training_batch(12, seed=72, max_ply=70, layout=layout, out=out)
    fresh = engine.generate_training_batch(12, seed=72, max_ply=70, layout=layout, width=width)
    for name, array in out.items():
        assert getattr(batch, name) is array
        np.testing.assert_array_equal(array, getattr(fresh, name))


def test_arrays_not_given_are_fresh_and_as_wide():
    mask = np.zeros((4, 60), bool)
    batch = engine.generate_training_batch(4, seed=73, max_ply=50, out={"loss_mask": mask})
    assert batch.loss_mask is mask
    assert batch.inputs.shape == (4, 60)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ({"inputs": np.zeros((4, 49), int)}, "out must be at least 50 wide.* got width 49"),
        ({"labels": np.zeros((4, 50), int)}, "out must be a dict of arrays named inputs, targets"),
        ([], "out must be a dict of arrays"),
        ({"inputs": np.zeros((4, 50))}, r'out\["inputs"\] must be a writable .* got float64 array'),
        ({"targets": np.zeros((5, 50), int)}, r'out\["targets"\] .* shape \(4, 50\), got int64'),
        ({"targets": np.zeros((4, 50, 1), int)}, r'out\["targets"\] must be a writable'),
        ({"inputs": [1, 2]}, r'out\["inputs"\] must be a writable .* got <class \'list\'>'),
        ({"inputs": np.zeros((50, 4), int).T}, r'out\["inputs"\] .* not contiguous'),
        ({"inputs": read_only(np.zeros((4, 50), int))}, r'out\["inputs"\] .* not writeable'),
        ({"loss_mask": np.zeros((4, 50), np.uint8)}, r'out\["loss_mask"\] must be .* bool array'),
        ({"inputs": np.zeros((4, 50), ">i8")}, r'out\["inputs"\] must be a writable'),
    ],
)
def test_an_array_that_does_not_fit_is_refused_by_name(out: object, message: str):
    with pytest.raises(ValueError, match=message):
        engine.generate_training_batch(4, seed=74, max_ply=50, out=out)  # type: ignore[arg-type]


def test_one_array_for_two_purposes_is_refused():
    memory = np.zeros((4, 50), np.int64)
    with pytest.raises(ValueError, match=r'out\["targets"\] .* already borrowed'):
        engine.generate_training_batch(
            4, seed=74, max_ply=50, out={"inputs": memory, "targets": memory}
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 49}, "width must be an integer in 50..="),
        ({"width": 50, "layout": "prefixed"}, "width must be an integer in 51..="),
        ({"layout": "odd"}, "layout must be one of: pure, prefixed"),
        ({"vocabulary": "words"}, "vocabulary .* is unknown"),
        ({"mate_boost": float("nan")}, "mate_boost must be a number in 0..=1"),
        ({"mate_boost": "x"}, "mate_boost must be a number in 0..=1"),
        ({"max_ply": 3, "discard_ply_limit": True}, "max_ply must be at least 4"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.generate_training_batch(**{"n_games": 2, "seed": 1, "max_ply": 50} | arguments)


def test_pinned_memory_of_torch_can_be_written():
    torch = pytest.importorskip("torch")
    pin = torch.cuda.is_available()
    inputs = torch.empty((8, 64), dtype=torch.int64, pin_memory=pin)
    batch = engine.generate_training_batch(8, seed=75, max_ply=64, out={"inputs": inputs.numpy()})
    assert inputs.tolist() == batch.inputs.tolist()
    fresh = engine.generate_training_batch(8, seed=75, max_ply=64, width=64)
    assert inputs.tolist() == fresh.inputs.tolist()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_threads_and_batches_change_no_byte(threads: int):
    arguments = {"seed": 76, "max_ply": 120, "mate_boost": 0.5, "discard_ply_limit": True}
    arguments |= {"width": 130, "layout": "prefixed", "legal_moves": True}
    whole = engine.generate_training_batch(30, **arguments, threads=1)
    parts = [
        engine.generate_training_batch(10, **arguments, first_game=i, threads=threads)
        for i in (0, 10, 20)
    ]
    fields = ("inputs", "targets", "loss_mask", "legal_values", "legal_probabilities", "attempts")
    for field in fields:
        joined = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, field))


def test_no_games_are_an_empty_batch():
    batch = engine.generate_training_batch(0, seed=1, legal_moves=True)
    assert batch.inputs.shape[0] == batch.loss_mask.sum() == 0
    assert batch.legal_offsets is not None
    assert batch.legal_offsets.tolist() == [0]
