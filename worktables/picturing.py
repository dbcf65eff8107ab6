"""Pictures of a worktable: the graph of a project's tables, and the sources drawn over a map."""

import dataclasses
import math
from collections import defaultdict
from itertools import pairwise

from worktables.models import Role
from worktables.showing import sexagesimal

# ------------------------------------------------------------------ the graph of a project

BOX_WIDTH, BOX_HEIGHT = 256, 92
GAP_ACROSS, GAP_DOWN, MARGIN = 112, 26, 10  # across, the longest word beside an arrow has room
BEND_HEIGHT = 12  # room of an arrow that passes a layer


@dataclasses.dataclass(eq=False)
class Box:
    """A table in the drawing; or, without a table, the place where an arrow passes a layer."""

    table: object
    layer: int
    fed_by: list = dataclasses.field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT
    order: float = 0.0


@dataclasses.dataclass
class Arrow:
    """A link in the drawing: a curve from the right side of one box to the left side of another, and its word."""

    link: object
    path: str
    head: str
    x: float
    y: float


@dataclasses.dataclass
class Drawing:
    """Boxes and arrows, and the size of the paper."""

    boxes: list
    arrows: list
    width: float
    height: float


def draw_graph(tables, links):
    """Lay out tables by layers, what feeds before what is fed.

    Parameters
    ----------
    tables : sequence
        With `pk`.
    links : sequence
        With `source_id` and `target_id`; those between other tables are left out.

    Returns
    -------
    Drawing
    """
    known = {table.pk for table in tables}
    links = [link for link in links if {link.source_id, link.target_id} <= known]
    depth = depths(tables, links)
    boxes = {table.pk: Box(table, depth[table.pk]) for table in tables}
    ways = {}
    passing = []
    for link in links:
        way = [boxes[link.source_id]]
        for layer in range(depth[link.source_id] + 1, depth[link.target_id]):
            way.append(Box(None, layer, height=BEND_HEIGHT))
            passing.append(way[-1])
        way.append(boxes[link.target_id])
        for before, after in pairwise(way):
            after.fed_by.append(before)
        ways[link.pk] = way
    n_layers = max(depth.values(), default=-1) + 1
    layers = [[box for box in [*boxes.values(), *passing] if box.layer == layer] for layer in range(n_layers)]
    height = place(layers)
    return Drawing(
        boxes=list(boxes.values()),
        arrows=[arrow(link, ways[link.pk], ways) for link in links],
        width=2 * MARGIN + n_layers * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS,
        height=height,
    )


def depths(tables, links):
    """Return {table id: layer}: a table stands after all that feed it, a source right before what it feeds."""
    sources, targets = defaultdict(list), defaultdict(list)
    for link in links:
        sources[link.target_id].append(link.source_id)
        targets[link.source_id].append(link.target_id)
    depth = {}

    def depth_of(pk, above):
        if pk not in depth:
            before = [one for one in sources[pk] if one not in above]
            depth[pk] = 1 + max((depth_of(one, {*above, one}) for one in before), default=-1)
        return depth[pk]

    for table in tables:
        depth_of(table.pk, {table.pk})
    for table in tables:
        if not sources[table.pk] and targets[table.pk]:
            depth[table.pk] = max(min(depth[one] for one in targets[table.pk]) - 1, 0)
    return depth


def place(layers):
    """Give every box its place, each layer in the order of what feeds it; return the height of the paper."""
    for layer in layers:
        for number, box in enumerate(layer):
            places = [before.order for before in box.fed_by]
            box.order = sum(places) / len(places) if places else number - (len(layer) - 1) / 2
        layer.sort(key=lambda box: box.order)
        for number, box in enumerate(layer):
            box.order = number - (len(layer) - 1) / 2
    tall = [sum(box.height + GAP_DOWN for box in layer) - GAP_DOWN for layer in layers]
    for across, layer in enumerate(layers):
        y = MARGIN + (max(tall) - tall[across]) / 2
        for box in layer:
            box.x, box.y = MARGIN + across * (BOX_WIDTH + GAP_ACROSS), y
            y += box.height + GAP_DOWN
    return 2 * MARGIN + max(tall, default=0)


def arrow(link, way, ways):
    """Return the arrow of a link through all the layers it passes."""
    path = ""
    for before, after in pairwise(way):
        x1, y1 = before.x + before.width, gate(before, link, ways, leaving=True)
        x2, y2 = after.x - (8 if after.table else 0), gate(after, link, ways, leaving=False)
        bend = (x2 - x1) / 2
        path += f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
        if after.table is None:
            path += f"h{after.width}"
    alone = sum(other[-1] is way[-1] for other in ways.values()) == 1
    # The word stands above in the upper half, so that two do not meet; alone, away from where the curve comes from.
    above = y1 >= y2 if alone else y2 <= way[-1].y + way[-1].height / 2
    head = f"{x2 - 1:g},{y2 - 4:g} {x2 + 8:g},{y2:g} {x2 - 1:g},{y2 + 4:g}"
    return Arrow(link, path, head, x2 - 2, y2 - 7 if above else y2 + 15)


def gate(box, link, ways, *, leaving):
    """Return the height at which an arrow leaves or enters a box: all of a side share it, without crossing."""
    if box.table is None:
        return box.y + box.height / 2
    end, other = (0, 1) if leaving else (-1, -2)
    mine = sorted((pk for pk, way in ways.items() if way[end] is box), key=lambda pk: ways[pk][other].y)
    return box.y + box.height * (mine.index(link.pk) + 1) / (len(mine) + 1)


