"""Plots: points lie where they belong, ticks are round, and the sky is the sky."""

import math
import re
from itertools import pairwise

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vo.querying.plotting import HEIGHT, WIDTH, Axis, NothingToDraw, round_numbers, scatter
from vo.querying.plotting_sky import hammer, separation, sky, tangent

ra, dec = st.floats(0, 359.999), st.floats(-89.9, 89.9)
number = st.one_of(st.floats(-1e9, 1e9), st.floats(allow_nan=True))


def dots_of(plot):
    return [tuple(map(float, pair)) for pair in re.findall(r"M([-\d.]+) ([-\d.]+)h0", plot.points)]


def test_points_lie_between_their_ticks():
    plot = scatter([(0, 10), (5, 20), (10, 30), (None, 1), (3, math.nan)], "x", "y [mJy]")

    ticks = {tick.text: tick.at for tick in plot.x_ticks}
    (first, *_, last) = dots_of(plot)
    assert (plot.n_points, plot.n_left_out) == (3, 2)
    assert first[0] == pytest.approx(ticks["0"], abs=0.06)
    assert last[0] == pytest.approx(ticks["10"], abs=0.06)
    assert first[1] > last[1]  # up is up


def test_decades_are_ticks_of_a_logarithm():
    plot = scatter([(1, 1), (1000, 1e-3), (0, 5), (-1, 5)], "x", "y", x_log=True, y_log=True)

    assert [tick.text for tick in plot.x_ticks] == ["1", "10", "100", "1000"]
    assert [tick.text for tick in plot.y_ticks] == ["0.001", "0.01", "0.1", "1"]
    assert plot.n_left_out == 2


@settings(deadline=None)
@example([(5e-324, 0.0)], False)
@example([(2.3e-308, 0.0)], True)
@example([(1.7e308, -1.7e308)], False)
@given(st.lists(st.tuples(number, number), min_size=1, max_size=20), st.booleans())
def test_whatever_comes_is_drawn_inside_of_the_frame(pairs, log):
    try:
        plot = scatter(pairs, "x", "y", x_log=log)
    except NothingToDraw:
        assert not any(1e-200 < x < 1e200 and abs(y) < 1e200 for x, y in pairs)
        return

    left, top, width, height = plot.frame
    for x, y in dots_of(plot):
        assert left <= x <= left + width
        assert top <= y <= top + height
    assert len(plot.x_ticks) < 15
    assert len({tick.text for tick in plot.y_ticks}) == len(plot.y_ticks)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_and_evenly_spaced(low, size):
    values, _ = round_numbers(low, low + size)

    steps = {round((b - a) / size, 6) for a, b in pairwise(values)}
    assert 2 <= len(values) <= 9
    assert len(steps) <= 2  # by rounding
    assert all(low - size * 1e-6 <= value <= low + size * (1 + 1e-6) for value in values)


@given(ra, dec, st.floats(0, 20), st.floats(0, 359))
def test_offsets_are_those_of_astropy(ra, dec, distance, angle):
    middle = SkyCoord(ra, dec, unit="deg")
    other = middle.directional_offset_by(angle * u.deg, distance * u.deg)

    east, north = tangent((ra, dec), (other.ra.deg, other.dec.deg))

    radius = math.degrees(math.tan(math.radians(distance)))  # gnomonic
    assert east == pytest.approx(radius * math.sin(math.radians(angle)), abs=1e-6)
    assert north == pytest.approx(radius * math.cos(math.radians(angle)), abs=1e-6)
    assert separation((ra, dec), (other.ra.deg, other.dec.deg)) == pytest.approx(distance, abs=1e-6)


def test_places_around_zero_hours_lie_together_and_east_is_left():
    plot = sky([(359.9, 0.0), (0.1, 0.0)])

    west, east = dots_of(plot)
    assert east[0] < west[0]
    assert "[arcmin]" in plot.x_label
    assert plot.frame is not None


@given(ra, st.floats(-90, 90))
def test_the_whole_sky_lies_in_an_ellipse(ra, dec):
    x, y = hammer(ra, dec)

    assert (x / (2 * math.sqrt(2))) ** 2 + (y / math.sqrt(2)) ** 2 <= 1 + 1e-9


def test_places_all_around_are_drawn_on_the_whole_sky():
    plot = sky([(0, 0), (90, 60), (180, 0), (270, -60), (None, 3), (1, 95)])

    assert plot.frame is None
    assert (plot.n_points, plot.n_left_out) == (4, 2)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in dots_of(plot))


def test_without_numbers_nothing_is_drawn():
    for draw in (lambda: sky([(None, 1)]), lambda: scatter([(None, 1)], "x", "y")):
        with pytest.raises(NothingToDraw):
            draw()


def test_ticks_that_differ_little_are_written_out():
    plot = scatter([(1.00000001, 1), (1.00000009, 2)], "x", "y")

    assert len({tick.text for tick in plot.x_ticks}) == len(plot.x_ticks)


def test_one_value_has_a_place():
    axis = Axis([5.0], 0, 100)

    assert axis.place(5.0) == pytest.approx(50)
