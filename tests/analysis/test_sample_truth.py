from pathlib import Path

import numpy as np
import pytest

from tinynewsrec.analysis.sample_truth import found_again, read_truth
from tinynewsrec.data.read import read_split

SAMPLE = Path(__file__).parents[2] / "assets" / "sample" / "dev"


@pytest.fixture(scope="module")
def sample():
    return read_split(SAMPLE)


@pytest.fixture(scope="module")
def truth(sample):
    return read_truth(SAMPLE, sample.news)


def test_the_parts_of_a_utility_add_up_to_what_the_simulator_chose_by(sample, truth):
    for row in range(0, 400, 20):
        impression = sample.impressions[row]
        for place in range(len(impression.candidates)):
            utility = truth.utility(impression, place)
            assert utility.total == pytest.approx(truth.utilities(impression)[place], abs=0.02)
            assert -0.02 <= utility.storyline <= truth.weights["storyline"] + 0.02


def test_a_reader_who_follows_nothing_of_a_storyline_gets_nothing_from_it(sample, truth):
    impression = sample.impressions[0]
    for place, row in enumerate(impression.candidates.tolist()):
        if truth.stories[row]["storyline"] is None:
            assert truth.utility(impression, place).storyline == 0


def test_every_click_of_every_history_is_known_to_be_meant_or_not(sample, truth):
    for row in range(0, len(sample.impressions), 50):
        impression = sample.impressions[row]
        clicks = truth.clicks(impression, 0)
        assert len(clicks) == len(impression.history)
        assert all(
            0 <= click.interest <= 1 and (not click.accident or click.evidence == 0) for click in clicks
        )


def test_meant_clicks_are_of_what_interests_a_reader_and_accidents_are_not(sample, truth):
    clicks = [click for row in range(0, 600, 12) for click in truth.clicks(sample.impressions[row], 0)]
    meant, accidents = (np.mean([c.interest for c in clicks if c.accident is kind]) for kind in (False, True))
    assert meant > 5 * accidents


def test_other_data_has_no_truth(split, mind_folder):
    assert read_truth(mind_folder, split.news) is None


def test_an_explanation_that_names_the_true_clicks_first_finds_them_all_again():
    true = np.array([True, False, True, False])
    assert found_again(np.array([3.0, 1.0, 2.0, 0.0]), true) == 1
    assert found_again(np.array([0.0, 1.0, 0.0, 2.0]), true) == 0
    assert found_again(np.ones(4), true) == 0.5
    assert np.isnan(found_again(np.ones(2), np.array([True, True])))
