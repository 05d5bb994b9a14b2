"""Downloads one file over HTTP, and goes on with a download that was interrupted."""

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

PIECE = 64 << 10  # bytes
PATIENCE = 60  # seconds without a byte


class DownloadError(OSError):
    """A download that came to nothing; says why and what to do next."""


class Unreachable(DownloadError):
    """The server could not be found, or would not give the file."""


def fetch(url: str, path: Path) -> None:
    """Downloads to `path` by way of `path`.part, which a later call continues. Raises DownloadError."""
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open_rest(url, part) as response:
            write(response, part)
    except urllib.error.HTTPError as error:
        raise Unreachable(f"{url} answered {error.code} {error.reason}.") from error
    except urllib.error.URLError as error:
        raise Unreachable(f"{url} could not be reached: {error.reason}.") from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{url} was cut short by {error!r}. Run the command again to go on.") from error
    part.replace(path)
    validator_file(part).unlink(missing_ok=True)


def open_rest(url: str, part: Path) -> http.client.HTTPResponse:
    """What the part lacks, if the server can tell that its file is still the same; else the whole file."""
    have = part.stat().st_size if part.exists() else 0
    validator = validator_file(part).read_text() if validator_file(part).exists() else ""
    if have and validator:
        try:
            response = open_url(url, {"Range": f"bytes={have}-", "If-Range": validator})
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
        else:
            if response.status == http.HTTPStatus.OK or continues(response, have, validator):
                return response
            response.close()
    return open_url(url, {})


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE)


def continues(response: http.client.HTTPResponse, have: int, validator: str) -> bool:
    """Whether a partial answer runs from where the part stops to the end of the same file."""
    span = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    if span is None or validator_of(response) not in ("", validator):
        return False
    first, last, total = map(int, span.groups())
    return first == have and last + 1 == total


def validator_of(response: http.client.HTTPResponse) -> str:
    """What tells this version of the file from others, as If-Range wants it; empty if nothing does."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def validator_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def write(response: http.client.HTTPResponse, part: Path) -> None:
    """Appends a partial answer, starts over with a whole one. Raises DownloadError if it ends early."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        part.write_bytes(b"")
        validator_file(part).write_text(validator_of(response))
    have = part.stat().st_size
    total = None if response.length is None else have + response.length
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with open(part, "ab") as file, Progress(*columns) as progress:
        task = progress.add_task(part.stem, total=total, completed=have)
        while piece := response.read(PIECE):
            file.write(piece)
            progress.advance(task, len(piece))
    found = part.stat().st_size
    if total is not None and found != total:
        raise DownloadError(f"{part} ended at {found:,} of {total:,} bytes. Run the command again to go on.")
