"""Measuring which part of the sky a published version covers, so that registries can tell."""

from itertools import islice

import numpy as np

from vo.moc import cells_at, cells_in_disc, write_moc
from vo.models import PublishedProduct
from vo.publishing.storage import BATCH, walk


def measure_coverage(version):
    """Keep with a version the cells of the sky that its rows and its images are in, and the place of one row.

    Yields after each part, which takes less than a second.
    """
    rows, place = set(), None
    for cells, first in _cells_of_rows(version):
        rows |= cells
        place = place or first
        yield
    images = _cells_of_images(version)
    coverage = {"sky": write_moc(rows | images), "images": write_moc(images), "place": place}
    version.coverage = {name: value for name, value in coverage.items() if value}
    version.save(update_fields=["coverage"])


def _cells_of_rows(version):
    """Yield the cells of rows, many at a time, and the place of the first of them."""
    for position in version.positions:
        ra, dec = position["ra"], position["dec"]
        found = walk(version, [ra, dec], -1, f'"{ra}" IS NOT NULL AND "{dec}" IS NOT NULL')
        while batch := list(islice(found, BATCH)):
            places = np.array(batch, dtype=float)[:, 1:]
            yield set(cells_at(*places.T).tolist()), places[0].tolist()


def _cells_of_images(version):
    images = version.products.filter(dataproduct_type__in=PublishedProduct.IN_OBSCORE, s_dec__isnull=False)
    cells = set()
    for ra, dec, width in images.values_list("s_ra", "s_dec", "s_fov").distinct().iterator():
        cells |= cells_in_disc(ra, dec, (width or 0) / 2)
    return cells
