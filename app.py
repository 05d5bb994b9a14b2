"""Looks inside news recommenders, side by side: python app.py --data DIR --checkpoints DIR_OR_HUB_ID"""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import tyro

from tinynewsrec.data.read import FORMATS, describe

ASSETS = Path(__file__).resolve().parent / "assets"
COMPLETE = 20  # seconds; what is ready by then is there when the page opens, as all of the sample is


@dataclass(frozen=True)
class Arguments:
    data: Path = ASSETS / "sample" / "dev"
    """Folder of one part of a data set: MIND's files or EB-NeRD's."""
    checkpoints: tuple[str, ...] = (str(ASSETS / "checkpoints"),)
    """Trained models: folders, folders of folders, or ids of models on the hub."""
    port: int | None = None
    """Port to listen on; GRADIO_SERVER_PORT, or the first free one from 7860, if not given."""
    host: str | None = None
    """Address to listen on; GRADIO_SERVER_NAME, or this machine alone, if not given."""
    mcp: bool = False
    """Also offer the endpoints as tools over MCP; needs pip install -e '.[mcp]'."""

    def __post_init__(self):
        if self.port is not None and not 0 < self.port < 65536:
            raise ValueError(f"port must be between 1 and 65535, got {self.port}.")


def main(arguments: Arguments) -> None:
    if not any(form.recognises(arguments.data) for form in FORMATS):
        sys.exit(describe(arguments.data))
    if arguments.mcp and not find_spec("mcp"):
        sys.exit("--mcp needs the package mcp: pip install -e '.[mcp]'")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    print("Loading the models ...", flush=True)
    # Imported here, for Gradio takes seconds, and a mistyped folder should be told at once.
    from tinynewsrec.views.page import launch_settings, page_of, warm
    from tinynewsrec.views.workspace import Workspace

    workspace = Workspace(arguments.data, arguments.checkpoints)
    app = page_of(workspace)
    ready = Thread(target=warm, args=[workspace], daemon=True)
    ready.start()
    ready.join(COMPLETE)
    try:
        app.launch(
            server_port=arguments.port,
            server_name=arguments.host,
            prevent_thread_lock=True,
            quiet=True,
            **launch_settings(arguments.mcp),
        )
    except OSError:
        sys.exit(
            f"Port {arguments.port or 'range'} is in use, or {arguments.host or 'this address'} cannot be "
            f"listened on. Name another with --port or --host."
        )
    print(f"Open {app.local_url} in a browser. Ctrl+C ends the app.", flush=True)
    app.block_thread()


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
