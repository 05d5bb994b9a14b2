"""Fetches the MIND data set and unpacks it into DIR/train, DIR/dev and, where there is one, DIR/test.

python -m training.download mind-small --to data/mind-small

An interrupted download goes on where it stopped. Running the command again changes nothing that is there.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import tyro

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.unpack import ArchiveError, unpack
from training.fetch import DownloadError, Unreachable, fetch

LICENCE = "https://go.microsoft.com/fwlink/?LinkID=206977"
OFFICIAL = "https://mind201910small.blob.core.windows.net/release"
DEMO = "https://recodatasets.z20.web.core.windows.net/newsrec"
FILES = ("news.tsv", "behaviors.tsv")


class Archive(NamedTuple):
    name: str
    part: str
    size: int | None  # bytes, of the archive as first published


ARCHIVES = {
    "mind-small": (
        Archive("MINDsmall_train.zip", "train", 52_952_752),
        Archive("MINDsmall_dev.zip", "dev", 30_945_572),
    ),
    "mind-large": (
        Archive("MINDlarge_train.zip", "train", 530_196_631),
        Archive("MINDlarge_dev.zip", "dev", 103_456_245),
        Archive("MINDlarge_test.zip", "test", None),
    ),
    "mind-demo": (
        Archive("MINDdemo_train.zip", "train", 17_372_879),
        Archive("MINDdemo_dev.zip", "dev", 10_080_022),
    ),
}


@dataclass(frozen=True)
class Arguments:
    name: tyro.conf.Positional[Literal["mind-small", "mind-large", "mind-demo"]]
    to: Path
    """Folder for the parts."""
    url: str | None = None
    """Where the archives lie, without their names; by default where Microsoft published them."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Checksums to hold archives to: --sha256 MINDsmall_dev.zip 9f86d0..."""
    accept_licence: bool = False
    """Accepts the Microsoft Research License Terms without being asked."""

    def __post_init__(self):
        if not (self.url or OFFICIAL).startswith(("https://", "http://")):
            raise ValueError(f"url is expected to start with https:// or http://, got {self.url!r}.")
        unknown = sorted(set(self.sha256) - {archive.name for archive in ARCHIVES[self.name]})
        if unknown:
            names = ", ".join(archive.name for archive in ARCHIVES[self.name])
            raise ValueError(f"sha256 names {', '.join(unknown)}; {self.name} consists of {names}.")

    @property
    def base(self) -> str:
        return (self.url or (DEMO if self.name == "mind-demo" else OFFICIAL)).rstrip("/")


def main(arguments: Arguments) -> None:
    """Raises DownloadError, which says what to do next."""
    missing = [archive for archive in ARCHIVES[arguments.name] if not is_unpacked(arguments, archive)]
    if missing:
        ask_for_consent(arguments)
    for archive in missing:
        install(arguments, archive)
    parts = ", ".join(str(arguments.to / archive.part) for archive in ARCHIVES[arguments.name])
    print(f"{'Ready' if missing else 'Already there'}: {parts}")


def is_unpacked(arguments: Arguments, archive: Archive) -> bool:
    return all((arguments.to / archive.part / name).is_file() for name in FILES)


def ask_for_consent(arguments: Arguments) -> None:
    print(f"MIND may be used for research under the Microsoft Research License Terms: {LICENCE}")
    if arguments.accept_licence:
        return
    if not sys.stdin.isatty():
        raise DownloadError("Nobody can be asked here: read the terms, then add --accept-licence.")
    if input("Do you accept them? [y/N] ").strip().lower() not in ("y", "yes"):
        raise DownloadError("Nothing was downloaded: the terms were not accepted.")


def install(arguments: Arguments, archive: Archive) -> None:
    """Downloads, checks and unpacks one archive. One that lay there already is used, and left there.

    One that is downloaded is deleted, unless another trouble than its own, such as a full disk, stops this.
    """
    path = arguments.to / archive.name
    placed_by_hand = path.exists()
    if not placed_by_hand:
        try:
            fetch(f"{arguments.base}/{archive.name}", path)
        except Unreachable as error:
            raise DownloadError(f"{error}\n{advice(arguments)}") from error
    try:
        # A copy from elsewhere may hold the same files packed anew, and then has another size.
        published = not placed_by_hand and arguments.url is None
        check(path, archive.size if published else None, arguments.sha256.get(archive.name))
        unpack(path, arguments.to / archive.part, FILES)
    except (DownloadError, ArchiveError):
        if not placed_by_hand:
            path.unlink()
        raise
    if not placed_by_hand:
        path.unlink()


def check(path: Path, size: int | None, sha256: str | None) -> None:
    """Raises DownloadError for a file that is not the expected one; None expects nothing."""
    found = path.stat().st_size
    if size is not None and found != size:
        raise DownloadError(f"{path} is expected to have {size:,} bytes, found {found:,}. Download it anew.")
    if sha256 is not None:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sha256.lower():
            raise DownloadError(f"{path} is expected to have SHA-256 {sha256}, found {digest}.")


def advice(arguments: Arguments) -> str:
    parts, archives = zip(
        *((archive.part, archive.name) for archive in ARCHIVES[arguments.name]), strict=True
    )
    return (
        "Microsoft's storage has refused public access since July 2024. If you know of another copy, name "
        f"its address with --url. If you have {' and '.join(archives)}, put them into {arguments.to} and run "
        f"the command again, or unpack them by hand so that {arguments.to}/train/news.tsv and "
        f"{arguments.to}/train/behaviors.tsv exist, and so for each of {', '.join(parts)}. "
        "About the data: https://msnews.github.io"
    )


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
