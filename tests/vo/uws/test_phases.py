"""Which phase may follow which: the drawing in the standard, said once more by hand."""

import itertools

import pytest

from vo.uws.phases import ENDED, MOVING, OVER, Phase, may_follow, phases_before

# The arrows of figure 1 of UWS 1.1, with the way back into the queue of what lost its worker.
ARROWS = """
    PENDING QUEUED, PENDING HELD, PENDING ABORTED, PENDING ERROR,
    HELD QUEUED, HELD ABORTED, HELD ERROR,
    QUEUED EXECUTING, QUEUED HELD, QUEUED ABORTED, QUEUED ERROR,
    EXECUTING COMPLETED, EXECUTING ERROR, EXECUTING ABORTED, EXECUTING SUSPENDED, EXECUTING UNKNOWN, EXECUTING QUEUED,
    SUSPENDED EXECUTING, SUSPENDED QUEUED, SUSPENDED ABORTED, SUSPENDED ERROR,
    UNKNOWN QUEUED, UNKNOWN EXECUTING, UNKNOWN COMPLETED, UNKNOWN ERROR, UNKNOWN ABORTED,
    COMPLETED ARCHIVED, ERROR ARCHIVED, ABORTED ARCHIVED
"""
DRAWN = {tuple(arrow.split()) for arrow in ARROWS.split(",")}


@pytest.mark.parametrize("pair", list(itertools.product(Phase, Phase)), ids="-".join)
def test_a_phase_follows_another_where_the_standard_draws_an_arrow(pair):
    assert may_follow(*pair) == (pair in DRAWN)


def test_what_comes_before_is_the_same_arrows_read_backwards():
    assert {(before, after) for after in Phase for before in phases_before(after)} == DRAWN


def test_nothing_comes_after_the_archive_and_nothing_ended_moves():
    assert not any(before == "ARCHIVED" for before, _ in DRAWN)
    assert set(OVER) - set(ENDED) == {Phase.ARCHIVED}
    assert not MOVING & OVER


def test_a_phase_that_is_none_is_refused():
    with pytest.raises(ValueError, match="FINISHED"):
        may_follow("PENDING", "FINISHED")
