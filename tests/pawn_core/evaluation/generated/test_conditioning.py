"""Models that are told an outcome: one that obeys, one that does not listen, one that cannot."""

from pathlib import Path

import chess_engine
import pytest
import torch
from known_players import KnownPlayer, context_of, known_player
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.config.conditioning import CASES
from pawn_core.config.evals import eval_named
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.generated.conditioning import Conditioning
from pawn_core.weights import Pretrained

FIELDS = {"evals": ("conditioning",), "conditioning_games": 12, "shard_games": 12, "games_seed": 8}
SEARCHLESS = chess_engine.export_move_vocabulary("searchless")
MATES = {
    "white_checkmates": "e2e4 e7e5 f1c4 b8c6 d1h5 g8f6 h5f7",
    "black_checkmates": "f2f3 e7e5 g2g4 d8h4",
}


class Obedient(KnownPlayer):
    """Mates as it is told to, by a line that it knows; told anything else it plays any move."""

    def forward_next(self, tokens_bt: Tensor, cache) -> Tensor:
        logits_bv = super().forward_next(tokens_bt, cache)
        if cache.length == 1:
            cache.told = tokens_bt[:, 0].tolist()
        for row, told in enumerate(cache.told):
            line = next((MATES[n].split() for n in MATES if SEARCHLESS.outcomes[n] == told), [])
            if cache.length <= len(line):
                logits_bv[row, SEARCHLESS.move_ids[line[cache.length - 1]]] += 1000
        return logits_bv


def obedient(width: int) -> Pretrained:
    known = known_player(legal=True, prefixed=True, width=width)
    model = Obedient(SEARCHLESS, width, prefixed=True, legal=True).eval()
    return Pretrained(model, SEARCHLESS, known.spec)  # type: ignore[arg-type]


def conditioning_context(folder: Path, model: Pretrained, **fields) -> Context:
    return context_of(model, folder, **(FIELDS | fields))


def shards_of(test: str) -> list[int]:
    return [number for number, case in enumerate(CASES) if case.test == test]


def evaluate(context: Context, shards: list[int]) -> Conditioning:
    conditioning = Conditioning(context)
    for shard in shards:
        conditioning.run(shard)
    return conditioning


def rows_of(conditioning: Conditioning) -> dict[str, dict]:
    (table,) = conditioning.report().tables
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return {row["case"]: row for row in rows if row["games"]}


def test_a_model_that_obeys_matches_and_its_base_rate_stands_beside(tmp_path: Path) -> None:
    context = conditioning_context(tmp_path, obedient(60))
    rows = rows_of(evaluate(context, shards_of("match")))
    for outcome in MATES:
        assert rows[outcome]["matched"] == 1.0
        assert rows[outcome]["random_matched"] < 0.3
        assert rows[outcome]["mean_plies"] == len(MATES[outcome].split())
        assert rows[outcome]["low"] > rows[outcome]["random_high"]


def test_a_model_that_does_not_listen_ends_as_random_play(tmp_path: Path) -> None:
    model = known_player(legal=True, prefixed=True, width=301)
    context = conditioning_context(tmp_path, model, conditioning_games=24, shard_games=24)
    rows = rows_of(evaluate(context, shards_of("match")))
    assert len(rows) == 5
    for row in rows.values():
        assert row["games"] == 24
        assert row["low"] <= row["random_high"]
        assert row["random_low"] <= row["high"]
        assert row["illegal"] == 0.0


def test_what_cannot_be_is_never_reached_and_the_end_is_seen(tmp_path: Path) -> None:
    model = known_player(legal=True, prefixed=True, width=512)
    rows = rows_of(evaluate(conditioning_context(tmp_path, model), shards_of("impossible")))
    bare, dead = rows["mate by a bare king"], rows["mate without material"]
    assert bare["matched"] == bare["random_matched"] == dead["matched"] == 0.0
    assert dead["end_seen"] == 1.0
    assert rows["mate without material: control"]["matched"] == 1.0
    assert rows["mate by a bare king: control"]["games"] == bare["games"] == 12


def test_a_model_of_any_token_plays_on_where_the_game_is_over(tmp_path: Path) -> None:
    model = known_player(legal=False, prefixed=True, width=512)
    rows = rows_of(evaluate(conditioning_context(tmp_path, model), shards_of("impossible")))
    assert rows["mate without material"]["end_seen"] < 0.2
    assert rows["mate without material"]["illegal"] == 0.0
    assert rows["mate by a bare king"]["illegal"] > 0.8


def test_what_was_counted_before_a_pause_goes_on_bitwise(tmp_path: Path) -> None:
    model = known_player(legal=True, prefixed=True, width=61)
    context = conditioning_context(tmp_path, model, conditioning_games=5, shard_games=3)
    after_cut = [case.name for case in CASES].index("white_checkmates for ply_limit")
    shards = [0, 1, after_cut, len(CASES), len(CASES) + 1, len(CASES) + after_cut]
    whole = evaluate(context, shards)
    first, second = evaluate(context, shards[:3]), Conditioning(context)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for shard in shards[3:]:
        second.run(shard)
    assert second.report() == whole.report()
    assert all(torch.equal(t, second.state()[name]) for name, t in whole.state().items())


def test_cases_that_no_game_has_are_left_empty(tmp_path: Path) -> None:
    model = known_player(legal=True, prefixed=True, width=13)
    number = next(
        i for i, case in enumerate(CASES) if case.name.startswith("stalemate after plies")
    )
    conditioning = evaluate(conditioning_context(tmp_path, model), [number])
    report = conditioning.report()
    assert report.tables[0].rows[number][3:5] == (0, None)
    assert next(f for f in report.figures if f.name == "continuation").value is None


def test_a_model_without_outcome_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="conditioning needs a model whose sequences begin with"):
        Conditioning.check(conditioning_context(tmp_path, known_player(legal=True)))


def test_the_figures_named_for_the_lab_are_there(tmp_path: Path) -> None:
    model = known_player(legal=True, prefixed=True, width=61)
    report = evaluate(conditioning_context(tmp_path, model), [0]).report()
    assert {metric.name for metric in eval_named("conditioning").metrics} <= report.values().keys()
