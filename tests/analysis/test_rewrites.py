import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.analysis.rewrites import OPPOSITES, RULES, SYNONYMS, Rewrite, names_of, rewrites
from tinynewsrec.data.tables import Entity, News, Story

WORDS = (
    "Corvane wins the strike in 2019 but isn't the 40,000 1.5 says kids' team will open a NEW home".split()
)
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)


def story(title: str, *entities: Entity) -> Story:
    return Story("N1", "news", "newsus", title, "", entities, ())


def only(rule: str, title: str) -> list[str]:
    return [rewrite.of(title) for rewrite in RULES[rule](title)]


@given(titles)
def test_every_rewrite_changes_what_it_names_and_can_be_taken_back(title):
    for rewrite in rewrites(story(title), {}):
        changed = rewrite.of(title)
        assert changed != title and changed.strip()
        assert changed.startswith(title[: rewrite.start])
        assert changed.endswith(title[rewrite.start + len(rewrite.old) :])
        assert len(changed) - len(title) == len(rewrite.new) - len(rewrite.old)
        assert rewrite._replace(old=rewrite.new, new=rewrite.old).of(changed) == title


@given(titles)
def test_rules_are_deterministic(title):
    assert rewrites(story(title), {}) == rewrites(story(title), {})


@given(titles)
def test_a_dropped_word_leaves_the_others_in_order(title):
    words = title.split()
    for changed in only("drop", title):
        assert any(changed.split() == words[:place] + words[place + 1 :] for place in range(len(words)))


@pytest.mark.parametrize(
    ("rule", "title", "changed"),
    [
        ("negate", "The bridge is open", ["The bridge is not open", "The bridge is close"]),
        ("negate", "The bridge isn't there", ["The bridge is there"]),
        ("negate", "The mayor will not sing", ["The mayor will sing"]),
        ("negate", "Team Wins", ["Team Loses"]),
        ("negate", "A quiet river", []),
        ("number", "40,000 sales in 2019", ["400,000 sales in 2019", "40,000 sales in 2029"]),
        (
            "number",
            "A $1.9 million deal, 2.25 late",
            ["A $19 million deal, 2.25 late", "A $1.9 million deal, 22.5 late"],
        ),
        ("number", "No figures", []),
        ("synonym", "Kids love it", ["Children love it"]),
        ("typo", "The mayor of Merrow", ["The mayor of Mrerow"]),
        ("typo", "A big win", []),
        ("shorten", "one two three four five six", ["one two three four"]),
        ("shorten", "one", []),
        ("drop", "The storm", ["The"]),
        ("drop", "Storm here", ["here", "Storm"]),
    ],
)
def test_rules_do_as_they_are_called(rule, title, changed):
    assert only(rule, title) == changed


def test_a_name_gives_way_to_the_commonest_others_of_its_type():
    names = {"G": ["Oregon", "Maine", "Utah", "Ohio", "Iowa"], "P": ["Osei"]}
    title = "Maine storm reaches Ohio"
    entity = Entity("Maine", "G", "S1", ("Maine",), (0,))
    found = [rewrite.of(title) for rewrite in rewrites(story(title, entity), names) if rewrite.rule == "name"]
    assert found == [f"{name} storm reaches Ohio" for name in ("Oregon", "Utah", "Iowa")]


def test_an_entity_whose_place_is_wrong_is_left_alone():
    title = "A storm reaches Ohio"
    entity = Entity("Ohio", "G", "S1", ("Ohio",), (3,))
    assert not [found for found in rewrites(story(title, entity), {"G": ["Maine"]}) if found.rule == "name"]


def test_names_are_counted_by_type_and_ties_go_by_the_alphabet():
    def column(*labels: str) -> str:
        return json.dumps([{"Label": label, "Type": "G"} for label in labels])

    news = News(pa.table({"title_entities": [column("Utah", "Iowa"), column("Ohio"), "", column("Ohio")]}))
    assert names_of(news) == {"G": ["Ohio", "Iowa", "Utah"]}


def test_a_rewrite_of_another_headline_is_refused():
    with pytest.raises(ValueError, match="Expected 'storm' at character 4"):
        Rewrite("drop", 4, "storm", "").of("The river")


@pytest.mark.parametrize("pairs", [SYNONYMS, OPPOSITES])
def test_no_word_is_listed_twice(pairs):
    firsts = [pair.split()[0] for pair in pairs.split(", ")]
    assert len(firsts) == len(set(firsts)) and all(len(pair.split()) == 2 for pair in pairs.split(", "))
