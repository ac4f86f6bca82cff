"""In which order games are learned from: every one once an epoch, another order in each."""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray


@dataclass
class EpochOrder:
    """An endless list of the games `0 .. games - 1`, a permutation after the other.

    Place i depends on `seed`, `games` and i alone: epoch `i // games` has a permutation of its own,
    and a stretch may reach from one epoch into the next.
    """

    games: int
    seed: int
    _permutations: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def games_at(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the games at places `first .. first + count - 1`; called from any thread."""
        epochs, places = np.divmod(np.arange(first, first + count), self.games)
        parts = [self._permutation(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs)]
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        with self._lock:
            if epoch not in self._permutations:
                generator = np.random.Generator(np.random.PCG64([self.seed, int(epoch)]))
                latest = sorted(self._permutations)[-1:]  # its last batches may still be asked for
                kept = {known: self._permutations[known] for known in latest}
                self._permutations = kept | {epoch: generator.permutation(self.games)}
            return self._permutations[epoch]
