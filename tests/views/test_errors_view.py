"""What the tab of errors shows of a miniature: counts, list, slices, search, notes, links."""

import json
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis import annotations
from tinynewsrec.analysis.annotations import Annotation, to_csv, to_json
from tinynewsrec.analysis.pickers import first_click, ranks
from tinynewsrec.analysis.quadrants import MEASURES
from tinynewsrec.evaluation.metrics import NAMES, measure
from tinynewsrec.views import errors
from tinynewsrec.views.error_list import CELLS
from tinynewsrec.views.errors import ACTIONS, SLOW, payload
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.state import Page, page_from, query_of
from tinynewsrec.views.words import LANGUAGES, words
from tinynewsrec.views.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tokenizer, tmp_path_factory):
    """Three models on 90 impressions of 30 readers, one of whose headlines is full of signs."""
    root = tmp_path_factory.mktemp("errors")
    random = np.random.default_rng(0)
    news = [
        f"N{i}\t{('sports', 'finance', 'travel')[i % 3]}\tsub\tthe river {i}\tx\turl\t[]\t[]"
        for i in range(20)
    ]
    lines = []
    for row in range(90):
        history = " ".join(f"N{i}" for i in random.integers(20, size=row % 8))
        shown = [f"N{i}-{int(place == 0)}" for place, i in enumerate(random.permutation(20)[:6])]
        lines.append(f"{row + 1}\tU{row % 30}\t11/15/2019 8:00:00 AM\t{history}\t{' '.join(shown)}")
    data = root / "dev"
    data.mkdir()
    (data / "news.tsv").write_text("\n".join(news) + "\n")
    (data / "behaviors.tsv").write_text("\n".join(lines) + "\n")
    for seed, (name, layers) in enumerate((("teacher", 3), ("student-2", 2), ("student-1", 1))):
        make_recommender(tokenizer, seed, layers=layers).save_pretrained(root / "checkpoints" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNEWSREC_CACHE", str(root / "cache"))
        made = Workspace(data, [root / "checkpoints"])
        prepare(made)
    assert made.problems == ()
    return made


def shown(workspace, **options):
    return payload(workspace, Page().set(errors, **options))


def click_ranks(workspace, name):
    lists = workspace.compared.candidates
    return first_click(ranks(workspace.scores[name], lists), workspace.compared.clicked, lists)


def test_the_largest_is_the_teacher_and_the_smallest_the_student_unless_chosen(workspace):
    found = shown(workspace)["options"]
    assert (found["teacher"], found["student"]) == ("teacher", "student-1")
    found = shown(workspace, teacher="student-2", student="teacher")["options"]
    assert (found["teacher"], found["student"]) == ("student-2", "teacher")
    found = shown(workspace, teacher="student-1", student="no such")["options"]
    assert found["student"] == "student-2"


def test_the_quadrant_counts_every_impression_once_and_the_list_has_those_of_a_cell(workspace):
    first, second = (click_ranks(workspace, name) == 1 for name in ("teacher", "student-1"))
    expected = [
        (first & second).sum(),
        (first & ~second).sum(),
        (~first & second).sum(),
        (~first & ~second).sum(),
    ]
    counts = shown(workspace)["quadrant"]["counts"]
    assert counts == dict(zip(CELLS, expected, strict=True))
    for cell in CELLS:
        assert shown(workspace, cell=cell)["list"]["total"] == counts[cell]
    assert shown(workspace, cell="all")["list"]["total"] == 90 == sum(counts.values())


def test_the_difference_is_that_of_the_shares_and_lies_in_its_interval(workspace):
    quadrant = shown(workspace, rule="top", k=3)["quadrant"]
    gap, low, high = quadrant["apart"]
    assert gap == pytest.approx(quadrant["right"][0][0] - quadrant["right"][1][0])
    assert low <= gap <= high
    assert quadrant["right"][0][0] == pytest.approx(100 * (click_ranks(workspace, "teacher") <= 3).mean())


def test_beside_the_shares_stand_the_differences_of_the_metrics(workspace):
    compared = workspace.compared
    offsets = compared.candidates.offsets
    found = shown(workspace)["quadrant"]["metrics"]
    assert [metric for metric, *_ in found] == ["AUC", "nDCG@10"]
    for metric, gap, low, high in found:
        teacher, student = (
            measure(workspace.scores[name], compared.clicked, offsets).values[metric].mean()
            for name in ("teacher", "student-1")
        )
        assert gap == pytest.approx(teacher - student) and low <= gap <= high


def test_a_row_says_what_the_models_ranked(workspace):
    ids = workspace.compared.ids.to_pylist()
    for row in shown(workspace, cell="all", sort="rank of the click")["list"]["rows"]:
        place = ids.index(row["impression"])
        impression = workspace.compared[place]
        known = [workspace.split.news[int(story)].id for story in impression.candidates]
        assert row["clicked"]["id"] == known[int(np.argmax(impression.clicked))]
        start, end = workspace.compared.candidates.offsets[place : place + 2]
        assert row["first"]["id"] == known[int(np.argmax(workspace.scores["student-1"][start:end]))]
        assert row["ranks"] == [click_ranks(workspace, name)[place] for name in ("teacher", "student-1")]
        assert row["apart"] == row["ranks"][1] - row["ranks"][0]


@pytest.mark.parametrize("sort", MEASURES)
def test_the_pages_of_the_list_hold_each_impression_once_in_order(workspace, sort):
    pages = [shown(workspace, cell="all", sort=sort, page=page)["list"] for page in range(8)]
    rows = [row for page in pages for row in page["rows"]]
    assert len({row["impression"] for row in rows}) == 90
    apart = [row["apart"] for row in rows]
    assert apart == sorted(apart, reverse=True)
    assert [page["page"] for page in pages] == list(range(8))
    assert shown(workspace, cell="all", sort=sort, page=99)["list"]["page"] == 7


def test_the_list_can_begin_where_the_student_is_better_or_with_either(workspace):
    worst = shown(workspace, cell="all", sort="AUC", better="student")["list"]["rows"][0]["apart"]
    assert worst == min(
        row["apart"]
        for page in range(8)
        for row in shown(workspace, cell="all", sort="AUC", page=page)["list"]["rows"]
    )
    either = [
        abs(row["apart"]) for row in shown(workspace, cell="all", sort="AUC", better="either")["list"]["rows"]
    ]
    assert either == sorted(either, reverse=True)


def test_the_bins_of_a_feature_together_are_the_slice_and_each_can_be_looked_at(workspace):
    for feature, _ in shown(workspace)["features"]:
        bins = shown(workspace, feature=feature)["slices"]["bins"]
        assert sum(bin["impressions"] for bin in bins) == 90
        for bin in bins:
            alone = shown(workspace, slice=(bin["condition"],))
            assert (
                alone["slice"]["impressions"]
                == bin["impressions"]
                == sum(alone["quadrant"]["counts"].values())
            )
            assert alone["slice"]["small"] == bin["small"] == (bin["impressions"] < 50)
            assert alone["slice"]["unknown"] == []


def test_conditions_are_cut_with_one_another(workspace):
    one, other = "category=name:sports", "history length=count:1"
    both = shown(workspace, slice=(one, other))["slice"]
    assert [entry["condition"] for entry in both["conditions"]] == [one, other]
    assert both["impressions"] < min(
        shown(workspace, slice=(text,))["slice"]["impressions"] for text in (one, other)
    )


def test_an_unknown_condition_is_left_out_and_said(workspace):
    found = shown(workspace, slice=("category=name:weather", "mood=word:sad"))["slice"]
    assert (found["impressions"], found["unknown"]) == (90, ["category=name:weather", "mood=word:sad"])


def test_stories_of_a_lasso_make_a_slice(workspace):
    clicked = workspace.compared.candidates.values[workspace.compared.clicked]
    found = shown(workspace, stories=("N0", "N1", "no such"))["slice"]
    assert found["impressions"] == np.isin(clicked, [0, 1]).sum() > 0


def test_a_slice_without_impressions_is_shown_as_empty(workspace):
    found = shown(workspace, slice=("category=name:sports", "cold=word:none"), stories=("no such",))
    assert found["slice"]["impressions"] == 0
    assert found["quadrant"]["right"] is None
    assert found["slices"]["bins"] == found["list"]["rows"] == []


def test_the_search_tells_how_far_it_is_and_leaves_its_result(workspace):
    page = Page().set(errors, metric="AUC")
    assert payload(workspace, page)["search"] is None
    told = list(SLOW["search"](workspace, page, {}, Event()))
    assert told[-1].done == told[-1].total
    found = payload(workspace, page)["search"]
    assert found["flips"] == found["all flips"]
    assert found["found"] == sum(row["q"] <= found["rate"] for row in found["rows"])
    assert all(0 < row["p"] <= row["q"] <= 1 and row["impressions"] >= 50 for row in found["rows"])
    first = found["rows"][0]
    assert shown(workspace, slice=tuple(first["conditions"]))["slice"]["impressions"] == first["impressions"]
    assert shown(workspace, metric="MRR")["search"] is None


def test_a_stopped_search_says_after_how_many_flips(workspace):
    page, stop = Page().set(errors, metric="nDCG@5"), Event()
    stop.set()
    list(SLOW["search"](workspace, page, {}, stop))
    found = payload(workspace, page)["search"]
    assert 0 < found["flips"] < found["all flips"]


NOTE = Annotation("7", "teacher", "student-1", "entity", "=1+1", "Ana", "2026-01-31T12:00:00Z")


def answer(workspace, name, language="en", **values):
    page = ACTIONS[name](workspace, Page().select(language=language), {"nonce": "1", **values})
    return payload(workspace, page)["answer"]


@pytest.mark.parametrize(("form", "write"), [("csv", to_csv), ("json", to_json)])
def test_notes_are_written_and_read_again(workspace, form, write):
    file = answer(workspace, "export", text=to_json([NOTE]), form=form)
    assert (file["kind"], file["text"], file["nonce"]) == ("file", write([NOTE]), "1")
    assert answer(workspace, "import", text=file["text"])["rows"] == [NOTE._asdict()]


def test_a_fault_in_a_file_is_told_with_its_line_in_the_language_of_the_page(workspace):
    text = to_csv([NOTE]) + "1,2\r\n"
    assert answer(workspace, "import", text=text)["text"].endswith("Line 3: expected 7 cells, found 2.")
    assert answer(workspace, "import", "es", text=text)["text"].endswith(
        "Línea 3: se esperaban 7 celdas y hay 2."
    )


def test_two_annotators_are_compared(workspace):
    rows = [
        NOTE._replace(impression=str(row), annotator=name, tag=tag)
        for name, tags in (("Ana", "aabb"), ("Luis", "aaba"))
        for row, tag in enumerate(tags)
    ]
    found = answer(workspace, "agree", text=to_json(rows), first="Ana", second="Luis")
    assert (found["items"], found["agreed"], found["kappa"]) == (4, 3, 0.5)
    assert found["disagreements"] == [
        {"impression": "3", "models": ["teacher", "student-1"], "first": ["b"], "second": ["a"]}
    ]


def test_an_answer_is_for_who_knows_its_token_and_few_are_kept(workspace):
    assert shown(workspace, answer="0" * 20)["answer"] is None
    tokens = [
        ACTIONS["import"](workspace, Page(), {"text": to_json([NOTE]), "nonce": str(n)}).of(errors).answer
        for n in range(40)
    ]
    assert sum(shown(workspace, answer=token)["answer"] is not None for token in tokens) <= 16
    assert shown(workspace, answer=tokens[-1])["answer"]["token"] == tokens[-1]


def test_a_link_brings_the_same_view(workspace):
    page = Page().set(
        errors,
        student="student-2",
        rule="top",
        k=3,
        cell="both",
        sort="RBO",
        page=1,
        slice=("category=name:sports",),
        stories=("N0", "N3"),
        metric="AUC",
        against="the rest",
    )
    again = page_from(query_of(page, (errors,)), (errors,))
    assert again.refused == ()
    assert payload(workspace, again) == payload(workspace, page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_be_shown_has_words(workspace, language):
    said = words(language, "errors")
    found = payload(workspace, Page().select(language=language))
    assert said["sorts"].keys() == set(MEASURES)
    assert said["cells"].keys() == {"all", *CELLS}
    assert said["features"].keys() == {name for name, _ in found["features"]}
    assert said["faults"].keys() == annotations.FAULTS.keys()
    assert json.dumps(found)


def test_the_faults_are_told_as_the_analysis_tells_them():
    plain = {name: text.replace(":,", "") for name, text in annotations.FAULTS.items()}
    assert words("en", "errors")["faults"] == plain  # the page writes numbers in its own language
    assert set(NAMES) < set(MEASURES)


def test_without_labels_or_scores_the_tab_says_why(workspace):
    unlabelled = replace(workspace.compared, clicked=None)
    assert "no clicks" in payload(replace(workspace, compared=unlabelled), Page())["empty"]
    assert (
        "ranking" in payload(replace(workspace, compared=None, progress=workspace.progress), Page())["empty"]
    )
    one = replace(workspace, models=workspace.models[:1])
    assert "Only one model" in payload(one, Page())["empty"]
    assert "No model" in payload(replace(workspace, models=()), Page())["empty"]
