"""Downloading MIND: with consent, in any number of attempts, and never more than the archives should hold."""

import errno
import hashlib
import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import tyro

from tinynewsrec.data.unpack import ArchiveError, unpack
from training import download
from training.download import Arguments, main
from training.fetch import DownloadError, fetch

NEWS = "".join(f"N{number}\tinvented\n" for number in range(3000)).encode()
BEHAVIORS = "".join(f"{number}\tU{number % 7}\tinvented\n" for number in range(3000)).encode()


def zipped(members: dict[str, bytes], compression=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped(
    {"MIND/news.tsv": NEWS, "MIND/behaviors.tsv": BEHAVIORS, "MIND/x.vec": b"1"}, zipfile.ZIP_STORED
)


class Files:
    """What the server holds, how it behaves, and the ranges it was asked for."""

    def __init__(self):
        self.content = {name: ARCHIVE for name in ("MINDsmall_train.zip", "MINDsmall_dev.zip")}
        self.tag = '"first"'
        self.heeds_ranges = self.heeds_conditions = True
        self.status = 200
        self.breaks_after = None
        self.answers_too_early_by = 0
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        files = self.server.files
        content, asked = files.content[self.path.rpartition("/")[2]], self.headers.get("Range")
        files.asked.append(asked)
        if files.status != 200:
            self.send_error(files.status)
            return
        same = not files.heeds_conditions or self.headers.get("If-Range") == files.tag
        first = (
            int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and files.heeds_ranges and same else None
        )
        first = first and first - files.answers_too_early_by
        if first is not None and first >= len(content):
            self.send_error(416)
            return
        self.send_response(200 if first is None else 206)
        if first is not None:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if files.tag:
            self.send_header("ETag", files.tag)
        self.send_header("Content-Length", str(len(content) - (first or 0)))
        self.end_headers()
        self.wfile.write(content[first or 0 :][: files.breaks_after])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files = Files()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def files(server):
    return server.files


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def arguments(url, tmp_path):
    return Arguments("mind-small", tmp_path / "mind", url, accept_licence=True)


@pytest.fixture
def interrupted(files, url, tmp_path):
    """A path whose download broke off after 1000 bytes."""
    files.breaks_after = 1000
    path = tmp_path / "MINDsmall_dev.zip"
    with pytest.raises(DownloadError, match="ended at 1,000 of .* Run the command again"):
        fetch(f"{url}/MINDsmall_dev.zip", path)
    assert not path.exists()
    files.breaks_after = None
    return path


def test_every_part_ends_up_in_its_folder_and_the_archives_are_gone(arguments):
    main(arguments)
    for part in ("train", "dev"):
        assert (arguments.to / part / "news.tsv").read_bytes() == NEWS
        assert (arguments.to / part / "behaviors.tsv").read_bytes() == BEHAVIORS
    assert sorted(path.name for path in arguments.to.rglob("*") if path.is_file()) == [
        "behaviors.tsv",
        "behaviors.tsv",
        "news.tsv",
        "news.tsv",
    ]


def test_a_full_disk_costs_no_archive(arguments, files, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(download, "unpack", no_space)
        with pytest.raises(OSError, match="No space left"):
            main(arguments)
    assert (arguments.to / "MINDsmall_train.zip").read_bytes() == ARCHIVE
    files.asked.clear()
    main(arguments)
    assert files.asked == [None]  # for dev; train goes on with what is there
    assert (arguments.to / "train" / "news.tsv").read_bytes() == NEWS


def test_an_archive_that_cannot_be_unpacked_is_deleted(arguments, files):
    files.content["MINDsmall_train.zip"] = b"no archive"
    with pytest.raises(ArchiveError, match="Download it anew"):
        main(arguments)
    assert not (arguments.to / "MINDsmall_train.zip").exists()


def test_a_second_run_asks_for_nothing(arguments, files, capsys):
    main(arguments)
    files.asked.clear()
    main(Arguments(arguments.name, arguments.to, arguments.url))
    assert files.asked == []
    assert "Already there" in capsys.readouterr().out


def test_an_archive_placed_by_hand_is_used_and_kept(arguments, files):
    arguments.to.mkdir()
    (arguments.to / "MINDsmall_train.zip").write_bytes(ARCHIVE)
    main(arguments)
    assert files.asked == [None]
    assert (arguments.to / "MINDsmall_train.zip").exists()
    assert (arguments.to / "train" / "news.tsv").read_bytes() == NEWS


@pytest.mark.parametrize(("answer", "accepted"), [("y", True), ("YES ", True), ("n", False), ("", False)])
def test_nothing_is_fetched_without_consent(url, files, tmp_path, monkeypatch, capsys, answer, accepted):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    arguments = Arguments("mind-small", tmp_path, url)
    if accepted:
        main(arguments)
    else:
        with pytest.raises(DownloadError, match="the terms were not accepted"):
            main(arguments)
    assert bool(files.asked) == accepted
    assert "https://go.microsoft.com/fwlink/?LinkID=206977" in capsys.readouterr().out


def test_a_script_must_say_that_it_accepts(url, files, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(DownloadError, match="--accept-licence"):
        main(Arguments("mind-small", tmp_path, url))
    assert files.asked == []


def test_an_interrupted_download_goes_on_where_it_stopped(interrupted, files, url):
    fetch(f"{url}/MINDsmall_dev.zip", interrupted)
    assert files.asked == [None, "bytes=1000-"]
    assert interrupted.read_bytes() == ARCHIVE
    assert list(interrupted.parent.iterdir()) == [interrupted]


def test_a_server_that_ignores_ranges_gives_the_whole_file(interrupted, files, url):
    files.heeds_ranges = False
    fetch(f"{url}/MINDsmall_dev.zip", interrupted)
    assert interrupted.read_bytes() == ARCHIVE


@pytest.mark.parametrize("heeds_conditions", [True, False])
def test_a_changed_file_is_not_glued_to_its_former_start(interrupted, files, url, heeds_conditions):
    files.content["MINDsmall_dev.zip"] = ARCHIVE[::-1]
    files.tag, files.heeds_conditions = '"second"', heeds_conditions
    fetch(f"{url}/MINDsmall_dev.zip", interrupted)
    assert interrupted.read_bytes() == ARCHIVE[::-1]


def test_an_answer_from_another_place_is_not_appended(interrupted, files, url):
    files.answers_too_early_by = 100
    fetch(f"{url}/MINDsmall_dev.zip", interrupted)
    assert interrupted.read_bytes() == ARCHIVE


def test_a_file_that_became_shorter_is_fetched_anew(interrupted, files, url):
    files.content["MINDsmall_dev.zip"], files.heeds_conditions = b"short", False
    fetch(f"{url}/MINDsmall_dev.zip", interrupted)
    assert interrupted.read_bytes() == b"short"


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_sure_sign_of_the_version_the_whole_file_is_fetched(files, url, tmp_path, tag):
    files.tag, files.breaks_after = tag, 1000
    with pytest.raises(DownloadError):
        fetch(f"{url}/MINDsmall_dev.zip", tmp_path / "file.zip")
    files.breaks_after = None
    fetch(f"{url}/MINDsmall_dev.zip", tmp_path / "file.zip")
    assert files.asked == [None, None]
    assert (tmp_path / "file.zip").read_bytes() == ARCHIVE


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_says_why_and_how_to_go_on(arguments, files, status):
    files.status = status
    with pytest.raises(DownloadError) as error:
        main(arguments)
    message = str(error.value)
    assert f"answered {status}" in message
    assert "has refused public access since July 2024" in message
    assert "--url" in message
    assert f"{arguments.to}/train/news.tsv" in message


def test_an_unreachable_server_says_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    nowhere = Arguments("mind-small", tmp_path, "http://127.0.0.1:9", accept_licence=True)
    with pytest.raises(DownloadError, match=r"could not be reached: (.|\n)*--url"):
        main(nowhere)


def test_a_right_checksum_passes_and_a_wrong_one_is_refused(arguments, files):
    right = hashlib.sha256(ARCHIVE).hexdigest()
    checked = {"MINDsmall_train.zip": right.upper(), "MINDsmall_dev.zip": "0" * 64}
    with pytest.raises(DownloadError, match=rf"MINDsmall_dev.zip is expected .* 0{{64}}, found {right}"):
        main(Arguments("mind-small", arguments.to, arguments.url, checked, accept_licence=True))
    assert (arguments.to / "train" / "news.tsv").exists()
    assert not (arguments.to / "dev").exists()
    assert not (arguments.to / "MINDsmall_dev.zip").exists()


def test_the_published_size_is_held_against_the_published_address(url, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "OFFICIAL", url)
    with pytest.raises(DownloadError, match="expected to have 52,952,752 bytes, found"):
        main(Arguments("mind-small", tmp_path, accept_licence=True))


def test_a_checksum_for_an_archive_of_another_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"sha256 names x.zip; mind-small consists of MINDsmall_train.zip"):
        Arguments("mind-small", tmp_path, sha256={"x.zip": "00"})


def test_only_web_addresses_are_fetched(tmp_path):
    with pytest.raises(ValueError, match="start with https://"):
        Arguments("mind-small", tmp_path, "file:///etc")


def test_the_command_line_reads_checksums(tmp_path):
    line = ["mind-demo", "--to", str(tmp_path), "--sha256", "MINDdemo_dev.zip", "ab"]
    arguments = tyro.cli(Arguments, args=line)
    assert arguments.sha256 == {"MINDdemo_dev.zip": "ab"}
    assert arguments.base == download.DEMO


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


GOOD = {"news.tsv": NEWS, "behaviors.tsv": BEHAVIORS}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({**GOOD, "../evil": b""}, "a way out"),
        ({**GOOD, "a/../../news.tsv": b""}, "a way out"),
        ({**GOOD, "a\\..\\..\\evil": b""}, "a way out"),
        ({**GOOD, "/etc/evil": b""}, "a way out"),
        ({**GOOD, "C:/evil": b""}, "a way out"),
        ({"behaviors.tsv": BEHAVIORS, link("news.tsv"): b"/etc/passwd"}, "a link"),
        ({**GOOD, "behaviors.tsv": bytes(10_000_000)}, r"10,000,000 bytes in .*Not unpacked"),
        ({"news.tsv": NEWS}, "expected to hold one behaviors.tsv, found 0"),
        ({**GOOD, "again/news.tsv": NEWS}, "expected to hold one news.tsv, found 2"),
    ],
)
def test_an_archive_not_to_be_trusted_leaves_nothing_behind(tmp_path, members, message):
    archive, folder = tmp_path / "a.zip", tmp_path / "inside" / "dev"
    archive.write_bytes(zipped(members))
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, folder, ("news.tsv", "behaviors.tsv"))
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [archive]


def test_a_file_above_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tinynewsrec.data.unpack.LARGEST", len(NEWS) - 1)
    (tmp_path / "a.zip").write_bytes(ARCHIVE)
    with pytest.raises(ArchiveError, match=r"expected at most .*Not unpacked"):
        unpack(tmp_path / "a.zip", tmp_path, ("news.tsv", "behaviors.tsv"))


@pytest.mark.parametrize("place", [40, len(ARCHIVE) // 2, -10])
def test_a_damaged_archive_leaves_nothing_behind(tmp_path, place):
    damaged = bytearray(zipped(GOOD, zipfile.ZIP_STORED))
    damaged[place] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(damaged)
    with pytest.raises(ArchiveError, match="Download it anew"):
        unpack(tmp_path / "a.zip", tmp_path / "dev", ("news.tsv", "behaviors.tsv"))
    assert list((tmp_path / "dev").iterdir()) == []
