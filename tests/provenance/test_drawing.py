"""The layout of a graph: all arrows lead to the right, away from what was asked about."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from provenance.drawing import HEIGHT, WIDTH, draw, layers_of
from provenance.graph import Cell, Lineage, Making


def downhill(pairs):
    """Turn pairs of numbers into edges without a cycle."""
    return [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_all_arrows_point_to_the_right(pairs):
    edges = downhill(pairs)
    nodes = list(range(13))

    layers = layers_of(nodes, edges)

    layer_of = {node: number for number, layer in enumerate(layers) for node in layer}
    assert sorted(layer_of) == nodes
    assert all(layer_of[one] < layer_of[other] for one, other in edges)


def test_boxes_lie_inside_and_apart():
    cells = {number: Cell(number, "cell", "t", 1, number, "c", "d") for number in range(1, 8)}
    run = Making("run-1", 1, "s", 1, 1)
    lineage = Lineage(
        [7], cells, {run.key: run}, [(run.key, n, "x") for n in range(1, 7)], [(run.key, 7, "y")], {}
    )

    drawing = draw(lineage)

    assert len(drawing.boxes) == 8
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - WIDTH
        assert 0 <= box.y <= drawing.height - HEIGHT
    column = sorted(box.y for box in drawing.boxes if box.x == min(box.x for box in drawing.boxes))
    assert all(lower - upper > HEIGHT for upper, lower in pairwise(column))


def test_nothing_gives_an_empty_drawing():
    assert draw(Lineage([], {}, {}, [], [], {})).boxes == []
