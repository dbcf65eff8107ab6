"""Parts of the sky as cells of HEALPix (Górski et al. 2005, nested), and as MOCs, the lists of such cells (MOC 2.0)."""

import math

import numpy as np

ORDER = 6  # cells of 0.9 degrees, as fine as registries want them (VODataService 1.2, section 3.2)
LONGEST = 4000  # characters of a MOC; beyond it cells are coarser
STEP = 0.3  # degrees between points of a disc, less than half a cell
MOST_RINGS = 20


def cells_at(ra, dec, order=ORDER):
    """Return the cell that each place is in.

    Parameters
    ----------
    ra, dec : float64 array, shape (n,)
        In degrees.
    order : int
        Cells are ``4**order`` times as many as at order 0, where they are 12.

    Returns
    -------
    int64 array, shape (n,)
    """
    n = 1 << order
    height = np.sin(np.radians(dec))
    quarter = np.asarray(ra, dtype=float) % 360.0 / 90.0
    quarter[quarter >= 4] = 0.0
    face, x, y = np.where(
        np.abs(height) <= 2 / 3, _near_equator(n, height, quarter), _near_poles(n, height, quarter)
    )
    return face * n * n + _spread(x) + 2 * _spread(y)


def _near_equator(n, height, quarter):
    """Return face, and place in it along its two sides, where cells are rhombs of one width (section 5.1)."""
    rising = np.floor(n * (0.5 + quarter - 0.75 * height)).astype(np.int64)
    falling = np.floor(n * (0.5 + quarter + 0.75 * height)).astype(np.int64)
    up, down = rising // n, falling // n
    face = np.where(up == down, up % 4 + 4, np.where(up < down, up % 4, down % 4 + 8))
    return np.stack([face, falling % n, n - 1 - rising % n])


def _near_poles(n, height, quarter):
    """Return the same where cells grow narrow towards a pole."""
    face = np.minimum(quarter.astype(np.int64), 3)
    along, width = quarter - face, n * np.sqrt(3 * (1 - np.abs(height)))
    west = np.clip((along * width).astype(np.int64), 0, n - 1)
    east = np.clip(((1 - along) * width).astype(np.int64), 0, n - 1)
    north = height >= 0
    return np.stack(
        [
            np.where(north, face, face + 8),
            np.where(north, n - 1 - east, west),
            np.where(north, n - 1 - west, east),
        ]
    )


def _spread(number):
    """Return numbers with a zero before each of their bits."""
    found = np.zeros_like(number)
    for bit in range(30):  # as many as an order can have
        found |= (number >> bit & 1) << 2 * bit
    return found


def cells_in_disc(ra, dec, radius, order=ORDER):
    """Return the cells in which a disc has points, as a set; all in degrees."""
    rings = min(MOST_RINGS, max(1, math.ceil(radius / STEP)))
    distance = np.concatenate([[0.0], *(np.full(8 * k, radius * k / rings) for k in range(1, rings + 1))])
    bearing = np.concatenate([[0.0], *(np.arange(8 * k) * np.pi / (4 * k) for k in range(1, rings + 1))])
    distance, latitude = np.radians(distance), math.radians(dec)
    height = math.sin(latitude) * np.cos(distance) + math.cos(latitude) * np.sin(distance) * np.cos(bearing)
    height = np.clip(height, -1.0, 1.0)
    east = np.arctan2(
        np.sin(bearing) * np.sin(distance) * math.cos(latitude),
        np.cos(distance) - math.sin(latitude) * height,
    )
    return set(cells_at(ra + np.degrees(east), np.degrees(np.arcsin(height)), order).tolist())


def write_moc(cells, order=ORDER):
    """Return cells as a MOC: four cells that fill one of the order above become that one."""
    text = _written(set(cells), order)
    while len(text) > LONGEST and order:
        order -= 1
        cells = {cell >> 2 for cell in cells}
        text = _written(cells, order)
    return text


def _written(cells, order):
    parts = []
    while cells:
        full = {cell >> 2 for cell in cells if cell % 4 == 0 and {cell + 1, cell + 2, cell + 3} <= cells}
        full = full if order else set()
        alone = sorted(cell for cell in cells if cell >> 2 not in full or not order)
        if alone:
            parts.append(f"{order}/{','.join(_ranges(alone))}")
        cells, order = full, order - 1
    return " ".join(reversed(parts))


def _ranges(cells):
    """Yield runs of numbers, that go up, as texts."""
    breaks = [number for number in range(1, len(cells)) if cells[number] != cells[number - 1] + 1]
    for start, end in zip([0, *breaks], [*breaks, len(cells)], strict=True):
        first, last = cells[start], cells[end - 1]
        yield f"{first}-{last}" if last > first else f"{first}"


def read_moc(text, order=ORDER):
    """Return the cells of a MOC of ours."""
    cells = set()
    for part in text.split():
        own, _, numbers = part.partition("/")
        shift = 2 * (order - int(own))
        for one in numbers.split(","):
            first, _, last = one.partition("-")
            cells.update(range(int(first) << shift, (int(last or first) + 1) << shift))
    return cells
