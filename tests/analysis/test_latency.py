from itertools import count

import numpy as np
import pytest

from tinynewsrec.analysis.latency import Stopped, interleaved, summarise, this_machine


def test_the_jobs_take_turns_and_the_warm_up_is_dropped():
    calls = []
    jobs = [lambda: calls.append("a"), lambda: calls.append("b")]
    tables = list(interleaved(jobs, rounds=3, warm_up=1))
    assert "".join(calls) == "abbaabba"
    assert [len(table) for table in tables] == [0, 1, 2, 3]


def test_each_job_gets_its_own_time():
    now = [0.0]

    def take(seconds):
        return lambda: now.__setitem__(0, now[0] + seconds)

    *_, table = interleaved([take(1.0), take(5.0)], rounds=4, clock=lambda: now[0])
    assert table.tolist() == [[1, 5]] * 4


def test_a_table_that_was_given_out_does_not_change_afterwards():
    ticks = count()
    tables = list(interleaved([lambda: None], rounds=2, clock=lambda: float(next(ticks))))
    tables[1][:] = 99
    assert tables[2].tolist() == [[1], [1]]


def test_the_summary_of_one_to_five_is_known():
    timing = summarise(np.array([5.0, 1.0, 2.0, 4.0, 3.0]))
    assert timing[:4] == (3, 2, 4, 1)
    assert timing.rounds == 5


def test_the_95th_percentile_is_given_only_where_a_round_lies_above_it():
    assert summarise(np.arange(19.0)).p95 is None
    assert summarise(np.arange(20.0)).p95 == pytest.approx(18.05)


def test_a_job_that_is_stopped_ends_the_measurement_and_loses_only_its_own_round():
    calls = count()

    def fourth_call_stops():
        if next(calls) == 3:
            raise Stopped

    rounds = interleaved([fourth_call_stops], rounds=9)
    assert [len(next(rounds)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Stopped):
        next(rounds)


@pytest.mark.parametrize(
    ("durations", "noisy"), [([10.0, 10.1, 10.2, 10.3], False), ([10.0, 10.0, 20.0, 30.0], True)]
)
def test_a_wide_spread_is_called_noisy(durations, noisy):
    assert summarise(np.array(durations)).noisy is noisy


def test_nothing_measured_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="at least one measured round"):
        summarise(np.empty(0))


def test_a_machine_names_what_a_duration_depends_on():
    machine = this_machine(threads=3)
    assert machine.threads == 3
    assert machine.cores >= 1
    assert machine.torch[0].isdigit()
