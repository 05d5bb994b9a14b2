"""What all commands have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turns an error about files, values or a missing package into one message on stderr and exit code 1."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        console = Console(stderr=True, soft_wrap=True)
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise SystemExit(1) from None
