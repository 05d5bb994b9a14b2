import numpy as np
import pytest
import torch
from conftest import make_recommender

from tinynewsrec.analysis.headline import head_words, names_in, score_of
from tinynewsrec.analysis.title_words import read_title
from tinynewsrec.model.heads import HeadSpec, Prediction
from tinynewsrec.views import headline
from tinynewsrec.views.headline import payload
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Workspace

SPECS = {
    "category": HeadSpec(("finance", "sports", "travel"), source="the category column"),
    "sentiment": HeadSpec(("negative", "neutral", "positive"), "cls", "by hand"),
    "entities": HeadSpec(("O", "B", "I"), "words", "by hand"),
}
TITLE = "the mayor opens school"


@pytest.fixture
def reader(tokenizer):
    made = make_recommender(tokenizer)
    torch.manual_seed(3)
    made.add_heads(SPECS)
    return made.eval()


@pytest.fixture
def workspace(mind_folder, reader, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    reader.save_pretrained(tmp_path / "checkpoints" / "mtrec")
    make_recommender(tokenizer).save_pretrained(tmp_path / "checkpoints" / "teacher")
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    return workspace


def test_only_models_with_heads_are_asked(workspace):
    shown = payload(workspace, Page().set(headline, text=TITLE))
    assert [model["name"] for model in shown["models"]] == ["mtrec"]
    assert shown["tasks"] == ["category", "sentiment", "entities"]


def test_a_teacher_without_heads_comes_first_among_models_of_one_size(workspace):
    assert [model.name for model in workspace.models] == ["teacher", "mtrec"]


def test_guesses_are_the_probabilities_of_the_model(workspace, reader):
    [model] = payload(workspace, Page().set(headline, text=TITLE))["models"]
    expected = reader.predict([TITLE])["category"].probabilities[0]
    assert [guess["probability"] for guess in model["guesses"]["category"]] == pytest.approx(
        sorted(expected.tolist(), reverse=True), abs=1e-6
    )
    assert len(model["words"]) == len(model["values"]) == 4
    assert "".join(text for text, _ in model["parts"]) == TITLE


def test_labels_of_the_data_stand_beside_those_of_a_known_story_alone(workspace):
    known = payload(workspace, Page().set(headline, text=workspace.split.news.texts("title")[1]))
    assert (known["gold"]["category"], known["gold"]["id"]) == ("finance", "N1")
    assert payload(workspace, Page().set(headline, text=TITLE))["gold"] is None


@pytest.mark.parametrize("task", SPECS)
def test_words_follow_the_slope_of_the_label_asked_about(reader, task):
    """Gradient x activation is the directional derivative of the score along the embeddings themselves."""
    title, label = read_title(reader, TITLE), SPECS[task].labels[1]
    found = head_words(reader, title, task, label)
    forward = score_of(reader, reader.news_encoder, reader.heads[task], task, 1)
    embeddings, step, scores = reader.news_encoder.language_model.get_submodule("embeddings"), 1e-3, []
    for sign in (1, -1):
        hook = embeddings.register_forward_hook(lambda *given, sign=sign: given[2] * (1 + sign * step))
        with torch.no_grad():
            scores.append(float(forward(*title.tokens)))
        hook.remove()
    slope = (scores[0] - scores[1]) / (2 * step)
    assert found.values.sum() + found.rest == pytest.approx(slope, rel=0.02, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "tags", "names"),
    [
        ("the mayor xyz, school", {"mayor": "B", "x": "I"}, ["mayor xyz"]),  # x, ##y and ##z are pieces
        ("mayor river storm", {"mayor": "B", "river": "B"}, ["mayor", "river"]),
        ("the mayor wins", {"mayor": "I"}, ["mayor"]),
        ("mayor wins river", {"mayor": "B", "river": "I"}, ["mayor", "river"]),
        ("  mayor  of   river ", {"mayor": "B", "of": "I", "river": "I"}, ["mayor  of   river"]),
        ("the storm", {}, []),
    ],
)
def test_a_name_of_several_words_is_one_span_and_ends_with_its_last_letter(reader, text, tags, names):
    title = read_title(reader, text)
    pieces = np.zeros((1, len(title.places), 3), np.float32)
    pieces[..., 0] = 1
    for piece, (start, end) in enumerate(title.places):
        if tag := tags.get(text[start:end].strip()):
            pieces[0, piece] = np.eye(3)["OBI".index(tag)] * 0.7 + 0.1
    found = names_in(text, title, Prediction(("O", "B", "I"), pieces))
    assert [text[name.start : name.end] for name in found] == names
    assert all(name.probability == pytest.approx(0.8) for name in found)
    assert "".join(part for part, _ in headline.parts_of(text, found)) == text


@pytest.mark.parametrize("text", ["", " ", "?" * 300, "<b>${x}</b>"])
def test_any_headline_is_read(workspace, text):
    assert payload(workspace, Page().set(headline, text=text))["models"]


def test_without_heads_the_tab_says_what_to_do(workspace):
    workspace.models = workspace.models[:1]
    assert "training.recipe mtrec" in payload(workspace, Page())["empty"]
