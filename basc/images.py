"""Dirty maps and their beams: where files and units end and plain arrays begin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS

from basc import errors
from basc.reading import read_plane

SMALLEST_BOX = 8
SPOILED_REACH = 3  # pixels round a blank one in which interpolated values are not to be trusted


@dataclass(frozen=True, eq=False)
class DirtyMap:
    """One plane of an interferometer's dirty map, with the dirty beam made together with it.

    Both must come from natural weights and the same gridding, and the map must not be corrected for the
    primary beam: then, and only then, Eq. (1) of `basc` is exact.

    Parameters
    ----------
    data : array_like, shape (rows, columns)
        Dirty map in Jy/beam. NaN where there is nothing; such pixels are not searched.
    beam : array_like, shape (beam_rows, beam_columns)
        Dirty beam, peaking at its central pixel ``(beam_rows // 2, beam_columns // 2)``; scaled to 1 there.
        It covers a searched area of half its size on each axis.
    primary_beam : array_like, shape (rows, columns), optional
        Response relative to the pointing centre; default 1 everywhere. NaN, zero or negative outskirts are
        not searched.
    noise : float, optional
        Standard deviation of a pixel, in Jy/beam. Default: measured from the map.
    wcs : `astropy.wcs.WCS`, optional
        Of the map; celestial, two axes. Without it sources have no ra and dec.
    search : pair of slices (rows, columns), optional
        Area to be searched. Default: as much about the map's centre as the beam covers.
    meta : dict, optional
        What the file says about itself: object, frequency, date.
    mask : bool array, shape (rows, columns), optional
        True where no source is to be looked for. Unlike NaN, the map there still counts for its neighbours.
    frequency : float, optional
        In Hz; needed where several channels are characterised together.

    Raises
    ------
    BascError
        Its subclasses in `basc.errors` name what is wrong, with numbers and the remedy.
    """

    data: np.ndarray
    beam: np.ndarray
    primary_beam: np.ndarray | None = None
    noise: float | None = None
    wcs: WCS | None = field(default=None, repr=False)
    search: tuple[slice, slice] = None  # type: ignore[assignment]  # found on construction if not given
    meta: dict = field(default_factory=dict)
    mask: np.ndarray | None = None
    frequency: float | None = None

    # Found on construction.
    searchable: np.ndarray = field(init=False, repr=False)
    precision: float = field(init=False, repr=False)

    def __post_init__(self):
        data, beam = _plane("the map", self.data), _plane("the beam", self.beam)
        single = np.float32 in (np.asarray(self.data).dtype, np.asarray(self.beam).dtype)
        beam = _peaking_at_its_centre(beam)
        primary = None
        if self.primary_beam is not None:
            primary = _plane("the primary beam", self.primary_beam)
            if primary.shape != data.shape:
                raise errors.PrimaryBeamMismatch(data.shape, primary.shape)
        noise = self.noise
        if noise is not None and not (np.isfinite(noise) and noise > 0):
            raise errors.NoiseInvalid(noise)

        usable = np.isfinite(data)
        if not usable.any():
            raise errors.EmptyMap("has no finite pixel")
        box = _box(self.search, data.shape, beam.shape, usable)
        # The last bit of a 32-bit map or beam limits how well a bright source can be explained.
        object.__setattr__(self, "precision", float(np.finfo(np.float32).eps / 2) if single else 0.0)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "beam", beam)
        object.__setattr__(self, "primary_beam", primary)
        object.__setattr__(self, "noise", None if noise is None else float(noise))
        object.__setattr__(self, "search", box)
        object.__setattr__(self, "searchable", self._find_searchable(usable))

    @classmethod
    def from_fits(cls, map_file, psf_file, flux_file=None, *, noise=None, search=None):
        """Read a dirty map, its beam and, if there is one, its primary beam.

        Parameters
        ----------
        map_file, psf_file, flux_file : path or file object
            FITS images of two axes, or more of which all but two have length one.
        noise, search
            As for `DirtyMap`.

        Raises
        ------
        BascError
            `UnreadableFile`, `NotAnImage`, `WrongUnit`, `CellSizeMismatch`, and those of `DirtyMap`.
        """
        image, psf = read_plane(map_file), read_plane(psf_file)
        if image.unit.replace(" ", "").lower() not in ("jy/beam", "jybeam-1", "jy.beam-1", "jybeam^-1"):
            raise errors.WrongUnit(image.name, image.unit)
        if image.cell and psf.cell and not np.allclose(image.cell, psf.cell, rtol=1e-4, atol=0):
            raise errors.CellSizeMismatch(image.cell, psf.cell)
        flux = read_plane(flux_file).data if flux_file is not None else None
        return cls(
            image.data, psf.data, flux, noise, image.wcs, search, image.meta, frequency=image.frequency
        )

    @property
    def searched_data(self):
        """The searched part of the map, a view of shape (box_rows, box_columns)."""
        return self.data[self.search]

    @property
    def response(self):
        """Primary beam in the searched area, in (0, 1]; 0 where nothing is searched. Shape of the box."""
        response = 1.0 if self.primary_beam is None else self.primary_beam[self.search]
        return np.where(self.searchable, response, 0.0)

    def _find_searchable(self, usable):
        """Pixels of the box in which a source may be."""
        inside = ~_near_blank(~usable)[self.search]
        if self.mask is not None:
            if np.shape(self.mask) != self.data.shape:
                raise errors.MaskMismatch(self.data.shape, np.shape(self.mask))
            inside &= ~np.asarray(self.mask, bool)[self.search]
        values = self.searched_data[usable[self.search]]
        if not inside.any():
            raise errors.EmptyMap("has no searched pixel away from NaN")
        if np.ptp(values) == 0:
            raise errors.EmptyMap(f"is constant, {values[0]:g} Jy/beam in every searched pixel")
        if self.primary_beam is not None:
            with np.errstate(invalid="ignore"):
                blank = ~(self.primary_beam[self.search] > 0)
            holes = _enclosed(blank & inside)
            if holes.any():
                row, column = np.argwhere(holes)[0]
                rows, columns = self.search
                raise errors.PrimaryBeamHole(int(holes.sum()), row + rows.start, column + columns.start)
            inside &= ~blank
            if not inside.any():
                raise errors.EmptyMap("has no searched pixel with a positive primary beam")
        return inside


def core_axes(beam):
    """Axes of the Gaussian core of a beam: a 2x2 matrix whose columns are one sigma long, in pixels (x, y).

    Linear least squares of -ln B on the pixels above 0.35 about the peak, as imagers do.
    """
    centre = beam.shape[0] // 2, beam.shape[1] // 2
    down, right = (min(24, n) for n in centre)
    rows, columns = np.mgrid[-down:down, -right:right]
    core = beam[centre[0] - down : centre[0] + down, centre[1] - right : centre[1] + right]
    above = (core > 0.35) & ((rows != 0) | (columns != 0))
    # Strong sidelobes may rise above 0.35 too; the core is what lies near enough for its own area.
    above &= np.hypot(rows, columns) <= 1.8 * np.sqrt(max(above.sum(), 4) / np.pi)
    x, y, depth = columns[above], rows[above], -np.log(core[above])
    if len(depth) < 3:
        return np.eye(2) * 0.6
    (xx, xy, yy), *_ = np.linalg.lstsq(np.stack([x * x, x * y, y * y], axis=1), depth, rcond=None)
    curvature, directions = np.linalg.eigh([[xx, xy / 2], [xy / 2, yy]])
    return np.ascontiguousarray(directions / np.sqrt(2.0 * np.maximum(curvature, 1e-3)))


def _plane(name, array):
    """Two axes of float64, C-contiguous."""
    array = np.asarray(array)
    if array.ndim < 2 or any(n != 1 for n in array.shape[:-2]):
        raise errors.NotAnImage(name, array.shape)
    return np.ascontiguousarray(array.reshape(array.shape[-2:]), dtype=np.float64)


def _peaking_at_its_centre(beam):
    if not np.isfinite(beam).all():
        raise errors.BeamInvalid("has NaN or infinite pixels")
    centre = beam.shape[0] // 2, beam.shape[1] // 2
    peak = tuple(int(i) for i in np.unravel_index(np.argmax(beam), beam.shape))
    if beam[peak] <= 0:
        raise errors.BeamInvalid("has no positive pixel")
    if peak != centre:
        raise errors.BeamOffCentre(peak, centre)
    return beam / beam[centre]


def _box(search, map_shape, beam_shape, usable):
    """The searched slices, with whole numbers at both ends."""
    covered = tuple(n // 2 for n in beam_shape)
    if search is None:
        found = []
        for axis in (0, 1):
            seen = np.flatnonzero(usable.any(axis=1 - axis))
            length = min(covered[axis], map_shape[axis])
            start = (map_shape[axis] - length) // 2
            found.append(slice(max(start, int(seen[0])), min(start + length, int(seen[-1]) + 1)))
        box = found[0], found[1]
        if any(part.stop <= part.start for part in box):
            raise errors.EmptyMap("has no finite pixel in the area the beam covers")
    else:
        try:
            if any(part.step not in (None, 1) for part in search):
                raise ValueError
            rows, columns = search
            rows, columns = (
                slice(*s.indices(n)[:2]) for s, n in zip((rows, columns), map_shape, strict=True)
            )
            outside = any(s.stop is not None and s.stop > n for s, n in zip(search, map_shape, strict=True))
        except (AttributeError, TypeError, ValueError):
            raise errors.SearchBoxInvalid(search, map_shape) from None
        if outside:
            raise errors.SearchBoxInvalid(search, map_shape)
        box = (rows, columns)
    shape = tuple(part.stop - part.start for part in box)
    if min(shape) < SMALLEST_BOX:
        raise errors.SearchBoxInvalid(box, map_shape)
    if shape[0] > covered[0] or shape[1] > covered[1]:
        raise errors.BeamTooSmall(shape, beam_shape)
    return box


def _near_blank(blank):
    """Blank pixels and those within `SPOILED_REACH` of one, on either axis."""
    if not blank.any():
        return blank
    near = blank.copy()
    for axis in (0, 1):
        seed = near.copy()
        for step in range(1, SPOILED_REACH + 1):
            forward, backward = [slice(None)] * 2, [slice(None)] * 2
            forward[axis], backward[axis] = slice(step, None), slice(None, -step)
            near[tuple(forward)] |= seed[tuple(backward)]
            near[tuple(backward)] |= seed[tuple(forward)]
    return near


def _enclosed(blank):
    """Blank pixels with others on all four sides of them."""
    full = ~blank
    before = [np.logical_or.accumulate(full, axis=axis) for axis in (0, 1)]
    after = [np.flip(np.logical_or.accumulate(np.flip(full, axis), axis=axis), axis) for axis in (0, 1)]
    return blank & before[0] & before[1] & after[0] & after[1]
