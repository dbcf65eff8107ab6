"""Polygons, circles and points of each other, on both databases, beside slower geometry."""

import math

import numpy as np
import pytest

from tests.vo.adql.reference import in_triangle, vector


def ring(ra, dec, radius, angles):
    """Return corners at these position angles around a place: a convex polygon, as seen from there."""
    east = np.array([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0])
    middle = vector(ra, dec)
    north = np.cross(middle, east)
    corners = []
    for angle in angles:
        away = math.sin(math.radians(angle)) * east + math.cos(math.radians(angle)) * north
        x, y, z = math.cos(math.radians(radius)) * middle + math.sin(math.radians(radius)) * away
        corners.append((math.degrees(math.atan2(y, x)), math.degrees(math.asin(z))))
    return corners


def polygon(corners):
    return "POLYGON(" + ", ".join(f"{ra!r}, {dec!r}" for ra, dec in corners) + ")"


def holds(corners, ra, dec):
    """Say whether a convex polygon holds a place: one of its triangles does."""
    return any(in_triangle(ra, dec, (corners[0], *corners[i : i + 2])) for i in range(1, len(corners) - 1))


def value(sky, expression):
    return sky.ask(f"SELECT {expression} FROM other.stars")[0][0]


MIDDLES = [
    (10, 20, 3),
    (0, 0, 40),
    (359.99, -5, 0.001),
    (200, 90, 10),
    (33, -88, 5),
    (180, 45, 80),
    (77, 12, 1e-5),
]


@pytest.mark.parametrize(("ra", "dec", "radius"), MIDDLES)
def test_a_polygon_holds_what_its_triangles_hold_whichever_way_round(sky, ra, dec, radius):
    rng = np.random.default_rng(5)
    corners = ring(ra, dec, radius, sorted(rng.uniform(0, 360, 7)))
    places = [
        ring(ra, dec, radius * share, [angle])[0]
        for share in (0.2, 0.7, 0.95, 1.05)
        for angle in range(0, 360, 17)
    ]
    places += [((ra + 180) % 360, -dec), (ra, -dec)]
    expected = [int(holds(corners, *place)) for place in places]

    for turned in (corners, corners[::-1], corners[3:] + corners[:3]):
        tests = ", ".join(f"CONTAINS(POINT({x!r}, {y!r}), {polygon(turned)})" for x, y in places)

        assert [int(each) for each in sky.ask(f"SELECT {tests} FROM other.stars")[0]] == expected


@pytest.mark.parametrize(("ra", "dec", "radius"), [middle for middle in MIDDLES if middle[2] < 80])
def test_the_area_of_a_polygon_is_its_angles_less_those_of_a_flat_one(sky, ra, dec, radius):
    corners = ring(ra, dec, radius, [10, 80, 170, 200, 300])
    angles = 0.0
    for i in range(5):
        before, here, after = (vector(*corners[(i + step) % 5]) for step in (-1, 0, 1))
        one, other = np.cross(here, before), np.cross(here, after)
        angles += math.atan2(np.linalg.norm(np.cross(one, other)), np.dot(one, other))
    expected = math.degrees(1) ** 2 * (angles - 3 * math.pi)

    assert value(sky, f"AREA({polygon(corners)})") == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("turn", [0, 45, 117, 200])
