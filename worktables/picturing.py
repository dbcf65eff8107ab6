"""Pictures of a worktable: the graph of a project's tables, and the sources drawn over a map."""

import dataclasses
import math
from collections import defaultdict

from worktables.models import Role
from worktables.showing import sexagesimal

# ------------------------------------------------------------------ the graph of a project

BOX_WIDTH, BOX_HEIGHT = 232, 92
GAP_ACROSS, GAP_DOWN, MARGIN = 104, 26, 10


@dataclasses.dataclass
class Box:
    """A table in the drawing."""

    table: object
    x: float
    y: float
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT


@dataclasses.dataclass
class Arrow:
    """A link in the drawing: a curve from the right side of one box to the left side of another."""

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
    columns = layers(tables, links)
    tallest = max((len(column) for column in columns), default=0)
    boxes = {}
    for across, column in enumerate(columns):
        indent = (tallest - len(column)) * (BOX_HEIGHT + GAP_DOWN) / 2
        for down, table in enumerate(column):
            x = MARGIN + across * (BOX_WIDTH + GAP_ACROSS)
            boxes[table.pk] = Box(table, x, MARGIN + indent + down * (BOX_HEIGHT + GAP_DOWN))
    return Drawing(
        boxes=list(boxes.values()),
        arrows=arrows_between(boxes, links),
        width=2 * MARGIN + len(columns) * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS,
        height=2 * MARGIN + tallest * (BOX_HEIGHT + GAP_DOWN) - GAP_DOWN,
    )


def layers(tables, links):
    """Return the tables in columns: each after all that feed it, near the middle of them."""
    sources = defaultdict(list)
    for link in links:
        sources[link.target_id].append(link.source_id)
    depth = {}

    def depth_of(pk, above=()):
        if pk not in depth:
            before = [one for one in sources[pk] if one not in above and one != pk]
            depth[pk] = 1 + max((depth_of(one, (*above, pk)) for one in before), default=-1)
        return depth[pk]

    for table in tables:
        depth_of(table.pk)
    fed = {link.source_id: min(depth[one.target_id] for one in links if one.source_id == link.source_id)
           for link in links}  # fmt: skip
    for table in tables:  # what feeds others, and is fed by nobody, stands right before them
        if not sources[table.pk] and table.pk in fed:
            depth[table.pk] = max(fed[table.pk] - 1, 0)
    columns = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    place = {}
    for table in sorted(tables, key=lambda table: depth[table.pk]):
        columns[depth[table.pk]].append(table)
    for column in columns:
        column.sort(key=lambda table: _middle([place.get(one, 0) for one in sources[table.pk]]))
        for number, table in enumerate(column):
            place[table.pk] = number - (len(column) - 1) / 2
    return columns


def _middle(places):
    return sum(places) / len(places) if places else 0


def arrows_between(boxes, links):
    """Return the arrows of all links, those of one box spread along its side."""
    leaving, arriving = defaultdict(list), defaultdict(list)
    for link in sorted(links, key=lambda link: boxes[link.target_id].y):
        leaving[link.source_id].append(link)
    for link in sorted(links, key=lambda link: boxes[link.source_id].y):
        arriving[link.target_id].append(link)
    found = []
    for link in links:
        source, target = boxes[link.source_id], boxes[link.target_id]
        y1 = source.y + _share(leaving[link.source_id], link) * source.height
        y2 = target.y + _share(arriving[link.target_id], link) * target.height
        x1, x2 = source.x + source.width, target.x - 8
        bend = max(abs(x2 - x1) / 2, 40)
        path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
        head = f"{x2 - 1:g},{y2 - 4:g} {x2 + 8:g},{y2:g} {x2 - 1:g},{y2 + 4:g}"
        found.append(Arrow(link, path, head, x2 - 52, y2 - 6 if y2 <= y1 else y2 + 14))
    return found


def _share(links, link):
    return (links.index(link) + 1) / (len(links) + 1)


# ------------------------------------------------------------------ sources over a map

AROUND = 1.35  # how much more than the sources the close view shows
LEAST_VIEW = 24  # pixels
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
    overlay = Overlay(geometry.width, geometry.height, view, [], rx, ry, turn, 3.1 * unit)
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
