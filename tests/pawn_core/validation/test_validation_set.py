"""Every evaluation metric against a slow oracle: python-chess for the rules, loops for sums."""

import math
import statistics

import chess
import chess_engine
import numpy as np
import pytest
import torch

from pawn_core.config import parse_config
from pawn_core.data.distribution import legal_sets
from pawn_core.runtime import Runtime
from pawn_core.signals import Interrupted, StopFlag
from pawn_core.validation.validation_set import ValidationSet, score

CPU = Runtime(torch.device("cpu"), None, compiled=False)


def config(tiny, **fields):
    return parse_config(tiny | {"val_games": 30, "batch_size": 8, "max_seq_len": 32} | fields)


class Oracle:
    """Replays what the model was shown and keeps one row a supervised position."""

    def __init__(self, cfg) -> None:
        self.vocabulary = chess_engine.export_move_vocabulary(cfg.vocabulary)
        self.prefixed, self.max_ply, self.boost = cfg.prepend_outcome, cfg.max_ply, cfg.mate_boost
        self.late = cfg.max_seq_len // 2
        self.rows: list[dict] = []
        self.games = self.mating_positions = 0
        self.generator = torch.Generator().manual_seed(3)

    def logits_at(self, tokens_bt: torch.Tensor, positions_n: torch.Tensor) -> torch.Tensor:
        """A fake model, right about most positions: noise, with a bonus on legal tokens."""
        width, size = tokens_bt.shape[1], self.vocabulary.size
        logits = torch.randn(len(positions_n), size, generator=self.generator)
        for n, position in enumerate(positions_n.tolist()):
            game, t = divmod(position, width)
            row = self.describe(tokens_bt[game].tolist(), self.games + game, t)
            logits[n, list(row["q"])] += 5.0 if torch.rand(1, generator=self.generator) < 0.9 else 0
            row["p"] = torch.log_softmax(logits[n].double(), 0).exp().numpy()
            self.rows.append(row)
        self.games += len(tokens_bt)
        return logits

    def describe(self, tokens: list[int], game: int, t: int) -> dict:
        board = chess.Board()
        seen = tokens[self.prefixed : t + 1]
        for token in seen:
            board.push_uci(self.vocabulary.moves[token])
        following = [*tokens, self.vocabulary.pad][t + 1]
        over = following == self.vocabulary.pad
        q = {self.vocabulary.pad: 1.0} if over else self.distribution(board)
        ply = len(seen)
        return {"game": game, "ply": ply, "over": over, "target": following, "q": q}

    def distribution(self, board: chess.Board) -> dict[int, float]:
        moves = list(board.legal_moves)
        mates = [move for move in moves if self.is_mate(board, move)]
        self.mating_positions += bool(mates)
        boost = self.boost if mates else 0.0
        q = {self.vocabulary.move_ids[m.uci()]: (1 - boost) / len(moves) for m in moves}
        for move in mates:
            q[self.vocabulary.move_ids[move.uci()]] += boost / len(mates)
        return q

    @staticmethod
    def is_mate(board: chess.Board, move: chess.Move) -> bool:
        board.push(move)
        mate = board.is_checkmate()
        board.pop()
        return mate

    def metrics(self) -> dict[str, float | None]:
        rows, result = self.rows, {}
        for row in rows:
            order = np.argsort(-row["p"], kind="stable")
            row["best"], row["five"] = order[0], set(order[:5].tolist())
        result["val_loss"] = statistics.fmean(-math.log(r["p"][r["target"]]) for r in rows)
        result["perplexity"] = math.exp(result["val_loss"])
        result["top1"] = statistics.fmean(r["best"] == r["target"] for r in rows)
        result["top5"] = statistics.fmean(r["target"] in r["five"] for r in rows)
        result["kl"] = statistics.fmean(
            sum(q * math.log(q / r["p"][token]) for token, q in r["q"].items() if q) for r in rows
        )
        result["top1_bound"] = statistics.fmean(max(r["q"].values()) for r in rows)
        result["loss_floor"] = statistics.fmean(
            -sum(q * math.log(q) for q in r["q"].values() if q) for r in rows
        )
        return result | self.legality()

    def legality(self) -> dict[str, float | None]:
        moves = [r for r in self.rows if not r["over"]]
        legal = [r["best"] in r["q"] for r in moves]
        late = [ok for ok, r in zip(legal, moves, strict=True) if r["ply"] >= self.late]
        forfeits, completed, plies, clean = [], 0, [], 0
        for game in range(self.games):
            own = [(r, ok) for r, ok in zip(moves, legal, strict=True) if r["game"] == game]
            length = next(r["ply"] for r in self.rows if r["game"] == game and r["over"])
            clean += all(ok for _, ok in own)
            for side in (0, 1):
                bad = [r["ply"] for r, ok in own if not ok and r["ply"] % 2 == side]
                forfeits += bad[:1]
                completed += not bad
                plies.append(bad[0] if bad else length)
        return {
            "legal_rate": statistics.fmean(legal),
            "late_legal_rate": statistics.fmean(late) if late else None,
            "game_completion": completed / (2 * self.games),
            "game_completion_both": clean / self.games,
            "mean_plies_completed": statistics.fmean(plies),
            "forfeit_ply_min": min(forfeits, default=None),
            "forfeit_ply_median": statistics.median(forfeits) if forfeits else None,
            "forfeit_ply_max": max(forfeits, default=None),
            "positions": len(self.rows),
            "games": self.games,
        }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mate_boost": 1.0},
        {"mate_boost": 0.5, "max_seq_len": 48},
        {"prepend_outcome": True},
        {"vocabulary": "coordinate", "max_seq_len": 20},
        {"vocabulary": "coordinate", "no_outcome_token": True, "max_seq_len": 20},
    ],
    ids=lambda fields: ",".join(f"{k}={v}" for k, v in fields.items()) or "plain",
)
def test_every_metric_equals_the_oracle(tiny, fields) -> None:
    cfg = config(tiny, **fields)
    oracle = Oracle(cfg)
    found = ValidationSet.of(cfg, 8, None, StopFlag()).evaluate(oracle.logits_at, CPU)
    expected = oracle.metrics()
    if cfg.prepend_outcome:
        expected |= {"kl": None, "top1_bound": None, "loss_floor": None}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        near = value if value is None else pytest.approx(value, rel=2e-6, abs=1e-9)
        assert found[name] == near, name
    assert 0 < found["legal_rate"] < 1
    assert oracle.mating_positions > 0


