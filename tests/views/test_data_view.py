import zipfile

import pytest
from conftest import make_recommender

from tinynewsrec.views import data
from tinynewsrec.views.data import leave, load_files, load_models, payload
from tinynewsrec.views.drawn import sent
from tinynewsrec.views.page import answer, render
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.rooms import MOST, Rooms, new_folder
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Workspace

NEWS = "N{0}\tsports\tsub\tthe river storm {0}\tAbstract\turl\t[]\t[]\n"


@pytest.fixture
def workspace(mind_folder, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Workspace, "start", prepare)
    make_recommender(tokenizer).save_pretrained(tmp_path / "checkpoints" / "teacher")
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    Rooms(workspace)
    return workspace


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def write_mind(folder):
    (folder / "news.tsv").write_text("".join(NEWS.format(number) for number in range(5)))
    (folder / "behaviors.tsv").write_text("1\tU9\t11/15/2019 8:00:00 AM\tN0 N77\tN1-0 N2-1\n")
    return [str(folder / "news.tsv"), str(folder / "behaviors.tsv")]


def test_everything_that_is_loaded_is_told(workspace):
    shown = payload(workspace, Page())
    assert (shown["split"]["impressions"], shown["split"]["stories"], shown["own"]) == (5, 12, False)
    assert [model["name"] for model in shown["models"]] == ["teacher"]
    assert dict(map(tuple, shown["versions"]))["torch"]


def test_own_files_are_shown_to_their_page_alone(workspace, uploads):
    page = load_files(workspace, Page(), {"paths": write_mind(uploads)})
    own = workspace.rooms.of(page)
    assert (len(own.split.impressions), len(workspace.split.impressions)) == (1, 5)
    assert workspace.rooms.of(Page()) is workspace
    assert own.models[0].recommender is workspace.models[0].recommender
    assert payload(own, page)["split"]["skipped"][0]["first"] == "behaviors.tsv, line 1"
    assert workspace.rooms.of(leave(own, page, {})) is workspace


def test_a_zip_does_as_well_as_its_files(workspace, uploads):
    paths = write_mind(uploads)
    with zipfile.ZipFile(uploads / "mine.zip", "w") as archive:
        for path in paths:
            archive.write(path, "some/folder/" + path.rpartition("/")[2])
    page = load_files(workspace, Page(), {"paths": [str(uploads / "mine.zip")]})
    assert len(workspace.rooms.of(page).split.news) == 5


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return [str(path)]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"news.tsv": "a"}, "no whole part"),
        ({"../news.tsv": "a", "behaviors.tsv": "b"}, "way out"),
        ({"news.tsv": "\0" * 10**7, "behaviors.tsv": "b"}, "Not unpacked"),
        ({"news.tsv": "damaged", "behaviors.tsv": "b"}, "line 1"),
    ],
)
def test_what_cannot_be_read_says_why_and_costs_nothing(workspace, uploads, members, reason):
    page = Page().select(language="en", story="N3")
    asked = {"paths": zipped(uploads / "mine.zip", members)}
    after = answer(workspace.rooms, (data,), data, page, "files", asked)
    assert reason in after.notice
    assert (after.shared, after.room) == (page.shared, "")
    assert not workspace.rooms.own


def test_a_path_that_no_upload_gave_is_refused(workspace, uploads, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for paths in (
        write_mind(outside),
        ["/etc/passwd"],
        [str(uploads / ".." / "outside" / "news.tsv")],
        [],
        "x",
    ):
        with pytest.raises(ValueError, match="just uploaded"):
            load_files(workspace, Page(), {"paths": paths})
    (uploads / "notes.txt").write_text("notes")
    with pytest.raises(ValueError, match="notes.txt is no file of a data set"):
        load_files(workspace, Page(), {"paths": [str(uploads / "notes.txt")]})


def test_own_models_are_named_by_folder_or_on_a_public_page_by_hub_id(workspace, tmp_path, monkeypatch):
    folder = str(tmp_path / "checkpoints" / "teacher")
    page = load_models(workspace, Page(), {"names": folder})
    assert [model.name for model in workspace.rooms.of(page).models] == ["teacher"]
    monkeypatch.setenv("SPACE_ID", "somebody/app")
    with pytest.raises(ValueError, match="user/name"):
        load_models(workspace, Page(), {"names": folder})
    with pytest.raises(ValueError, match="1 to"):
        load_models(workspace, Page(), {"names": " , "})


def test_old_rooms_make_place_for_new_ones_and_take_their_files_along(workspace):
    folder, own = new_folder()
    first = workspace.rooms.open(Workspace(workspace.data, []), folder)
    for _ in range(MOST):
        workspace.rooms.open(Workspace(workspace.data, []))
    assert workspace.rooms.of(Page(room=first)) is workspace
    assert not own.exists()


def test_files_stay_while_another_workspace_looks_at_them(workspace):
    folder, own = new_folder()
    first = workspace.rooms.open(Workspace(workspace.data, []), folder)
    second = workspace.rooms.open(Workspace(workspace.data, []), workspace.rooms.folder_of(Page(room=first)))
    for _ in range(MOST - 1):
        workspace.rooms.of(Page(room=second))
        workspace.rooms.open(Workspace(workspace.data, []))
    assert workspace.rooms.of(Page(room=first)) is workspace
    assert own.exists()


def test_a_key_is_in_no_link(workspace):
    page = Page(room="secret")
    shown = render(workspace.rooms, (data,), page)
    assert "secret" not in sent(shown)
