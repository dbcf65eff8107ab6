"""What would run, in numbers and in a sentence."""

import pytest

from pipelines.planning import plan_of


def test_a_plan_counts_rows_units_and_reasons():
    plan = plan_of(
        12,
        [
            (1, "sources", "stale", "seed was changed"),
            (1, "cutouts", "stale", "waits for sources"),
            (3, "sources", "failed", "seed was changed"),
            (7, "beam", "empty", ""),
        ],
        order=["beam", "sources", "cutouts"],
    )

    assert plan.rows == {1, 3, 7}
    assert plan.units_per_step == {"beam": 1, "sources": 2, "cutouts": 1}
    assert list(plan.units_per_step) == ["beam", "sources", "cutouts"]
    assert plan.n_units == 4
    assert plan.reasons == {"seed was changed": 2, "waits for sources": 1}
    assert plan.states == {"stale": 2, "failed": 1, "empty": 1}


@pytest.mark.parametrize(
    ("n_rows", "to_do", "sentence"),
    [
        (12, [1, 2, 3], "3 of 12 rows need work"),
        (12, [4], "1 of 12 rows needs work"),
        (1, [4], "1 of 1 row needs work"),
        (12, [], "all 12 rows are fresh"),
        (1, [], "the only row is fresh"),
        (0, [], "there are no rows yet"),
    ],
)
def test_a_plan_is_said_in_a_sentence(n_rows, to_do, sentence):
    plan = plan_of(n_rows, [(row, "sources", "stale", "") for row in to_do])

    assert plan.sentence() == sentence