def test_a_perfect_model_has_no_divergence_and_completes_every_game(tiny) -> None:
    cfg = config(tiny, val_games=64, max_seq_len=80, mate_boost=0.25)
    validation = ValidationSet.of(cfg, 64, None, StopFlag())
    sequences = validation.source.sequences(0, 64, legal_moves=True)
    sets = legal_sets(sequences)

    def perfect(tokens_bt: torch.Tensor, positions_n: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(positions_n), validation.vocabulary_size), -torch.inf)
        logits[sets.positions_e, sets.tokens_e] = (
            torch.from_numpy(sets.probabilities_e).log().float()
        )
        return logits

    found = validation.evaluate(perfect, CPU)
    assert found["kl"] == pytest.approx(0.0, abs=1e-6)
    assert found["legal_rate"] == found["game_completion"] == found["game_completion_both"] == 1.0
    assert found["mean_plies_completed"] == sequences.lengths.mean()
    assert (
        found["forfeit_ply_min"] is found["forfeit_ply_median"] is found["forfeit_ply_max"] is None
    )
    assert found["val_loss"] == pytest.approx(found["loss_floor"], abs=0.1)


def test_a_certain_and_wrong_model_has_infinite_divergence_not_nan(tiny) -> None:
    cfg = config(tiny, val_games=4)
    validation = ValidationSet.of(cfg, 4, None, StopFlag())
    sequences = validation.source.sequences(0, 4, legal_moves=True)
    sets = legal_sets(sequences)
    logits = torch.full((len(sets.counts_n), validation.vocabulary_size), -torch.inf)
    logits[:, 0] = 0.0
    targets = torch.full((len(logits),), chess_engine.export_move_vocabulary().pad)
    assert score(logits, targets, sets).kl_n.sum() == math.inf


def test_the_bounds_at_512_plies_are_the_published_ones() -> None:
    cfg = parse_config({"variant": "toy", "local_checkpoints": True, "val_games": 2_000})
    validation = ValidationSet.of(cfg, 2_000, None, StopFlag())
    sequences = validation.source.sequences(0, 2_000, legal_moves=True)
    sets = legal_sets(sequences)
    top1, floor, move = sets.top1_bound(), sets.entropy(), sets.is_move_n
    assert top1.mean() == pytest.approx(0.0868, abs=0.001)
    assert floor.mean() == pytest.approx(2.856, abs=0.01)
    assert top1[move].mean() == pytest.approx(0.0842, abs=0.001)
    assert floor[move].mean() == pytest.approx(2.864, abs=0.01)
    assert (floor[~move] == 0).all()
    assert (top1[~move] == 1).all()


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({}, True),
        ({"mate_boost": 1.0}, True),
        ({"vocabulary": "coordinate", "no_outcome_token": True}, True),
        ({"prepend_outcome": True}, False),
        ({"discard_ply_limit": True}, False),
    ],
)
def test_the_distribution_is_known_only_where_the_sequence_tells_nothing_of_the_end(
    tiny, fields, known: bool
) -> None:
    assert ValidationSet.of(config(tiny, **fields), 8, None, StopFlag()).distribution_known == known


def test_evaluation_does_not_depend_on_its_batch_size(tiny) -> None:
    cfg = config(tiny, val_games=21)
    torch.manual_seed(0)
    n_tokens = chess_engine.export_move_vocabulary().size
    table = torch.randn(n_tokens, n_tokens)

    def logits_at(tokens_bt: torch.Tensor, positions_n: torch.Tensor) -> torch.Tensor:
        return table[tokens_bt.flatten()[positions_n]]

    results = [
        ValidationSet.of(cfg, batch, None, StopFlag()).evaluate(logits_at, CPU)
        for batch in (1, 8, 21, 50)
    ]
    for other in results[1:]:
        assert other == pytest.approx(results[0], rel=1e-9)


def test_an_evaluation_is_cut_short_when_the_run_is_asked_to_stop(tiny) -> None:
    import signal

    stop = StopFlag()
    stop.signal = signal.SIGTERM
    validation = ValidationSet.of(config(tiny), 8, None, stop)
    with pytest.raises(Interrupted):
        validation.evaluate(lambda tokens, positions: torch.empty(0), CPU)
