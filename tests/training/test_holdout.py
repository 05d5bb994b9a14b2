from datetime import datetime

import numpy as np
import pytest
from ebnerd_files import VISITS, visit, write_ebnerd

from tinynewsrec.data.read import read_split
from training.holdout import Arguments, hold_out_last_day, main

NEXT_DAY = datetime(2023, 5, 26)


@pytest.fixture(params=["mind", "ebnerd"])
def folder(request, mind_folder, tmp_path):
    """With gold labels, or with publishers' labels and times, and a visit at an unknown time."""
    if request.param == "mind":
        (mind_folder.parent / "labels.jsonl").write_text('{"id": "N1", "sentiment": "negative"}\n')
        return mind_folder
    later = [visit(4, 2, [1, 2], [2], impression_time=time) for time in (None, NEXT_DAY)]
    return write_ebnerd(tmp_path / "ebnerd" / "train", behaviors=[*VISITS, *later])


def test_the_written_days_are_those_that_were_split(folder, tmp_path):
    split = read_split(folder)
    main(Arguments(data=folder, out=tmp_path / "held"))
    for name, expected in zip(("train", "dev"), hold_out_last_day(split), strict=True):
        found = read_split(tmp_path / "held" / name)
        assert len(found.impressions) == len(expected.impressions) > 0
        assert (found.news.language, found.news.sources) == (split.news.language, split.news.sources)
        for row in range(len(found.impressions)):
            ours, theirs = found.impressions[row], expected.impressions[row]
            assert (ours.id, ours.reader) == (theirs.id, theirs.reader)
            np.testing.assert_array_equal([ours.time], [theirs.time])
            assert np.array_equal(ours.clicked, theirs.clicked)
            for place in ("history", "candidates"):
                stories = [found.news[story] for story in getattr(ours, place).tolist()]
                assert stories == [split.news[story] for story in getattr(theirs, place).tolist()]


def test_a_story_of_the_last_day_is_unknown_before_it(mind_folder, tmp_path):
    main(Arguments(data=mind_folder, out=tmp_path / "held"))
    assert "N11" in (tmp_path / "held" / "dev" / "news.tsv").read_text()
    assert "N11" not in (tmp_path / "held" / "train" / "news.tsv").read_text()
