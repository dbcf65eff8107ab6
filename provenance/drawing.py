"""A lineage as a drawing, in layers: what was asked about stands on the left, all arrows lead away from it. Pure."""

import dataclasses
from collections import defaultdict

from provenance.graph import Cell, Lineage, Making

WIDTH, HEIGHT = 184, 46
ACROSS, DOWN = 44, 14
MARGIN = 8
LETTERS = 25
SWEEPS = 4


@dataclasses.dataclass
class Box:
    """A cell or a run, and where it stands."""

    node: Cell | Making
    title: str
    note: str
    x: float
    y: float
    is_run: bool
    is_start: bool

    @property
    def middle(self):
        """Where the words start, and on which lines."""
        return self.x + 10, self.y + 19, self.y + 36


@dataclasses.dataclass
class Drawing:
    """Boxes and the paths between them, in pixels."""

    width: float
    height: float
    boxes: list[Box]
    paths: list[str]
    box_width: int = WIDTH
    box_height: int = HEIGHT


def draw(lineage: Lineage) -> Drawing:
    """Place the cells and runs of a lineage: each to the right of what leads to it.

    Backwards, arrows point to what something was made from, as relations of provenance do; forwards to what was made.
    """
    nodes: dict = {**lineage.cells, **lineage.makings}
    edges = [(one, other) for one, other in lineage.edges() if one in nodes and other in nodes]
    if lineage.direction == "back":
        edges = [(other, one) for one, other in edges]
    layers = in_order(layers_of(list(nodes), edges), edges)
    tallest = max((len(layer) for layer in layers), default=0)
    full = tallest * (HEIGHT + DOWN) - DOWN
    at: dict = {}
    for number, layer in enumerate(layers):
        top = MARGIN + (full - (len(layer) * (HEIGHT + DOWN) - DOWN)) / 2
        for place, node in enumerate(layer):
            at[node] = (MARGIN + number * (WIDTH + ACROSS), top + place * (HEIGHT + DOWN))
    boxes = [_box(nodes[node], *at[node], node in lineage.starts) for layer in layers for node in layer]
    paths = [_path(at[one], at[other]) for one, other in edges]
    width = 2 * MARGIN + len(layers) * (WIDTH + ACROSS) - ACROSS
    return Drawing(max(width, 2 * MARGIN), max(full, 0) + 2 * MARGIN, boxes, paths)


def layers_of(nodes: list, edges: list) -> list[list]:
    """Return the nodes in layers: each right of all that lead to it, and no further than it must be."""
    after = defaultdict(list)
    before: dict = defaultdict(int)
    for one, other in edges:
        after[one].append(other)
        before[other] += 1
    ready = [node for node in nodes if not before[node]]
    layer_of = dict.fromkeys(ready, 0)
    while ready:
        node = ready.pop()
        for other in after[node]:
            layer_of[other] = max(layer_of.get(other, 0), layer_of[node] + 1)
            before[other] -= 1
            if not before[other]:
                ready.append(other)
    layers: list[list] = [[] for _ in range(1 + max(layer_of.values(), default=-1))]
    for node in nodes:
        layers[layer_of[node]].append(node)
    return layers


def in_order(layers: list[list], edges: list) -> list[list]:
    """Order each layer by the mean place of its neighbours, there and back a few times: fewer crossings."""
    near = defaultdict(list)
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    for sweep in range(SWEEPS):
        place = {node: _relative(number, layer) for layer in layers for number, node in enumerate(layer)}
        walk = layers if sweep % 2 else layers[::-1]
        for layer in walk:
            layer.sort(key=lambda node: _mean([place[other] for other in near[node]], place[node]))
            place |= {node: _relative(number, layer) for number, node in enumerate(layer)}
    return layers


def _relative(number, layer):
    return (number + 0.5) / len(layer)


def _mean(values, otherwise):
    return sum(values) / len(values) if values else otherwise


def _box(node, x, y, is_start):
    is_run = isinstance(node, Making)
    if not node.visible:
        title, note = node.label, ""
    elif is_run:
        title, note = node.step, f"{'reused run' if node.reused else 'run'} {node.run_id or ''}".strip()
    elif node.kind == "collection":
        title, note = f"{node.table}.{node.column}", f"{node.n} values"
    else:
        title, note = node.label, node.value if node.present or node.value else "a former value"
    return Box(node, _short(title), _short(note), x, y, is_run, is_start)


def _short(text):
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _path(one, other):
    x1, y1 = one[0] + WIDTH, one[1] + HEIGHT / 2
    x2, y2 = other[0], other[1] + HEIGHT / 2
    bend = (x2 - x1) / 2
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
