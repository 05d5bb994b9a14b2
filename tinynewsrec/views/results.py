"""What slow computations found, kept for whoever asks next: a bounded store that all pages share."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any


class Results:
    """The latest `limit` results by key: (view, what, and all it depends on)."""

    def __init__(self, limit: int = 512) -> None:
        self.limit = limit
        self.lock = Lock()
        self.found: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """None where it is not known, or not any more."""
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
            return self.found.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        with self.lock:
            self.found[key] = value
            self.found.move_to_end(key)
            while len(self.found) > self.limit:
                self.found.popitem(last=False)

    def of(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The known result, or the one that is computed now; two pages may compute it at once."""
        found = self.get(key)
        if found is None:
            found = compute()
            self.put(key, found)
        return found
