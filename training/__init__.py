"""Makes what the app shows: every stage is a command of its own, systems and tables are made of them."""

from importlib.util import find_spec

NEEDED = ("accelerate", "filelock", "peft", "psutil", "torchjd")

if lacking := [name for name in NEEDED if find_spec(name) is None]:
    raise ImportError(
        f"training lacks {', '.join(lacking)}. Install its extra: pip install -e '.[train]'",
        name=__name__,  # so that python -m says it in one line
    )
