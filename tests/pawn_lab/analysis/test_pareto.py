"""A front holds what nothing else beats in both numbers."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from pawn_core.config import PretrainConfig
from pawn_lab.analysis.pareto import Placed, evaluated_alike, front

LOSS = PretrainConfig.metric("val_loss")
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


@given(PAIRS)
def test_a_run_is_off_the_front_exactly_where_another_is_as_good_in_both(pairs):
    kept = {(p.price, p.value) for p in front([Placed(None, x, y) for x, y in pairs], LOSS)}
    beaten = {
        (x, y) for x, y in pairs if any(a <= x and b <= y and (a, b) != (x, y) for a, b in pairs)
    }
    assert kept == set(pairs) - beaten


def test_other_validation_games_make_another_front():
    settings = [{"val_games": 8}, {"val_games": 8}, {"val_games": 8, "mate_boost": 1.0}]
    runs = [
        Placed(SimpleNamespace(settings=own, kind=PretrainConfig), 1.0, 1.0) for own in settings
    ]
    assert evaluated_alike(runs) == [runs[:2], runs[2:]]
