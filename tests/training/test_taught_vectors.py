"""Teachers' vectors: kept by story and text, so that nothing is read twice and nothing stale is found."""

import pytest
import torch
from conftest import make_recommender, title

from tinynewsrec.checkpoints import Checkpoint
from training import taught_vectors as module
from training.taught_vectors import taught_vectors

IDS, TITLES = [f"N{i}" for i in range(8)], [title(i) for i in range(8)]


@pytest.fixture
def teacher(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    make_recommender(tokenizer).save_pretrained(tmp_path / "teacher")
    return Checkpoint.open(tmp_path / "teacher")


@pytest.fixture
def read(monkeypatch):
    """The texts that a teacher really read, in order."""
    texts: list[str] = []

    def counted(teacher, given, length):
        texts.extend(given)
        return encode(teacher, given, length)

    encode = module.encode
    monkeypatch.setattr(module, "encode", counted)
    return texts


def test_they_are_the_teachers_own(teacher):
    recommender = teacher.load()
    with torch.no_grad():
        expected = recommender.encode(recommender.tokens(TITLES))
    torch.testing.assert_close(taught_vectors(teacher, IDS, TITLES, 12), expected)


def test_order_and_neighbours_do_not_matter(teacher, tmp_path, monkeypatch):
    whole = taught_vectors(teacher, IDS, TITLES, 12)
    rows = [6, 1, 3, 1]
    some = [IDS[row] for row in rows], [TITLES[row] for row in rows]
    assert torch.equal(taught_vectors(teacher, *some, 12), whole[rows])
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "another"))
    torch.testing.assert_close(taught_vectors(teacher, *some, 12), whole[rows])


def test_nothing_is_read_twice(teacher, read):
    taught_vectors(teacher, IDS[:5], TITLES[:5], 12)
    again = taught_vectors(teacher, [*IDS[2:], "N2"], [*TITLES[2:], TITLES[2]], 12)
    assert read == TITLES and again.shape == (7, 8) and torch.equal(again[0], again[-1])
    taught_vectors(teacher, IDS[::-1], TITLES[::-1], 12)
    assert read == TITLES


def test_a_changed_title_is_read_anew_and_alone(teacher, read):
    before = taught_vectors(teacher, IDS, TITLES, 12)
    changed = [*TITLES[:3], "the storm closes", *TITLES[4:]]
    after = taught_vectors(teacher, IDS, changed, 12)
    assert read == [*TITLES, "the storm closes"]
    same = torch.arange(8) != 3
    assert torch.equal(after[same], before[same]) and not torch.allclose(after[3], before[3])
    assert torch.equal(taught_vectors(teacher, IDS, TITLES, 12), before)


def test_another_length_is_another_text(teacher, read):
    long, short = (taught_vectors(teacher, IDS, TITLES, length) for length in (12, 3))
    assert len(read) == 16 and not torch.allclose(long, short)


def test_another_teacher_has_vectors_of_its_own(teacher, tokenizer, tmp_path, read):
    first = taught_vectors(teacher, IDS, TITLES, 12)
    make_recommender(tokenizer, seed=1).save_pretrained(tmp_path / "teacher")
    second = taught_vectors(Checkpoint.open(tmp_path / "teacher"), IDS, TITLES, 12)
    assert len(read) == 16 and not torch.allclose(first, second)


def test_no_half_file_is_left_behind(teacher, tmp_path):
    taught_vectors(teacher, IDS, TITLES, 12)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".safetensors"]
