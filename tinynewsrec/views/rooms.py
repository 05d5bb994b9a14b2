"""What each page looks at: what the app was started with, or a reader's own data and models, for a while."""

import secrets
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Workspace

MOST = 4  # workspaces beside the main one; each holds vectors for all its stories


class Room(NamedTuple):
    workspace: Workspace
    folder: tempfile.TemporaryDirectory | None
    """Uploaded files, which go with the last room that holds them."""


class Rooms:
    """Finds a page's workspace by a key that no other page can guess; the least used one goes first."""

    def __init__(self, main: Workspace) -> None:
        self.main = main
        self.lock = Lock()
        self.own: OrderedDict[str, Room] = OrderedDict()
        main.rooms = self

    def of(self, page: Page) -> Workspace:
        """The main one where the page has none of its own, or not any more."""
        with self.lock:
            if page.room not in self.own:
                return self.main
            self.own.move_to_end(page.room)
            return self.own[page.room].workspace

    def folder_of(self, page: Page) -> tempfile.TemporaryDirectory | None:
        """The uploaded files that the page looks at, which another workspace may share."""
        with self.lock:
            return self.own[page.room].folder if page.room in self.own else None

    def open(self, workspace: Workspace, folder: tempfile.TemporaryDirectory | None = None) -> str:
        """Prepares a workspace in the background and returns its key."""
        key = secrets.token_urlsafe(16)
        workspace.rooms = self
        with self.lock:
            self.own[key] = Room(workspace, folder)
            while len(self.own) > MOST:
                _, oldest = self.own.popitem(last=False)
                if all(room.folder is not oldest.folder for room in self.own.values()):
                    close(oldest)
        workspace.start()
        return key


def close(room: Room) -> None:
    if room.folder is not None:
        room.folder.cleanup()


def new_folder() -> tuple[tempfile.TemporaryDirectory, Path]:
    """One that goes when nothing holds it any more; data read from it is called 'own'."""
    folder = tempfile.TemporaryDirectory(prefix="tinynewsrec-", ignore_cleanup_errors=True)
    own = Path(folder.name) / "own"
    own.mkdir()
    return folder, own
