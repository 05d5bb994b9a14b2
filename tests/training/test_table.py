"""What the tables of systems say, on figures worked out by hand."""

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.evaluation.report import Report, System, checkpoint_system, evaluate, metrics_record
from tinynewsrec.model.folder import read_json
from training.ensemble import write_ensemble
from training.measurements import Runs, averaged
from training.paper import published
from training.table import against, system_row

READERS = np.array([0, 0, 1, 1])


def runs_of(*seeds: list[float]) -> Runs:
    """The AUC of four impressions, two of either reader, for each seed."""
    system, others = System("any", np.empty(0)), {"MRR": np.zeros(4)}
    reports = [Report(system, np.arange(4), READERS, others | {"AUC": np.array(auc)}, 0) for auc in seeds]
    return Runs(dict(enumerate(reports)))


STUDENT = runs_of([50.0, 70.0, 60.0, 40.0], [60.0, 80.0, 64.0, 56.0])
TEACHER = runs_of([60.0, 60.0, 50.0, 50.0], [40.0, 60.0, 50.0, 30.0])


def test_the_mean_and_the_standard_deviation_are_those_of_the_seeds():
    assert STUDENT.by_seed("AUC") == [55.0, 65.0]
    assert STUDENT.mean("AUC") == 60.0 and STUDENT.deviation("AUC") == pytest.approx(50**0.5)
    assert STUDENT.shown("AUC") == "60.00 ± 7.07"


def test_a_single_seed_has_no_deviation():
    alone = runs_of([50.0, 70.0, 60.0, 40.0])
    assert alone.deviation("AUC") is None and alone.shown("AUC") == "55.00"


def test_a_lead_that_both_readers_have_is_certain():
    """Impression by impression 5, 15, 12 and 8: each reader's mean is 10, though their AUCs are not alike."""
    assert STUDENT.lead(TEACHER) == pytest.approx((10.0, 10.0, 10.0))
    assert against(STUDENT, TEACHER) == "+10.00 (+10.0 to +10.0)"
    assert against(TEACHER, STUDENT) == "-10.00 (-10.0 to -10.0)"
    assert STUDENT.lead(TEACHER, "MRR") == (0.0, 0.0, 0.0)


def test_systems_are_compared_on_the_seeds_that_both_have():
    """Otherwise a row that was run once would be held against seeds that it knows nothing of."""
    once, twice = runs_of([70.0, 70.0, 70.0, 70.0]), runs_of([60.0] * 4, [0.0] * 4)
    assert against(once, twice) == "+10.00 (+10.0 to +10.0)"
    assert against(twice, once) == "-10.00 (-10.0 to -10.0), seed 0"
    assert against(Runs({7: once.any}), twice) == "no seed in common"
    assert against(once, None) == against(once, once) == ""


def test_an_ensemble_ranks_by_the_mean_of_its_members_scores(tokenizer, split, tmp_path):
    members = [tmp_path / f"teacher-{seed}" for seed in (1, 2)]
    for seed, place in enumerate(members, start=1):
        make_recommender(tokenizer, seed).save_pretrained(place)
    one, two = (checkpoint_system(place.name, Checkpoint.open(place), split).scores for place in members)
    mean = System("mean", (one + two) / 2)
    assert averaged(members, split).scores == pytest.approx(mean.scores)
    write_ensemble(members, split, tmp_path / "ensemble")
    assert read_json(tmp_path / "ensemble" / "metrics.json") == metrics_record(evaluate(mean, split), split)


def test_the_papers_figures_stand_beside_the_systems_that_it_has():
    assert published("plm-nr-ft", 12, 12) == published("plm-nr-ft", 6, 6) == ("MIND", 69.72, 34.74, 43.71)
    assert published("tiny-newsrec", 1, 6) == ("MIND", 70.04, 35.16, 44.10)
    assert published("mt-bert", 4, 6) == ("Feeds", 68.51, 34.74, 45.45)
    assert published("mt-bert", 2, 6) is published("plm-nr-ft", 6, 12) is published("mtrec", 6, 6) is None
    assert system_row("tinybert", 4, 6).paper == "MIND 70.55" and system_row("mtrec", 6, 6).paper == ""
