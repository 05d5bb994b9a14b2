"""How far two annotators agree beyond chance: Cohen's kappa (1960) over what both have tagged."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from tinynewsrec.analysis.annotations import Annotation

Item = tuple[str, str, str]  # impression, teacher, student
Tags = frozenset[str]


class TagAgreement(NamedTuple):
    tag: str
    kappa: float | None
    """Of having the tag or not; None where chance alone would always agree."""
    both: int
    first_only: int
    second_only: int


class AnnotatorAgreement(NamedTuple):
    items: int
    """Impressions of a pair of models that both annotators have tagged: n."""
    kappa: float | None
    """Of having the very same tags; None where chance alone would always agree, or nothing is shared."""
    agreed: int
    by_tag: tuple[TagAgreement, ...]
    disagreements: tuple[tuple[Item, Tags, Tags], ...]
    first_only: int
    """Items that the other has not tagged, which say nothing about agreement."""
    second_only: int


def annotators(annotations: Iterable[Annotation]) -> list[str]:
    return sorted({annotation.annotator for annotation in annotations})


def agreement(annotations: Sequence[Annotation], first: str, second: str) -> AnnotatorAgreement:
    """Between two annotators; notes without a tag are left out."""
    ones, others = tags_of(annotations, first), tags_of(annotations, second)
    shared = sorted(ones.keys() & others.keys())
    left, right = [ones[item] for item in shared], [others[item] for item in shared]
    return AnnotatorAgreement(
        len(shared),
        kappa(left, right),
        sum(one == other for one, other in zip(left, right, strict=True)),
        tuple(tag_agreement(tag, left, right) for tag in sorted(frozenset().union(*left, *right))),
        tuple((item, ones[item], others[item]) for item in shared if ones[item] != others[item]),
        len(ones) - len(shared),
        len(others) - len(shared),
    )


def tags_of(annotations: Iterable[Annotation], annotator: str) -> dict[Item, Tags]:
    found: dict[Item, set[str]] = defaultdict(set)
    for annotation in annotations:
        if annotation.annotator == annotator and annotation.tag.strip():
            item = (annotation.impression, annotation.teacher, annotation.student)
            found[item].add(annotation.tag.strip())
    return {item: frozenset(tags) for item, tags in found.items()}


def tag_agreement(tag: str, ones: Sequence[Tags], others: Sequence[Tags]) -> TagAgreement:
    left, right = [tag in tags for tags in ones], [tag in tags for tags in others]
    pairs = list(zip(left, right, strict=True))
    counts = (pairs.count(cell) for cell in ((True, True), (True, False), (False, True)))
    return TagAgreement(tag, kappa(left, right), *counts)


def kappa(ones: Sequence[Hashable], others: Sequence[Hashable]) -> float | None:
    """None where there are no items, or both always say the same one thing."""
    n, counts, other_counts = len(ones), Counter(ones), Counter(others)
    chance = sum(count * other_counts[label] for label, count in counts.items()) / n**2 if n else 1
    if chance == 1:
        return None
    observed = sum(one == other for one, other in zip(ones, others, strict=True)) / n
    return (observed - chance) / (1 - chance)
