"""What a model says of positions comes to figures: of all, by source, in batches of any size."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from position_labels import MOVES, batch_of, outputs_of, random_targets
from torch import Tensor

from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.multitask import MultitaskTally
from pawn_core.position_model import Outputs
from pawn_core.positions import PositionBatch

SOURCES = ("external:pgn", "stockfish:openings")
TASKS = [task.name for task in POSITION_TASKS]


def metrics_of(outputs: Outputs, batch: PositionBatch) -> dict[str, float | None]:
    tally = MultitaskTally(SOURCES)
    tally.add(outputs, batch)
    return tally.metrics()


def random_batch(count: int, seed: int) -> PositionBatch:
    random = np.random.default_rng(seed)
    legal = [sorted(random.choice(MOVES, 30, replace=False).tolist()) for _ in range(count)]
    return batch_of(
        legal,
        [{moves[0]: 0.7, moves[3]: 0.3} if random.random() < 0.8 else {} for moves in legal],
        [random.uniform(-1, 1) if random.random() < 0.8 else math.nan for _ in legal],
        sources=random.integers(0, 2, count).tolist(),
        games=random.integers(0, 9, count).tolist(),
        targets=random_targets(count, seed),
        piece_mask=torch.from_numpy(random.random((count, 8, 8)) < 0.25),
    )


def random_logits(count: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        task.name: torch.randn(count, task.outputs, 8, 8, generator=generator)
        for task in POSITION_TASKS
    }


def rows_of(outputs: Outputs, batch: PositionBatch, rows: list[int]):
    """Return some positions of a batch, with what is said of them."""
    places = torch.tensor(rows)

    def entries(name: str) -> dict[str, Tensor]:
        of_rows = [getattr(batch, f"{name}_rows") == row for row in rows]
        fields = ("indices", "probs") if name == "policy" else ("indices",)
        return {
            f"{name}_rows": torch.cat(
                [torch.full((int(n.sum()),), i) for i, n in enumerate(of_rows)]
            )
        } | {
            f"{name}_{field}": torch.cat([getattr(batch, f"{name}_{field}")[n] for n in of_rows])
            for field in fields
        }

    plain = ("planes", "value_n", "source_n", "game_n", "piece_mask")
    part = {name: getattr(batch, name)[places] for name in plain}
    targets = {name: target[places] for name, target in batch.targets.items()}
    chosen = replace(batch, **part, **entries("legal"), **entries("policy"), targets=targets)
    tasks = {name: logits[places] for name, logits in outputs.tasks.items()}
    return Outputs(outputs.policy[places], outputs.value[places], None, tasks), chosen


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_the_same_in_batches_of_any_size_and_order(seed: int) -> None:
    batch = random_batch(24, seed)
    outputs = outputs_of(batch, seed, **random_logits(24, seed))
    whole, parts = metrics_of(outputs, batch), MultitaskTally(SOURCES)
    order = np.random.default_rng(seed).permutation(24).tolist()
    for some in (order[:1], order[1:11], order[11:]):
        parts.add(*rows_of(outputs, batch, some))
    assert len(parts) == 24
    for name, value in parts.metrics().items():
        assert value == pytest.approx(whole[name], rel=1e-5, abs=1e-6), (seed, name)


def test_the_best_answer_that_looks_at_nothing_has_no_skill() -> None:
    batch = random_batch(40, seed=5)
    logits = {}
    for task in POSITION_TASKS:
        target, mask = batch.targets[task.name], batch.piece_mask
        counted = mask if task.of_hidden else target != 255
        if task.name == "pawn_structure":
            rates = (target == 1).float().mean((0, 2, 3))
            level = torch.special.logit(rates)
        elif task.law == "binary":
            level = torch.special.logit((target == 1).float().mean()).view(1)
        else:  # each position counts as much, however many of its squares do
            of_class = [
                ((target == k) & counted).flatten(1).sum(1) / counted.flatten(1).sum(1)
                for k in range(task.outputs)
            ]
            level = torch.stack(of_class).mean(1).log()
        logits[task.name] = level.view(1, -1, 1, 1).expand(40, -1, 8, 8)
    metrics = metrics_of(outputs_of(batch, **logits), batch)
    for name in TASKS:
        assert metrics[f"{name}_loss"] == pytest.approx(metrics[f"{name}_entropy"], rel=1e-4), name
        assert metrics[f"{name}_skill"] == pytest.approx(0.0, abs=1e-4), name


def test_one_who_knows_has_all_skill_and_precision() -> None:
    batch = random_batch(10, seed=6)
    logits = {}
    for task in POSITION_TASKS:
        target = batch.targets[task.name]
        if task.law == "classes":
            classes = torch.arange(task.outputs).view(1, -1, 1, 1)
            logits[task.name] = torch.where(target[:, None] == classes, 40.0, 0.0)
        else:
            logits[task.name] = torch.where(target == 1, 40.0, -40.0).view(10, -1, 8, 8)
    metrics = metrics_of(outputs_of(batch, **logits), batch)
    assert [metrics[f"{name}_skill"] for name in TASKS] == pytest.approx([1.0] * 7, abs=1e-6)
    assert metrics["pin_ap"] == metrics["fork_ap"] == metrics["threat_ap"] == pytest.approx(1.0)


def test_a_move_counts_as_found_only_ahead_of_every_other_legal_one() -> None:
    legal = [[10, 11, 12, 13, 14, 15, 16]] * 4
    policies = [{12: 1.0}, {12: 0.5, 16: 0.5}, {12: 1.0}, {12: 1.0}]
    batch = batch_of(legal, policies)
    policy = torch.zeros(4, MOVES)
    policy[:, 4000] = 99.0  # not legal
    policy[0, 12] = 1.0
    policy[1, 16] = 1.0  # as good by the label
    policy[2, 13:17] = 1.0  # four are ahead, and two are as likely
    metrics = metrics_of(Outputs(policy, torch.zeros(4), None, {}), batch)
    assert metrics["policy_top1"] == 2 / 4
    assert metrics["policy_top5"] == 2 / 4
    assert metrics["policy_uniform"] == pytest.approx(math.log(7))
    assert metrics["policy_floor"] == pytest.approx(math.log(2) / 4)


def test_legal_mass_is_of_all_moves_there_are() -> None:
    batch = batch_of([[0, 1, 2], []])
    metrics = metrics_of(Outputs(torch.zeros(2, MOVES), torch.zeros(2), None, {}), batch)
    assert metrics["legal_mass"] == pytest.approx(3 / MOVES)


def test_the_value_is_measured_by_error_sign_and_calibration() -> None:
    labels = [1.0, -1.0, 0.0, 0.5, math.nan]
    said = torch.tensor([0.9, 0.3, 0.0, 0.5, 1.0])
    batch = batch_of([[1]] * 5, values=labels)
    metrics = metrics_of(Outputs(torch.zeros(5, MOVES), said, None, {}), batch)
    assert metrics["value_mae"] == pytest.approx((0.1 + 1.3 + 0 + 0) / 4)
    assert metrics["value_mse"] == pytest.approx((0.01 + 1.69) / 4)
    assert metrics["value_sign"] == pytest.approx(2 / 3)
    variance = np.var([1.0, -1.0, 0.0, 0.5])
    assert metrics["value_r2"] == pytest.approx(1 - (1.7 / 4) / variance)
    assert metrics["value_ece"] == pytest.approx((0.1 + 1.3) / 4)  # each in a bin of its own
    assert metrics["val_loss"] == metrics["value_mse"]  # no move is labelled
    assert metrics["policy_loss"] is None


def test_errors_that_cancel_within_a_bin_are_calibrated() -> None:
    batch = batch_of([[1]] * 2, values=[1.0, -0.5])
    said = torch.tensor([0.25, 0.25])
    metrics = metrics_of(Outputs(torch.zeros(2, MOVES), said, None, {}), batch)
    assert metrics["value_ece"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["value_mae"] == pytest.approx(0.75)


def test_each_source_has_the_figures_of_its_own_positions() -> None:
    batch = random_batch(30, seed=7)
    outputs = outputs_of(batch, 7)
    metrics = metrics_of(outputs, batch)
    for number, source in enumerate(SOURCES):
        rows = torch.nonzero(batch.source_n == number).flatten().tolist()
        alone = metrics_of(*rows_of(outputs, batch, rows))
        suffix = source.replace(":", "_")
        for name in ("val_loss", "policy_loss", "policy_top1", "value_mse"):
            assert metrics[f"{name}_{suffix}"] == pytest.approx(alone[name], rel=1e-5), name


def test_a_source_without_positions_has_no_figures() -> None:
    batch = batch_of([[1, 2]], [{1: 1.0}], [0.5])
    metrics = metrics_of(outputs_of(batch), batch)
    assert metrics["policy_loss_stockfish_openings"] is None
    assert metrics["policy_loss_external_pgn"] == metrics["policy_loss"]


def test_what_a_tally_kept_goes_on_as_before() -> None:
    batch = random_batch(20, seed=8)
    outputs = outputs_of(batch, 8, **random_logits(20, 8))
    kept, again = MultitaskTally(SOURCES), MultitaskTally(SOURCES)
    kept.add(*rows_of(outputs, batch, list(range(12))))
    again.restore(kept.state())
    for tally in (kept, again):
        tally.add(*rows_of(outputs, batch, list(range(12, 20))))
    assert again.metrics() == kept.metrics()


def test_sums_are_by_game() -> None:
    batch = random_batch(20, seed=9)
    tally = MultitaskTally(SOURCES)
    tally.add(outputs_of(batch), batch)
    names, sums_gc, games_n = tally.game_sums()
    positions_g = sums_gc[:, names.index("positions")]
    assert positions_g.tolist() == np.unique(batch.game_n.numpy(), return_counts=True)[1].tolist()
    assert np.array_equal(np.unique(batch.game_n.numpy())[games_n], batch.game_n.numpy())


def test_a_tally_of_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="no position has been measured"):
        MultitaskTally(SOURCES).metrics()
