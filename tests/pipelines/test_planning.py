"""What would run, in numbers and in sentences."""

import pytest

from pipelines.planning import Waiting, in_words, plan_of


def test_a_plan_counts_units_and_reasons():
    plan = plan_of(
        12,
        3,
        [
            Waiting("sources", "stale", "seed was changed", 1),
            Waiting("cutouts", "stale", "waits for sources", 1),
            Waiting("sources", "failed", "seed was changed", 4),
            Waiting("beam", "empty", "", 1),
        ],
        order=["beam", "sources", "cutouts"],
    )

    assert list(plan.units_per_step.items()) == [("beam", 1), ("sources", 5), ("cutouts", 1)]
    assert plan.n_units == 7
    assert plan.reasons == {"seed was changed": 5, "waits for sources": 1}
    assert plan.states == {"stale": 2, "failed": 4, "empty": 1}


@pytest.mark.parametrize(
    ("n_rows", "to_do", "sentence"),
    [
        (12, 3, "3 of 12 rows need work"),
        (12, 1, "1 of 12 rows needs work"),
        (1, 1, "1 of 1 row needs work"),
        (12, 0, "all 12 rows are fresh"),
        (1, 0, "the only row is fresh"),
        (0, 0, "there are no rows yet"),
    ],
)
def test_a_plan_is_said_in_a_sentence(n_rows, to_do, sentence):
    plan = plan_of(n_rows, to_do, [Waiting("sources", "stale", "", to_do)] if to_do else [])

    assert plan.sentence() == sentence


@pytest.mark.parametrize(
    ("n_rows", "to_do", "on_hold", "sentence"),
    [
        (40, 3, 12, "3 of 40 rows need work; 12 on hold are left out"),
        (40, 1, 1, "1 of 40 rows needs work; 1 on hold is left out"),
        (40, 0, 12, "12 of 40 rows are on hold, all others are fresh"),
        (12, 0, 12, "all 12 rows are on hold"),
        (1, 0, 1, "the only row is on hold"),
    ],
)
def test_rows_on_hold_are_said_apart(n_rows, to_do, on_hold, sentence):
    assert plan_of(n_rows, to_do, [], n_rows_on_hold=on_hold).sentence() == sentence


@pytest.mark.parametrize(
    ("durations", "n_workers", "said"),
    [
        ({"beam": 0.5, "sources": 3.0}, 2, "about 60 s with 2 workers"),
        ({"beam": 0.5, "sources": 3.0}, 1, "about 2 min with 1 worker"),
        ({"beam": 0.5}, 2, "how long is not known: “sources” has not run yet"),
        ({"beam": 0.5, "sources": 3.0}, 0, "nobody works now: it waits for a worker"),
    ],
)
def test_a_plan_says_how_long_it_will_take_or_why_nobody_knows(durations, n_workers, said):
    waiting = [Waiting("beam", "stale", "", 0), Waiting("sources", "stale", "", 40)]
    plan = plan_of(40, 40, waiting, durations=durations, n_workers=n_workers)

    assert plan.estimate() == said


def test_nothing_to_do_takes_no_time():
    assert plan_of(3, 0, []).estimate() == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "less than a second"),
        (99, "about 99 s"),
        (180, "about 3 min"),
        (7200, "about 2 h"),
        (9e5, "about 10 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds, said):
    assert in_words(seconds) == said
