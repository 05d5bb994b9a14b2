"""Rewrites of an English headline by rule: each changes one stretch of it, and can be taken back."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from tinynewsrec.data.tables import Entity, News, Story, parse_entities

SUGGESTED = 3  # other names offered for one
WORD = re.compile(r"[^\W\d_][\w'’-]*")
NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
YEAR = re.compile(r"(?:19|20)\d\d")
NEGATION = re.compile(r"(?<=\S)(?: not\b|n['’]t\b)", re.IGNORECASE)
AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|will|can|could|should|would|may|might|must|has|have|had|does|did)\b(?!['’])",
    re.IGNORECASE,
)
FUNCTION_WORDS = frozenset(
    "a an and as at but by for from he her his how i if in into is it its my of off on or our out over "
    "she so than that the their them they this to under up was we what when who why with you your".split()
)
OPPOSITES = (
    "wins loses, win lose, won lost, opens closes, open close, rises falls, rise fall, rose fell, up down, "
    "good bad, best worst, better worse, new old, more fewer, first last, starts ends, gains losses, "
    "strong weak, hot cold, safe dangerous, happy sad, before after, with without, accepts rejects"
)
SYNONYMS = (
    "says states, say state, big large, kids children, car automobile, movie film, movies films, "
    "buy purchase, begins starts, begin start, quick fast, fast quick, smart clever, help aid, helps aids, "
    "home house, homes houses, job position, jobs positions, tiny small, ends finishes, end finish, "
    "wins triumphs, gets receives, shows reveals, show reveal, keeps retains, needs requires, need require, "
    "large big, small little, people persons, doctor physician, doctors physicians, fix repair, "
    "storm tempest, scientists researchers, study research, nearly almost, almost nearly, about around, "
    "city town, wants desires, asks requests, story tale, stories tales, photo picture, photos pictures, "
    "start begin, starts begins, win triumph, price cost, prices costs, police officers, worker employee, "
    "workers employees, leave depart, leaves departs, wrong mistaken, real genuine, odd strange, sick ill"
)
BAIT = (("", "You won't believe this: "), ("end", ", and nobody expected what came next"))
KEPT = 2 / 3  # of the words of a shortened headline

Rule = Literal["drop", "negate", "name", "number", "bait", "synonym", "typo", "shorten"]
Names = Mapping[str, Sequence[str]]  # of each type of entity the labels, the commonest first


class Rewrite(NamedTuple):
    rule: Rule
    start: int
    """Characters of the headline before the stretch that changes."""
    old: str
    new: str

    def of(self, title: str) -> str:
        """Raises ValueError for a headline that does not have the old stretch in that place."""
        end = self.start + len(self.old)
        if title[self.start : end] != self.old:
            raise ValueError(f"Expected {self.old!r} at character {self.start} of {title!r}.")
        return title[: self.start] + self.new + title[end:]


def names_of(news: News) -> dict[str, list[str]]:
    """Entities of all headlines by type, the commonest first, of equals the first in the alphabet."""
    counts: dict[str, Counter[str]] = {}
    for text in news.texts("title_entities"):
        for entity in parse_entities(text):
            counts.setdefault(entity.type, Counter())[entity.label] += 1
    return {
        kind: sorted(labels, key=lambda label: (-labels[label], label)) for kind, labels in counts.items()
    }


def rewrites(story: Story, names: Names) -> list[Rewrite]:
    """What every rule makes of a headline."""
    return [
        *(rewrite for rule in RULES.values() for rewrite in rule(story.title)),
        *other_names(story.title, story.title_entities, names),
    ]


def drop(title: str) -> Iterator[Rewrite]:
    """Each word that is not a function word, with the space before or, of the first word, behind it."""
    if len(title.split()) < 2:
        return
    for word in re.finditer(r"\s*\S+", title):
        if word[0].strip(" ,.:;?!\"'").lower() in FUNCTION_WORDS:
            continue
        end = word.end()
        while word.start() == 0 and title[end : end + 1].isspace():
            end += 1
        yield Rewrite("drop", word.start(), title[word.start() : end], "")


def negate(title: str) -> Iterator[Rewrite]:
    """A `not` that goes or comes, else the opposite of a word; nothing where there is neither."""
    if gone := NEGATION.search(title):
        yield Rewrite("negate", gone.start(), gone[0], "")
    elif auxiliary := AUXILIARY.search(title):
        yield Rewrite("negate", auxiliary.end(), "", " not")
    yield from replaced("negate", title, PAIRS_OF_OPPOSITES)


def number(title: str) -> Iterator[Rewrite]:
    """Ten years later for a year, ten times as much for every other number."""
    for found in NUMBER.finditer(title):
        value = Decimal(found[0].replace(",", ""))
        changed = str(value + 10) if YEAR.fullmatch(found[0]) else f"{(10 * value).normalize():,f}"
        if changed != found[0]:
            yield Rewrite("number", found.start(), found[0], changed)


def bait(title: str) -> Iterator[Rewrite]:
    for place, text in BAIT:
        yield Rewrite("bait", len(title) if place else 0, "", text)


def synonym(title: str) -> Iterator[Rewrite]:
    yield from replaced("synonym", title, PAIRS_OF_SYNONYMS)


def typo(title: str) -> Iterator[Rewrite]:
    """Two neighbouring letters of the longest word, its second and third, change places."""
    words = [word for word in WORD.finditer(title) if len(word[0]) > 3 and word[0][1] != word[0][2]]
    if words:
        word = max(words, key=lambda word: len(word[0]))
        letters = word[0]
        yield Rewrite("typo", word.start(), letters, letters[0] + letters[2] + letters[1] + letters[3:])


def shorten(title: str) -> Iterator[Rewrite]:
    """Cuts the last third of the words off."""
    words = list(re.finditer(r"\S+", title))
    kept = max(1, round(KEPT * len(words)))
    if kept < len(words):
        end = words[kept - 1].end()
        yield Rewrite("shorten", end, title[end:], "")


def other_names(title: str, entities: Sequence[Entity], names: Names) -> Iterator[Rewrite]:
    """A name gives way to each of the commonest others of its type, at its first mention."""
    for entity in entities:
        for form, start in zip(entity.surface_forms, entity.offsets, strict=False):
            if title[start : start + len(form)] == form and form:
                others = [label for label in names.get(entity.type, ()) if label not in title]
                yield from (Rewrite("name", start, form, other) for other in others[:SUGGESTED])
                break


def replaced(rule: Rule, title: str, words: Mapping[str, str]) -> Iterator[Rewrite]:
    for word in WORD.finditer(title):
        if other := words.get(word[0].lower()):
            yield Rewrite(rule, word.start(), word[0], like(word[0], other))


def like(word: str, other: str) -> str:
    """The other word in the case of the first."""
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def pairs(text: str) -> dict[str, str]:
    return dict(pair.split() for pair in text.split(", "))


PAIRS_OF_SYNONYMS = pairs(SYNONYMS)
PAIRS_OF_OPPOSITES = pairs(OPPOSITES) | {other: word for word, other in pairs(OPPOSITES).items()}
RULES: dict[Rule, Callable[[str], Iterator[Rewrite]]] = {
    "drop": drop,
    "negate": negate,
    "number": number,
    "bait": bait,
    "synonym": synonym,
    "typo": typo,
    "shorten": shorten,
}