def test_the_centroid_of_a_regular_polygon_is_its_middle(sky, turn):
    corners = ring(turn, 80, 20, [turn + angle for angle in (0, 72, 144, 216, 288)])

    ra, dec = (value(sky, f"COORD{n}(CENTROID({polygon(corners)}))") for n in (1, 2))

    assert (ra - turn + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
    assert dec == pytest.approx(80, abs=1e-9)


SQUARE = "POLYGON(0, 0, 4, 0, 4, 4, 0, 4)"
TWO_SHAPES = {  # contains, intersects
    ("POINT(1, 1)", SQUARE): (1, 1),
    ("POINT(0, 2)", SQUARE): (1, 1),
    ("POINT(5, 1)", SQUARE): (0, 0),
    (SQUARE, "POINT(1, 1)"): (0, 1),
    ("POINT(1, 1)", "POINT(1, 1)"): (1, 1),
    ("POINT(1, 1)", "POINT(1, 1.00001)"): (0, 0),
    ("POINT(361, 1)", "CIRCLE(1, 1, 1e-9)"): (1, 1),
    ("CIRCLE(2, 2, 1.9)", SQUARE): (1, 1),
    ("CIRCLE(2, 2, 2.1)", SQUARE): (0, 1),
    ("CIRCLE(2, 2, 60)", SQUARE): (0, 1),
    ("CIRCLE(5, 2, 0.9)", SQUARE): (0, 0),
    ("CIRCLE(5, 2, 1.1)", SQUARE): (0, 1),
    (SQUARE, "CIRCLE(2, 2, 3)"): (1, 1),
    (SQUARE, "CIRCLE(2, 2, 2.5)"): (0, 1),
    (SQUARE, "CIRCLE(182, -2, 5)"): (0, 0),
    ("CIRCLE(0, 0, 1)", "CIRCLE(359, 0, 2.1)"): (1, 1),
    ("CIRCLE(0, 0, 1)", "CIRCLE(358, 0, 2.1)"): (0, 1),
    ("CIRCLE(0, 0, 1)", "CIRCLE(355, 0, 2.1)"): (0, 0),
    ("CIRCLE(0, 89, 3)", "CIRCLE(180, 89, 5.1)"): (1, 1),
    ("CIRCLE(0, 0, 100)", "CIRCLE(180, 0, 70)"): (0, 0),
    ("POLYGON(1, 1, 2, 1, 2, 2)", SQUARE): (1, 1),
    (SQUARE, "POLYGON(1, 1, 2, 1, 2, 2)"): (0, 1),
    ("POLYGON(3, 1, 6, 1, 6, 2)", SQUARE): (0, 1),
    ("POLYGON(-1, 1, 6, 1, 6, 2, -1, 2)", SQUARE): (0, 1),
    ("POLYGON(5, 1, 6, 1, 6, 2)", SQUARE): (0, 0),
    ("POLYGON(181, -1, 182, -1, 182, -2)", SQUARE): (0, 0),
    ("POLYGON(0, 80, 120, 80, 240, 80)", "CIRCLE(0, 90, 11)"): (1, 1),
    ("BOX(2, 2, 1, 1)", SQUARE): (1, 1),
    ("REGION('Circle ICRS 2 2 1')", SQUARE): (1, 1),
    # an L: the notch is outside
    ("POINT(3, 3)", "POLYGON(0, 0, 4, 0, 4, 2, 2, 2, 2, 4, 0, 4)"): (0, 0),
    ("CIRCLE(3, 3, 0.9)", "POLYGON(0, 0, 4, 0, 4, 2, 2, 2, 2, 4, 0, 4)"): (0, 0),
    ("BOX(3, 3, 1, 1)", "POLYGON(0, 0, 4, 0, 4, 2, 2, 2, 2, 4, 0, 4)"): (0, 0),
    ("POLYGON(0.5, 3, 3, 0.5, 3.2, 0.5, 0.5, 3.2)", "POLYGON(0, 0, 4, 0, 4, 2, 2, 2, 2, 4, 0, 4)"): (1, 1),
    ("POLYGON(0.5, 3.9, 3.9, 0.5, 3.9, 1, 1, 3.9)", "POLYGON(0, 0, 4, 0, 4, 2, 2, 2, 2, 4, 0, 4)"): (0, 1),
}


@pytest.mark.parametrize("pair", TWO_SHAPES, ids=" and ".join)
def test_two_shapes(sky, pair):
    one, other = pair
    inside, meeting = TWO_SHAPES[pair]

    answer = sky.ask(
        f"SELECT CONTAINS({one}, {other}), INTERSECTS({one}, {other}), INTERSECTS({other}, {one}) FROM other.stars"
    )

    assert [tuple(map(int, row)) for row in answer] == [(inside, meeting, meeting)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "circle",
        "circle 1 2",
        "circle 1 2 -3",
        "circle nan 2 1",
        "circle 1 2 inf",
        "circle 1 2 181",
        "point 1 91",
        "square 1 2 3",
        "polygon 1 2 3 4",
        "polygon 1 2 3 4 5",
        "polygon 0 0 120 0 240 0",
        "circle 1 2 1e999",
        "point 1e99 2",
    ],
)
def test_a_text_that_is_no_shape_has_no_answers(sky, text):

    sky.connection.cursor().execute(f"UPDATE data_1 SET footprint = '{text}' WHERE id = 299")

    answer = sky.ask(
        "SELECT CONTAINS(POINT(1, 2), footprint), INTERSECTS(CIRCLE(1, 2, 3), footprint), AREA(footprint), "
        "CENTROID(footprint), CONTAINS(footprint, CIRCLE(1, 2, 3)) FROM survey.stars WHERE id = 299"
    )

    assert answer == [(None,) * 5]


def test_shapes_of_columns_that_are_none_have_no_answers(sky):
    answer = sky.ask(
        "SELECT CIRCLE(ra, dec, -id), POINT(ra, 90 + id), POLYGON(ra, 91, 1, 2, 3, id), AREA(CIRCLE(ra, dec, n)), "
        "CONTAINS(POINT(ra, dec + 200), CIRCLE(1, 2, 3)) FROM survey.stars WHERE id = 6"
    )

    assert answer == [(None,) * 5]
