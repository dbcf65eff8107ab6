"""Cells of HEALPix and lists of them: what follows from their definition."""

import numpy as np
import pytest

from vo.moc import LONGEST, cells_at, cells_in_disc, read_moc, write_moc


def vector(ra, dec):
    """Return unit vectors, of shape (3,) or (3, n)."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def sky(n, seed=3):
    """Return places spread evenly over the sky."""
    random = np.random.default_rng(seed)
    return random.uniform(0, 360, n), np.degrees(np.arcsin(random.uniform(-1, 1, n)))


def test_cells_are_equal_in_area_and_each_has_four_in_the_next_order():
    ra, dec = sky(200_000)
    fine = cells_at(ra, dec, 3)

    assert np.array_equal(fine >> 2, cells_at(ra, dec, 2))
    counts = np.bincount(fine, minlength=768)
    assert len(counts) == 768
    assert np.sum((counts - counts.mean()) ** 2 / counts.mean()) < 767 + 5 * np.sqrt(2 * 767)


@pytest.mark.parametrize(
    "disc", [(10.0, 20.0, 0.1), (0.0, 89.9, 2.0), (200.0, -40.0, 5.0), (359.9, 0.0, 1.5)]
)
def test_a_disc_has_the_cells_of_the_places_in_it(disc):
    ra, dec = sky(400_000)
    inside = vector(*disc[:2]) @ vector(ra, dec) >= np.cos(np.radians(0.97 * disc[2]))

    found = cells_in_disc(*disc)

    assert set(cells_at(ra[inside], dec[inside]).tolist()) <= found
    assert len(found) * 41252.96 / 49152 < np.pi * (disc[2] + 1.2) ** 2


def test_a_moc_joins_four_cells_and_is_read_back():
    assert write_moc(range(49152)) == "0/0-11"
    assert write_moc({0, 1, 2, 3, 4, 9}) == "5/0 6/4,9"
    assert write_moc({5, 6, 7, 100}) == "6/5-7,100"
    assert write_moc(set()) == ""
    some = set(np.random.default_rng(1).integers(20_000, 20_400, 300).tolist())
    assert read_moc(write_moc(some)) == some


def test_a_long_moc_is_made_coarser_and_still_covers():
    cells = set(cells_at(*sky(20_000)).tolist())
    text = write_moc(cells)

    assert len(text) <= LONGEST
    assert cells <= read_moc(text)
