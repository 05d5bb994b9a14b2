"""Unpacks named files from a zip archive that is not trusted."""

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

LARGEST = 8 << 30  # bytes of one file; MIND-large's behaviors.tsv has less than 2 << 30
DENSEST = 100  # bytes out of one byte in; MIND's text has about 5, deflated zeros have 1000


class ArchiveError(ValueError):
    """An archive that is damaged, incomplete or not to be trusted."""


def unpack(archive: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Puts the named files, wherever in the archive they lie, into the folder: all or none.

    Raises ArchiveError for damage, for a missing file and for what no honest archive holds: paths that leave
    the folder, links, and files far larger than what they are packed in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f"{name}.part" for name in names}
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                check_path(archive, member)
            for name, part in parts.items():
                extract(file, find_member(archive, file, name), part)
        for name, part in parts.items():
            part.replace(folder / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ArchiveError(f"{archive} cannot be unpacked: {error}. Download it anew.") from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def check_path(archive: Path, member: zipfile.ZipInfo) -> None:
    steps = re.split(r"[/\\]", member.filename)
    if steps[0] == "" or ":" in steps[0] or ".." in steps or stat.S_ISLNK(member.external_attr >> 16):
        raise ArchiveError(
            f"{archive} holds {member.filename!r}, a link or a way out of the folder; not unpacked."
        )


def find_member(archive: Path, file: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [member for member in file.infolist() if member.filename.rpartition("/")[2] == name]
    if len(found) != 1:
        raise ArchiveError(f"{archive} is expected to hold one {name}, found {len(found)}.")
    member = found[0]
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError(f"{archive} is expected to be deflated; {name} is packed in another way.")
    if member.file_size > min(LARGEST, DENSEST * member.compress_size):
        raise ArchiveError(
            f"{archive} holds a {name} of {member.file_size:,} bytes in {member.compress_size:,}; "
            f"expected at most {LARGEST:,}, and {DENSEST} for each packed byte. Not unpacked."
        )
    return member


def extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Never writes more than the size that was checked: zipfile stops there, and compares checksums."""
    with file.open(member) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)
