"""How near a model comes to the best top-1 accuracy, on the very positions of its layout.

Pure layout: the moves from ply 1 on and the PAD that ends each game; nothing can be known of the
outcome, so the bound is exact. Prefixed layout: every move and the PAD; the bound of a model that
knows the outcome is estimated, from below and from above.

Shapes: g games, n supervised positions, m hits.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from chess_engine import AccuracyCeiling, Ceilings, Estimate
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.distribution import legal_sets
from pawn_core.data.games import GameSource
from pawn_core.data.sequences import Batch
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.intervals import percentiles, resampled_sums
from pawn_core.evaluation.positions.ceiling_sums import NUMBERS, CeilingRules
from pawn_core.evaluation.report import Figure, Report, Table

_ROLLOUTS = 128
_RESAMPLES = 1000
_KINDS = ("unconditional", "naive_conditioned", "mc_lower", "mc_upper")
_POSITIONS, _HITS, _EXACT_HITS = range(3)
_LATER_CHANCES = 2  # column of `compute_ceiling_sums`: sum of 1/N over the moves after ply 0
_DEFINITIONS = {
    "share": "top1_exact over bound, both of the same games; where the outcome is told, top1 over "
    "bound_upper",
    "top1": "share of positions whose likeliest token comes next",
    "top1_exact": "expectation of top1 by the law, without the luck of the draw",
    "bound": "top-1 of a perfect model that is not told the outcome: mean of 1/N, N tokens being "
    "possible",
    "bound_lower": "estimate from below of the top-1 of a perfect model that is told the outcome",
    "bound_upper": "estimate from above of the top-1 of a perfect model that is told the outcome",
}
_DEFINITION = (
    "Top-1 accuracy and its ceiling on the supervised positions of plain random games, in the "
    "model's own layout, the PAD that ends each game counted. Intervals are over games."
)


class Ceiling(Evaluation):
    """The accuracy of a model and of a perfect one."""

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        prefixed = context.spec.prepend_outcome
        rollouts = self._config.ceiling_rollouts
        self._rules = CeilingRules(
            seed=self._config.games_seed,
            max_ply=context.max_ply,
            vocabulary=context.spec.vocabulary,
            sample_rate=self._config.ceiling_sample_rate if prefixed else 0.0,
            rollouts=(_ROLLOUTS if rollouts is None else rollouts) if prefixed else 0,
        )
        games = self._config.games
        self._sums_g8 = torch.zeros((games, NUMBERS), dtype=torch.float64)
        self._hits_gm = torch.zeros((games, 3), dtype=torch.float64)

    def run(self, shard: int) -> None:
        """Find the ceilings of some games, and what the model gets right of them."""
        begin = shard * self._config.shard_games
        count = min(self._config.shard_games, self._config.games - begin)
        self._context.stop.check()
        hits_gm = self._hits(begin, count)
        self._context.stop.check()
        sums_g8 = self._rules.sums(begin, count)
        self._hits_gm[begin : begin + count] = hits_gm
        self._sums_g8[begin : begin + count] = torch.from_numpy(sums_g8)

    def state(self) -> dict[str, Tensor]:
        """Return what each game adds."""
        return {"sums": self._sums_g8, "hits": self._hits_gm}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the sums of `state`."""
        self._sums_g8, self._hits_gm = tensors["sums"].clone(), tensors["hits"].clone()

    def report(self) -> Report:
        """Return accuracy, ceilings and their ratio, with intervals over games."""
        bounds = self._rules.combined(self._sums_g8.numpy(), _RESAMPLES)
        facts: dict[str, Any] = {
            "games": self._config.games,
            "games_seed": self._config.games_seed,
            "max_ply": bounds.max_ply,
            "positions": int(self._hits_gm[:, _POSITIONS].sum()),
            "layout": "prefixed" if self._prefixed else "pure",
            "rollouts": self._rules.rollouts,
            "sampled": bounds.n_sampled,
            "unresolved": bounds.n_unresolved,
        }
        figures = tuple(self._figures(bounds))
        return Report("ceiling", _DEFINITION, figures, (_table(bounds),), facts)

    @property
    def _prefixed(self) -> bool:
        return self._context.spec.prepend_outcome

    @torch.no_grad()
    def _hits(self, first: int, count: int) -> Tensor:
        """Return each game's positions, hits and expected hits, (g, 3)."""
        source = GameSource(
            seed=self._rules.seed,
            max_ply=self._context.max_ply,
            mate_boost=0.0,
            discard_ply_limit=False,
            vocabulary=self._rules.vocabulary,
            layout="prefixed" if self._prefixed else "pure",
            threads=torch.get_num_threads(),
        )
        sequences = source.sequences(first, count, legal_moves=True)
        batch, sets = Batch.of(sequences).to(self._context.runtime.device), legal_sets(sequences)
        with self._context.runtime.autocast():
            logits_nv = self._context.model.forward_at(batch.tokens_bt, batch.positions_n)
        best_n = logits_nv.argmax(dim=1)
        legal_n = sets.contain(best_n.cpu().numpy(), self._context.vocabulary.size)
        columns = (np.ones(len(legal_n)), best_n == batch.targets_n, legal_n / sets.counts_n)
        columns_nm = torch.stack([torch.as_tensor(x).cpu().double() for x in columns], dim=1)
        sums = torch.zeros((count, 3), dtype=torch.float64)
        return sums.index_add(0, torch.from_numpy(sets.games_n), columns_nm)

    def _figures(self, bounds: AccuracyCeiling) -> Iterator[Figure]:
        hits_gm, n = self._hits_gm.numpy(), int(self._hits_gm[:, _POSITIONS].sum())
        bound = bounds.prefixed.unconditional if self._prefixed else bounds.pure_unconditional
        upper = bounds.prefixed.mc_upper if self._prefixed else None
        yield self._share(hits_gm, upper or bound, n)
        yield _ratio("top1", hits_gm[:, [_HITS, _POSITIONS]], n)
        yield _bound("bound", bound, n)
        if self._prefixed:
            for name, e in (("bound_lower", bounds.prefixed.mc_lower), ("bound_upper", upper)):
                yield _bound(name, e, n) if e else Figure(name, None)
        else:
            yield _ratio("top1_exact", hits_gm[:, [_EXACT_HITS, _POSITIONS]], n)

    def _share(self, hits_gm: NDArray[np.float64], bound: Estimate, n: int) -> Figure:
        """Return the model's share of its ceiling: of the same games in the pure layout."""
        if self._prefixed:
            top1 = _ratio("top1", hits_gm[:, [_HITS, _POSITIONS]], n)
            assert top1.value is not None
            assert top1.low is not None
            assert top1.high is not None
            ends = (top1.low / bound.value, top1.high / bound.value)
            return Figure("share", top1.value / bound.value, *ends, n, _DEFINITIONS["share"])
        bound_g = self._sums_g8[:, _LATER_CHANCES].numpy() + 1.0  # PAD is certain at the end
        return _ratio("share", np.stack((hits_gm[:, _EXACT_HITS], bound_g), axis=1), n)


def _ratio(name: str, pairs_g2: NDArray[np.float64], n: int) -> Figure:
    parts, wholes = pairs_g2.sum(axis=0)
    parts_r, wholes_r = resampled_sums(pairs_g2).T
    interval = percentiles(parts_r / wholes_r)
    return Figure(name, float(parts / wholes), *interval, n, _DEFINITIONS[name])


def _bound(name: str, estimate: Estimate, n: int) -> Figure:
    return Figure(name, estimate.value, estimate.low, estimate.high, n, _DEFINITIONS[name])


def _table(bounds: AccuracyCeiling) -> Table:
    sets: dict[str, Ceilings] = {"moves": bounds.moves, "prefixed": bounds.prefixed}
    rows = [
        (positions, kind, *_ends(getattr(ceilings, kind)), ceilings.n_positions)
        for positions, ceilings in sets.items()
        for kind in _KINDS
    ]
    n_pure = bounds.prefixed.n_positions - bounds.n_games
    rows.append(("pure", "unconditional", *_ends(bounds.pure_unconditional), n_pure))
    columns = ("positions", "ceiling", "value", "low", "high", "n")
    return Table("ceilings", columns, tuple(rows))


def _ends(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)
