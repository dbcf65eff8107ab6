"""Graphs whose arrows go one way and miss the boxes; sources drawn where they are."""

from types import SimpleNamespace

import pytest

from archive.thumbnails import Geometry
from worktables.picturing import angle, draw_graph, draw_overlay


def tables(*names):
    return [SimpleNamespace(pk=name) for name in names]


def link(source, target):
    return SimpleNamespace(pk=(source, target), source_id=source, target_id=target)


def test_what_feeds_stands_left_of_what_is_fed_and_boxes_do_not_touch():
    links = [link("obs", "src"), link("cat", "src"), link("src", "counts"), link("obs", "counts")]

    drawing = draw_graph(tables("obs", "src", "cat", "counts"), links)

    place = {box.table.pk: box for box in drawing.boxes}
    assert place["obs"].x == place["cat"].x < place["src"].x < place["counts"].x
    boxes = drawing.boxes
    for one in boxes:
        assert one.x + one.width <= drawing.width
        assert one.y + one.height <= drawing.height
        for other in boxes:
            apart = one is other or abs(one.x - other.x) >= one.width or abs(one.y - other.y) >= one.height
            assert apart


def test_an_arrow_over_a_layer_has_a_lane_of_its_own():
    links = [link("a", "b"), link("b", "c"), link("a", "c")]

    drawing = draw_graph(tables("a", "b", "c"), links)

    box = next(box for box in drawing.boxes if box.table.pk == "b")
    long = next(arrow for arrow in drawing.arrows if arrow.link.pk == ("a", "c"))
    lane = float(long.path.split("h")[0].split()[-1])
    assert not box.y <= lane <= box.y + box.height


@pytest.mark.parametrize(("feeds", "below"), [("first", True), ("second", False)])
def test_the_word_of_a_lonely_arrow_keeps_off_its_curve(feeds, below):
    """The curve comes down to the box from the first table, and up from the second: the word is on the other side."""
    drawing = draw_graph(tables("first", "second", "fed"), [link(feeds, "fed")])

    (arrow,) = drawing.arrows
    end = float(arrow.path.split()[-1])
    start = float(arrow.path.split()[1].split("C")[0])
    assert (start < end) is below
    assert (arrow.y > end) is below


def test_links_to_tables_one_does_not_see_and_cycles_break_nothing():
    assert draw_graph([], []).boxes == []
    assert draw_graph(tables("a"), [link("a", "hidden")]).arrows == []
    assert len(draw_graph(tables("a", "b"), [link("a", "b"), link("b", "a")]).boxes) == 2


MAP = Geometry(width=200, height=100, cell=0.1, centre=(10.0, 5.0))


def test_a_source_lies_on_its_pixel_counted_from_the_lower_left():
    overlay = draw_overlay(MAP, [{"x": 0, "y": 0}, {"x": 199, "y": 99}, {"x": None, "y": 1}])

    assert [(mark.number, mark.x, mark.y) for mark in overlay.marks] == [(1, 0.5, 99.5), (2, 199.5, 0.5)]
    assert overlay.viewbox == "0 0 200 100"


def test_the_close_view_holds_all_sources_and_stays_on_the_map():
    overlay = draw_overlay(MAP, [{"x": 150, "y": 90}, {"x": 190, "y": 95}], close=True)

    left, top, width, height = overlay.view
    assert all(left < mark.x < left + width and top < mark.y < top + height for mark in overlay.marks)
    assert left >= 0
    assert top >= 0
    assert left + width <= 200
    assert top + height <= 100


def test_the_beam_has_its_size_on_the_map_and_the_bar_a_round_length():
    overlay = draw_overlay(MAP, [{"x": 10, "y": 10}], {"major": 2.0, "minor": 1.0, "angle": 30.0})

    _, _, rx, ry, turn = overlay.beam
    assert (rx, ry, turn) == (5.0, 10.0, -30.0)
    assert overlay.bar[2:] == (50.0, "5″")


@pytest.mark.parametrize(
    ("arcsec", "text"), [(7200, "2°"), (180, "3′"), (10, "10″"), (0.5, "0.5″"), (0.02, "20 mas")]
)
def test_angles_are_said_in_their_unit(arcsec, text):
    assert angle(arcsec) == text
