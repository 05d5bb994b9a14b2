"""Files that scripts fetch: what is too large to travel with every answer."""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

FOLDER = TemporaryDirectory(prefix="tinynewsrec-")  # gone when the app ends
gr.set_static_paths([FOLDER.name])


def served(content: bytes, kind: str) -> str:
    """The path under which a script finds the content; `kind` is the file's ending."""
    path = Path(FOLDER.name).resolve() / f"{sha256(content).hexdigest()[:32]}.{kind}"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(content)
        os.replace(partial, path)
    return path.as_posix()
