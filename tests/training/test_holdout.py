import numpy as np

from tinynewsrec.data.read import read_split
from training.holdout import Arguments, hold_out_last_day, main


def test_the_written_days_are_those_that_were_split(mind_folder, split, tmp_path):
    main(Arguments(data=mind_folder, out=tmp_path / "held"))
    for name, expected in zip(("train", "dev"), hold_out_last_day(split), strict=True):
        found = read_split(tmp_path / "held" / name)
        assert not found.skipped and len(found.impressions) == len(expected.impressions) > 0
        for row in range(len(found.impressions)):
            ours, theirs = found.impressions[row], expected.impressions[row]
            assert (ours.id, ours.reader, ours.time) == (theirs.id, theirs.reader, theirs.time)
            assert np.array_equal(ours.clicked, theirs.clicked)
            for place in ("history", "candidates"):
                stories = [found.news[story] for story in getattr(ours, place).tolist()]
                assert stories == [split.news[story] for story in getattr(theirs, place).tolist()]


def test_a_story_of_the_last_day_is_unknown_before_it(mind_folder, tmp_path):
    main(Arguments(data=mind_folder, out=tmp_path / "held"))
    assert "N11" in (tmp_path / "held" / "dev" / "news.tsv").read_text()
    assert "N11" not in (tmp_path / "held" / "train" / "news.tsv").read_text()
