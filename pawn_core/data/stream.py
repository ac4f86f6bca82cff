"""Batches in order, prepared ahead by threads.

Threads suffice: the engine releases the GIL while it plays. Batch k depends on k alone, so the
stream is the same for any number of workers and its place is one integer.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")

_AHEAD_PER_WORKER = 2


class Stream(Generic[T]):
    """Iterate over `make(cursor), make(cursor + 1), ..`, each passed through `receive`."""

    def __init__(
        self,
        make: Callable[[int], T],
        cursor: int,
        workers: int,
        receive: Callable[[T], T] = lambda item: item,
    ) -> None:
        self._make, self._receive = make, receive
        self.cursor = cursor
        """Index of the batch that comes next."""
        self._pool = ThreadPoolExecutor(workers, "data") if workers else None
        self._pending: deque[Future[T]] = deque()
        self._depth = workers * _AHEAD_PER_WORKER

    def __next__(self) -> T:
        """Return the next batch; an error in a worker is raised here."""
        item = self._take() if self._pool else self._make(self.cursor)
        self.cursor += 1
        return self._receive(item)

    def close(self) -> None:
        """Stop preparing batches."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> T:
        assert self._pool
        while len(self._pending) <= self._depth:
            self._pending.append(self._pool.submit(self._make, self.cursor + len(self._pending)))
        return self._pending.popleft().result()
