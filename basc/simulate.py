"""A small interferometer: earth-rotation synthesis, natural weights, and the noise that goes with them.

Everything is done on the cells of one uv grid. Visibilities of a source are summed at the centre of each
occupied cell, so the dirty map, the dirty beam and the noise obey Eq. (1) of `basc` exactly, at any
sub-pixel position: what the simulator writes is what the likelihood assumes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable

from basc.images import core_axes
from basc.reading import celestial_of

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class Array:
    """Antennas on the ground, and how long they follow a field.

    Parameters
    ----------
    east, north : float64 array, shape (n,)
        Antenna positions; only their ratios matter, `observe` scales them to the wanted beam.
    latitude : float
        Of the observatory, in degrees.
    hours : float
        Length of the track, centred on transit.
    integrations : int
        Number of visibilities per baseline along the track.
    """

    east: np.ndarray
    north: np.ndarray
    latitude: float = -23.02
    hours: float = 0.2
    integrations: int = 12

    @classmethod
    def spiral(cls, n_antennas=40, **track):
        """Antennas on a sunflower spiral, slightly out of place: low sidelobes, and the same every time."""
        number = np.arange(n_antennas)
        out_of_place = np.random.default_rng(20).normal(scale=0.06, size=(2, n_antennas))
        radius = (number + 0.5) / n_antennas
        angle = number * np.pi * (3.0 - np.sqrt(5.0))
        return cls(
            radius * np.cos(angle) + out_of_place[0], radius * np.sin(angle) + out_of_place[1], **track
        )

    def baselines(self, declination):
        """Projected baselines during the track, (u, v), each of shape (n_visibilities,), in array lengths.

        Thompson, Moran & Swenson, *Interferometry and Synthesis*, Eq. 4.1, for a flat array.
        """
        first, second = np.triu_indices(len(self.east), k=1)
        east, north = self.east[second] - self.east[first], self.north[second] - self.north[first]
        latitude, dec = np.radians(self.latitude), np.radians(declination)
        x, y, z = -north * np.sin(latitude), east, north * np.cos(latitude)
        hour_angle = np.radians(7.5 * self.hours * np.linspace(-1.0, 1.0, self.integrations))[:, None]
        along_u = x * np.sin(hour_angle) + y * np.cos(hour_angle)
        along_v = -np.sin(dec) * (x * np.cos(hour_angle) - y * np.sin(hour_angle)) + z * np.cos(dec)
        return along_u.ravel(), along_v.ravel()


@dataclass(frozen=True)
class SimulatedField:
    """What the array saw, and what was really there.

    Attributes
    ----------
    dirty, beam, primary_beam : float64 arrays, shape (pixels, pixels)
        Dirty map in Jy/beam, dirty beam (1 at pixel ``pixels // 2``), primary beam (1 at the pointing).
        The beam covers all differences within the inner half of the map.
    noise : float
        Of every pixel of the dirty map, in Jy/beam.
    header : `astropy.io.fits.Header`
        As CASA writes it, with four axes.
    sources : `astropy.table.QTable`
        The truth: x, y (0-based pixels), ra, dec, flux (apparent), flux_intrinsic.
    cells_u, cells_v, weights, visibilities : arrays, shape (n_cells,)
        Occupied uv cells, as integer cycles per map; the sum of weights in each, in 1/Jy^2; and the mean
        visibility measured there, in Jy (complex).
    """

    dirty: np.ndarray
    beam: np.ndarray
    primary_beam: np.ndarray
    noise: float
    header: fits.Header
    sources: QTable
    cells_u: np.ndarray = field(repr=False)
    cells_v: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    visibilities: np.ndarray = field(repr=False)

    @property
    def wcs(self):
        """The celestial coordinates of the map, a two-dimensional `~astropy.wcs.WCS`."""
        return celestial_of(self.header)

    @property
    def searchable(self):
        """Slices (rows, columns) of the inner half, which the beam covers."""
        pixels = len(self.dirty)
        inner = slice(pixels // 4, pixels // 4 + pixels // 2)
        return inner, inner


def observe(
    sources,
    *,
    rng,
    array=None,
    pixels=256,
    beam_fwhm=6.0,
    noise=1e-3,
    primary_beam_fwhm=None,
    ra=83.6,
    dec=-5.4,
    cell=0.05,
    frequency=100e9,
    name="SIMULATED",
    date="2020-01-01T00:00:00.0",
    shapes=None,
):
    """Look at sources with an interferometer.

    Parameters
    ----------
    sources : array_like, shape (n, 3)
        x, y (0-based pixels of the map, need not be whole) and intrinsic flux density in Jy. May be empty.
    rng : `numpy.random.Generator`
        For the noise, and for nothing else.
    array : Array, optional
        Default: ``Array.spiral()``.
    pixels : int
        Side of the square images, even; the inner half can be searched with this beam.
    beam_fwhm : float
        Wanted width of the dirty beam's core, in pixels (geometric mean of its axes).
    noise : float
        Standard deviation of each pixel of the dirty map, in Jy/beam; 0 for none. In that case the
        weights are those of 1 Jy/beam.
    primary_beam_fwhm : float, optional
        In pixels; by default 1.2 times the side of the inner half. `numpy.inf` for a flat one.
    ra, dec : float
        Of the pointing, in degrees: the pixel (pixels // 2, pixels // 2).
    cell : float
        Side of a pixel, in arcsec.
    frequency : float
        In Hz; goes to the header only.
    name, date : str
        OBJECT and DATE-OBS.
    shapes : array_like, shape (n, 3), optional
        Of elliptical Gaussian sources: major and minor axis (FWHM, pixels; 0 for a point), and position angle of the
        major axis (degrees from up through left, which is north through east). Default: points.

    Returns
    -------
    SimulatedField
        The same for the same arguments and the same state of `rng`.
    """
    sources = np.asarray(sources, dtype=float).reshape(-1, 3)
    if pixels % 2 or pixels < 16:
        raise ValueError(f"pixels is {pixels}; it must be even and at least 16")
    centre = pixels // 2
    primary_beam_fwhm = 0.6 * pixels if primary_beam_fwhm is None else primary_beam_fwhm
    x, y, intrinsic = sources.T
    apparent = intrinsic * _primary_beam(x - centre, y - centre, primary_beam_fwhm)

    cells_u, cells_v, share = _occupied_cells(array or Array.spiral(), dec, pixels, beam_fwhm)
    total_weight = 1.0 / noise**2 if noise > 0 else 1.0
    weights = share * total_weight

    # Weighted visibilities, times 1/W: sum over sources of f exp(-2 pi i u.x), then noise of variance w.
    phase = np.multiply.outer(cells_u, x - centre) + np.multiply.outer(cells_v, y - centre)
    fringes = np.exp((-2j * np.pi / pixels) * phase)
    if shapes is not None:
        fringes *= _visibility_of_gaussians(cells_u, cells_v, shapes, pixels)
    visibilities = share * (fringes @ apparent)
    if noise > 0:
        thermal = rng.standard_normal((2, len(weights)))
        visibilities += np.sqrt(weights) / total_weight * (thermal[0] + 1j * thermal[1])

    beam = _image(cells_u, cells_v, share.astype(complex), pixels)
    offset = np.arange(pixels) - centre
    header = _header(pixels, ra, dec, cell, frequency, name, date, beam)
    return SimulatedField(
        dirty=_image(cells_u, cells_v, visibilities, pixels),
        beam=beam,
        primary_beam=_primary_beam(offset, offset[:, None], primary_beam_fwhm),
        noise=float(noise),
        header=header,
        sources=_truth(x, y, apparent, intrinsic, header),
        cells_u=cells_u,
        cells_v=cells_v,
        weights=weights,
        visibilities=visibilities / share,
    )


def observe_channels(sources, frequencies, *, rng, spectral_indices=None, noise=1e-3, **options):
    """Look at the same sources at several frequencies, with the same antennas.

    Parameters
    ----------
    sources : array_like, shape (n, 3)
        As for `observe`; the fluxes are those at the first frequency.
    frequencies : sequence of float
        In Hz. Beam and primary beam are as wide as `options` say at the first, and inversely proportional to frequency.
    rng : `numpy.random.Generator`
    spectral_indices : array_like, shape (n,), optional
        Flux is proportional to frequency to this power; default 0.
    noise : float or sequence of float
        One for all channels, or of each.
    options : dict
        See `observe`.

    Returns
    -------
    list of SimulatedField
    """
    sources = np.asarray(sources, dtype=float).reshape(-1, 3)
    indices = (
        np.zeros(len(sources)) if spectral_indices is None else np.asarray(spectral_indices, dtype=float)
    )
    first = frequencies[0]
    beam_fwhm, pixels = options.pop("beam_fwhm", 6.0), options.get("pixels", 256)
    primary = options.pop("primary_beam_fwhm", None) or 0.6 * pixels
    seen = []
    for frequency, each in zip(frequencies, np.broadcast_to(noise, len(frequencies)), strict=True):
        scaled = sources.copy()
        scaled[:, 2] *= (frequency / first) ** indices
        widths = {
            "beam_fwhm": beam_fwhm * first / frequency,
            "primary_beam_fwhm": primary * first / frequency,
        }
        seen.append(observe(scaled, rng=rng, noise=float(each), frequency=frequency, **widths, **options))
    return seen


def _visibility_of_gaussians(cells_u, cells_v, shapes, pixels):
    """What is left of a point's visibility in each cell, exp(-2 pi² u'Su): shape (cells, sources)."""
    major, minor, angle = np.asarray(shapes, dtype=float).reshape(-1, 3).T
    along = np.stack([-np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    across = np.stack([along[1], -along[0]])
    baselines = np.stack([cells_u, cells_v], axis=1) / pixels
    widths = np.square(baselines @ along * major) + np.square(baselines @ across * minor)
    return np.exp(-2.0 * np.square(np.pi / FWHM_PER_SIGMA) * widths)


def write_fits(simulated, folder, stem):
    """Write `<stem>.dirty.fits`, `<stem>.psf.fits` and `<stem>.flux.fits`, as CASA exports them.

    Parameters
    ----------
    simulated : SimulatedField
    folder : path
        Made if absent.
    stem : str

    Returns
    -------
    dict of str to `pathlib.Path`
        Under ``"dirty"``, ``"psf"`` and ``"flux"``. Four axes, 32 bit; the bytes depend on the field only.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, image, unit in (
        ("dirty", simulated.dirty, "Jy/beam"),
        ("psf", simulated.beam, "Jy/beam"),
        ("flux", simulated.primary_beam, ""),
    ):
        header = simulated.header.copy()
        header["BUNIT"] = unit
        paths[kind] = folder / f"{stem}.{kind}.fits"
        plane = image[np.newaxis, np.newaxis].astype(np.float32)
        fits.PrimaryHDU(plane, header).writeto(paths[kind], overwrite=True)
    return paths


def _occupied_cells(array, declination, pixels, beam_fwhm):
    """The uv cells with data, as whole cycles per map, and the fraction of the visibilities in each."""
    along_u, along_v = array.baselines(declination)
    # A Gaussian of this width has the curvature of the beam's core: -B'' = (2 pi / pixels)^2 <u^2>.
    moments = np.cov(np.stack([along_u, along_v]), bias=True)
    moments += np.outer([along_u.mean(), along_v.mean()], [along_u.mean(), along_v.mean()])
    wanted = FWHM_PER_SIGMA * pixels / (2.0 * np.pi * beam_fwhm)
    scale = wanted / np.linalg.det(moments) ** 0.25
    u_cell = np.rint(along_u * scale).astype(int)
    v_cell = np.rint(along_v * scale).astype(int)

    half = pixels // 2
    inside = (np.abs(u_cell) < half) & (np.abs(v_cell) < half)
    number = (v_cell[inside] + half) * pixels + u_cell[inside] + half
    counts = np.bincount(number, minlength=pixels * pixels)
    occupied = np.flatnonzero(counts)
    return occupied % pixels - half, occupied // pixels - half, counts[occupied] / counts.sum()


def _image(cells_u, cells_v, values, pixels):
    """Sum of Re[value exp(2 pi i u.x)] over the cells, with x counted from pixel ``pixels // 2``."""
    grid = np.zeros((pixels, pixels), dtype=complex)
    grid[cells_v % pixels, cells_u % pixels] = values
    return np.fft.fftshift(np.fft.ifft2(grid).real) * pixels**2


def _primary_beam(x, y, fwhm):
    return np.exp(-4.0 * np.log(2.0) * (np.square(x) + np.square(y)) / fwhm**2)


def _header(pixels, ra, dec, cell, frequency, name, date, beam):
    major, minor, angle = core_of(beam)
    cell_deg = cell / 3600.0
    header = fits.Header()
    header["BMAJ"], header["BMIN"], header["BPA"] = major * cell_deg, minor * cell_deg, angle
    header["BTYPE"], header["OBJECT"], header["BUNIT"] = "Intensity", name, "Jy/beam"
    header["EQUINOX"], header["RADESYS"] = 2000.0, "ICRS"
    axes = (
        ("RA---SIN", ra, -cell_deg, pixels // 2 + 1, "deg"),
        ("DEC--SIN", dec, cell_deg, pixels // 2 + 1, "deg"),
        ("FREQ", frequency, 2e9, 1, "Hz"),
        ("STOKES", 1.0, 1.0, 1, ""),
    )
    for axis, (kind, value, step, pixel, unit) in enumerate(axes, start=1):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"], header[f"CDELT{axis}"] = kind, value, step
        header[f"CRPIX{axis}"], header[f"CUNIT{axis}"] = float(pixel), unit
    header["RESTFRQ"], header["SPECSYS"] = frequency, "TOPO"
    header["DATE-OBS"], header["TELESCOP"] = date, "STOA"
    return header


def core_of(beam):
    """Major axis, minor axis (FWHM, pixels) and position angle (degrees) of the Gaussian core of a beam.

    The angle is counted from north (up) through east (left).
    """
    axes = core_axes(beam)
    major, minor = FWHM_PER_SIGMA * np.hypot(*axes)
    east, north = -axes[0, 0], axes[1, 0]
    return float(major), float(minor), float((np.degrees(np.arctan2(east, north)) + 90) % 180 - 90)


def _truth(x, y, apparent, intrinsic, header):
    ra, dec = celestial_of(header).pixel_to_world_values(x, y) if len(x) else (x, y)
    return QTable(
        {
            "x": x * u.pix,
            "y": y * u.pix,
            "ra": ra * u.deg,
            "dec": dec * u.deg,
            "flux": apparent * u.Jy,
            "flux_intrinsic": intrinsic * u.Jy,
        }
    )
