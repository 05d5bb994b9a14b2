"""A computation that calls back, told step by step: the two ways of saying how far one is, joined."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from tinynewsrec.views.turns import Stopped

T = TypeVar("T")
Tell = Callable[[int, int], None]  # done, in all


def stepwise(compute: Callable[[Tell], T], stop: Event) -> Generator[tuple[int, int], None, T]:
    """Yields what `compute` tells, and returns what it returns. Raises Stopped soon after `stop` is set."""
    told: SimpleQueue[tuple[int, int] | None] = SimpleQueue()
    abandoned = Event()

    def tell(done: int, total: int) -> None:
        if stop.is_set() or abandoned.is_set():
            raise Stopped
        told.put((done, total))

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(compute, tell)
        result.add_done_callback(lambda _: told.put(None))
        try:
            while (step := told.get()) is not None:
                yield step
        finally:
            abandoned.set()
        return result.result()
