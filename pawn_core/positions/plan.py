"""Which position each sample of a run is: fixed by seed and number, whoever asks and when.

Shapes: n samples, d domains, s stages.
"""

from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pawn_core.data.epochs import EpochOrder
from pawn_core.positions.addressed import stream_seed, uniform
from pawn_core.positions.curriculum import MixtureStage

_BLOCK = 1 << 16
_DOMAIN = "domain"


class MixturePlan:
    """Samples `0, 1, ..`, each of a domain drawn by the weights of its stage.

    The k-th sample of a domain is place k of its endless order, in which every position comes once
    an epoch. Samples depend on the stages up to their own alone.
    """

    def __init__(
        self, stages: Sequence[MixtureStage], rows: Mapping[str, NDArray[np.int64]], seed: int
    ) -> None:
        """Take the stages of a curriculum, and the positions of each domain."""
        self.domains = tuple(sorted({name for stage in stages for name in stage.weights}))
        self._rows, self._seed = rows, seed
        self._firsts_s = np.array([stage.first_sample for stage in stages])
        weights = [[stage.weights.get(name, 0.0) for name in self.domains] for stage in stages]
        ends_sd = np.cumsum(weights, axis=1)
        self._ends_sd = ends_sd / ends_sd[:, -1:]
        self._orders = {
            name: EpochOrder(len(rows[name]), stream_seed(seed, name)) for name in self.domains
        }
        self._before = [np.zeros(len(self.domains), np.int64)]
        self._lock = Lock()

    def draw(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the positions (n,) of samples `first .. first + count - 1`."""
        domains_n, before_d = self._domains(first, count), self._counts_before(first)
        positions_n = np.empty(count, np.int64)
        for d, name in enumerate(self.domains):
            of_domain_n = domains_n == d
            drawn = int(of_domain_n.sum())
            if drawn:
                places = self._orders[name].games_at(int(before_d[d]), drawn)
                positions_n[of_domain_n] = self._rows[name][places]
        return positions_n

    def drawn_before(self, sample: int) -> dict[str, int]:
        """Return how many samples before one are of each domain."""
        return dict(zip(self.domains, self._counts_before(sample).tolist(), strict=True))

    def _domains(self, first: int, count: int) -> NDArray[np.intp]:
        """Return the domains (n,) of samples, as places in `domains`."""
        samples_n = np.arange(first, first + count)
        stages_n = np.searchsorted(self._firsts_s, samples_n, side="right") - 1
        uniform_n1 = uniform(self._seed, _DOMAIN, samples_n)[:, None]
        return (uniform_n1 >= self._ends_sd[stages_n]).sum(axis=1)

    def _counts_before(self, sample: int) -> NDArray[np.int64]:
        """Return how many samples before one are of each domain, (d,)."""
        block, rest = divmod(sample, _BLOCK)
        with self._lock:
            while len(self._before) <= block:
                last = len(self._before) - 1
                self._before.append(self._before[last] + self._counts(last * _BLOCK, _BLOCK))
        return self._before[block] + self._counts(block * _BLOCK, rest)

    def _counts(self, first: int, count: int) -> NDArray[np.int64]:
        return np.bincount(self._domains(first, count), minlength=len(self.domains))
