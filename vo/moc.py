"""Parts of the sky as cells of HEALPix (Górski et al. 2005, nested), and as MOCs, the lists of such cells (MOC 2.0)."""

from astropy import units as u
from astropy_healpix.core import healpix_cone_search, lonlat_to_healpix

ORDER = 6  # cells of 0.9 degrees, as fine as registries want them (VODataService 1.2, section 3.2)
LONGEST = 4000  # characters of a MOC; beyond it cells are coarser


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
    return lonlat_to_healpix(ra * u.deg, dec * u.deg, 1 << order, order="nested")


def cells_in_disc(ra, dec, radius, order=ORDER):
    """Return the cells in which a disc has points, and perhaps some that touch it, as a set; all in degrees."""
    found = healpix_cone_search(ra * u.deg, dec * u.deg, radius * u.deg, 1 << order, order="nested")
    return set(found.tolist())


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
