"""Random numbers by address."""

import numpy as np
import pytest

from pawn_core.positions import addressed
from pawn_core.positions.addressed import random_bits, uniform


def test_numbers_are_those_of_splitmix64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addressed, "stream_seed", lambda *_: 1234567)
    assert random_bits(0, "any", np.arange(5)).tolist() == [  # the generator's published answers
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_each_address_has_its_number_whatever_else_is_asked_for() -> None:
    numbers = uniform(3, "stream", np.arange(100_000))
    assert (uniform(3, "stream", np.array([99_999, 7])) == numbers[[99_999, 7]]).all()
    assert ((numbers >= 0.0) & (numbers < 1.0)).all()
    assert abs(numbers.mean() - 0.5) < 0.005  # 5 standard deviations


def test_streams_and_seeds_have_numbers_of_their_own() -> None:
    addresses = np.arange(1000)
    streams = [uniform(*named, addresses) for named in [(3, "a"), (3, "b"), (4, "a")]]
    assert len(np.unique(np.concatenate(streams))) == 3000
    assert abs(np.corrcoef(streams) - np.eye(3)).max() < 0.16  # 5 standard deviations