# ------------------------------------------------------------------ sources over a map

AROUND = 1.35  # how much more than the sources the close view shows
LEAST_VIEW = 24  # pixels
CROWD = 15  # sources, beyond which their numbers are written smaller
ROUND_LENGTHS = (1, 2, 5)
BEAM_UCDS = {
    "major": "phys.angSize.smajAxis;instr.beam",
    "minor": "phys.angSize.sminAxis;instr.beam",
    "angle": "pos.posAng;instr.beam",
}


@dataclasses.dataclass
class Mark:
    """A source on the picture: where, how large the beam is there, and its number in the list."""

    number: int
    x: float
    y: float
    label_x: float
    label_y: float
    name: str


@dataclasses.dataclass
class Overlay:
    """What is drawn over a map, in its pixels from the top left corner."""

    width: int
    height: int
    view: tuple
    marks: list
    rx: float
    ry: float
    turn: float
    font: float
    beam: tuple | None = None
    bar: tuple | None = None

    @property
    def viewbox(self):
        """The part of the map that is seen, as SVG wants it."""
        return " ".join(f"{number:g}" for number in self.view)


def draw_overlay(geometry, items, beam=None, *, close=False):
    """Return what to draw over a map.

    Parameters
    ----------
    geometry : archive.thumbnails.Geometry
    items : list of dict
        Each with `x`, `y` (0-based pixels, the first row at the bottom) and perhaps a `name`.
    beam : dict, optional
        `major`, `minor` in arcsec (FWHM) and `angle` in degrees, north through east.
    close : bool
        Show the part of the map in which the sources lie.
    """
    placed = [
        (number, item)
        for number, item in enumerate(items, 1)
        if item.get("x") is not None and item.get("y") is not None
    ]
    points = [(item["x"] + 0.5, geometry.height - item["y"] - 0.5) for _, item in placed]
    view = view_of(geometry, points) if close and points else (0, 0, geometry.width, geometry.height)
    unit = view[2] / 100
    rx = ry = 2.2 * unit
    turn = 0.0
    shape = None
    if beam and geometry.cell and beam.get("major"):
        major, minor = (
            beam["major"] / geometry.cell / 2,
            (beam.get("minor") or beam["major"]) / geometry.cell / 2,
        )
        turn = -(beam.get("angle") or 0.0)
        shape = (major, minor, turn)
        if major > 1.1 * unit:
            rx, ry = minor, major
        else:
            turn = 0.0
    overlay = Overlay(
        geometry.width, geometry.height, view, [], rx, ry, turn, (3.1 if len(placed) <= CROWD else 2.1) * unit
    )
    for (number, item), (x, y) in zip(placed, points, strict=True):
        reach = max(rx, ry) + 0.6 * unit
        overlay.marks.append(
            Mark(number, x, y, x + reach * 0.75, y - reach * 0.75, str(item.get("name") or number))
        )
    if shape:
        edge = max(shape[0], shape[1]) + 3 * unit
        overlay.beam = (view[0] + view[2] - edge, view[1] + view[3] - edge, shape[1], shape[0], shape[2])
    if geometry.cell:
        overlay.bar = scale_bar(view, geometry.cell)
    return overlay


def view_of(geometry, points):
    """Return the square part of a map that holds these points with some air: left, top, width, height."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    side = max(max(xs) - min(xs), max(ys) - min(ys)) * AROUND + LEAST_VIEW
    side = min(side, geometry.width, geometry.height)
    left = min(max((max(xs) + min(xs) - side) / 2, 0), geometry.width - side)
    top = min(max((max(ys) + min(ys) - side) / 2, 0), geometry.height - side)
    return (round(left, 2), round(top, 2), round(side, 2), round(side, 2))


def scale_bar(view, cell):
    """Return a bar of a round length, about a quarter of the view: x, y, length in pixels, and what it says."""
    wanted = view[2] * cell / 4
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(one * power for one in ROUND_LENGTHS if one * power <= wanted)
    text = angle(length)
    return view[0] + view[2] * 0.04, view[1] + view[3] * 0.955, length / cell, text


def angle(arcsec):
    """Return an angle in the unit in which people say it."""
    if arcsec >= 7200:
        return f"{arcsec / 3600:.3g}°"
    if arcsec >= 120:
        return f"{arcsec / 60:.3g}′"
    if arcsec >= 0.1:
        return f"{arcsec:.3g}″"
    return f"{arcsec * 1000:.3g} mas"


def size_in_words(geometry):
    """Return the facts under a picture: pixels, size on the sky, centre, brightest pixel."""
    facts = [f"{geometry.width} × {geometry.height} pixels"]
    if geometry.tiles > 1:
        return [f"{geometry.tiles} pictures"]
    if geometry.cell:
        facts.append(f"{angle(geometry.width * geometry.cell)} × {angle(geometry.height * geometry.cell)}")
    if geometry.centre:
        facts.append(f"centre {sexagesimal(*geometry.centre)}")
    if geometry.peak is not None:
        facts.append(f"peak {geometry.peak:.4g} {geometry.unit}".strip())
    return facts


def beam_of(columns, cells):
    """Return the beam of a row, found by what its columns say they are, or None."""
    found = {}
    for column, value in zip(columns, cells, strict=True):
        for name, ucd in BEAM_UCDS.items():
            if column.ucd == ucd and column.role != Role.INPUT and value is not None:
                found[name] = value
    return found if "major" in found else None
