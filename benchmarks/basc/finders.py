"""The finders, each from a dirty map to a list of sources, with settings that are the same for every field.

All are given the noise where it is known. BaSC reads the dirty map; the others read the map that our CLEAN restores,
as their users do; its CPU time is part of theirs. Thresholds are those people use: 4 sigma on 5 pixels
for sep, 4.5 sigma for Aegean and PyBDSF.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.metadata
import io
import logging
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

import basc
from basc.reading import celestial_of
from benchmarks.basc.clean import clean, restore

LISTED = 0.05  # least probability of what BaSC is asked to list; scored are those of 0.5 and more
PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


@dataclass
class Found:
    """What a finder says, and what it took.

    Attributes
    ----------
    x, y : float64 arrays, shape (n,)
        Pixels of the file.
    flux : float64 array
        Apparent, in Jy.
    sigma_x, sigma_y, sigma_flux : float64 arrays
        As quoted; NaN where the finder quotes none.
    probability : float64 array
        1 where the finder has no notion of it.
    notes : dict
        What else it says of the field; numbers only.
    cpu : float
        User and system seconds, all threads and child processes, the whole call.
    memory : float
        Peak resident memory of the process during the call, in MB, the interpreter included.
    """

    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    sigma_x: np.ndarray
    sigma_y: np.ndarray
    sigma_flux: np.ndarray
    probability: np.ndarray
    notes: dict = field(default_factory=dict)
    cpu: float = np.nan
    memory: float = np.nan


class FinderMissing(Exception):
    """A finder is not installed; the benchmark goes on without it and says so."""


def find(name, simulated, **options):
    """Run one finder on one `benchmarks.basc.fields.Field`, with its cost."""
    forget_peak_memory()
    before = cpu_time()
    found = FINDERS[name](simulated, **options)
    found.cpu = cpu_time() - before
    found.memory = peak_memory()
    return found


def find_with_basc(simulated, seed=None, **options):
    observed = simulated.observed
    dirty_map = basc.DirtyMap(
        observed.dirty, observed.beam, observed.primary_beam, simulated.noise, observed.wcs
    )
    seed = simulated.seed if seed is None else seed
    result = basc.characterise(dirty_map, seed=seed, threshold=LISTED, **options)
    sources = result.sources
    names = "x", "y", "flux", "sigma_x", "sigma_y", "sigma_flux", "probability"
    columns = [np.array(getattr(sources[name], "value", sources[name]), dtype=float) for name in names]
    notes = {"noise": result.noise, **finite_numbers_in(result.diagnostics)}
    if hasattr(result, "not_converged"):
        notes["converged"] = float(not result.not_converged)
    return Found(*columns, notes=notes)


def find_with_sep(simulated):
    image, noise = restored_map(simulated)
    return extract(image, noise, simulated)


def find_with_sep_on_dirty(simulated):
    noise = simulated.noise or robust_noise(simulated.observed.dirty)
    return extract(simulated.observed.dirty[simulated.observed.searchable], noise, simulated)


def extract(image, noise, simulated):
    """Sources by sep; the flux of a point source is the map's peak.

    Of what was tried, this finds most: no filter, since the map is already as smooth as the beam; a deblending
    contrast of 1e-4 instead of 5e-3 (twice the equal pairs one beam apart). Windowed positions are a tenth better
    for lone sources and go astray in crowds, so that it is the barycentres.
    """
    sep = imported("sep")
    objects = sep.extract(
        np.ascontiguousarray(image), 4.0, err=noise, minarea=5, filter_kernel=None, deblend_cont=1e-4
    )
    rows, columns = simulated.observed.searchable
    return Found(
        objects["x"] + columns.start,
        objects["y"] + rows.start,
        objects["peak"],
        np.sqrt(objects["errx2"]),
        np.sqrt(objects["erry2"]),
        np.full(len(objects), noise),
        np.ones(len(objects)),
    )


def find_with_aegean(simulated):
    finder = imported("AegeanTools.source_finder")
    with restored_file(simulated) as (path, noise), silence():
        sources = finder.SourceFinder(log=logging.getLogger("aegean")).find_sources_in_image(
            path,
            rms=noise,
            bkg=0.0,  # without it Aegean measures a background, in processes of its own
            innerclip=4.5,
            outerclip=4.0,
            nonegative=True,
            cores=1,
            progress=False,
        )
    columns = np.array(
        [(s.ra, s.dec, s.peak_flux, s.err_ra, s.err_dec, s.err_peak_flux) for s in sources], dtype=float
    ).reshape(-1, 6)
    ra, dec, flux, error_ra, error_dec, error_flux = columns.T
    return at_places_of(simulated.observed, ra, dec, flux, error_ra, error_dec, error_flux)


def find_with_pybdsf(simulated):
    bdsf = imported("bdsf")
    with restored_file(simulated) as (path, noise), silence():
        try:
            seen = bdsf.process_image(
                path,
                thresh="hard",
                thresh_pix=4.5,
                thresh_isl=3.0,
                rms_map=False,
                rms_value=noise,
                mean_map="zero",
                ncores=1,
                quiet=True,
            )
        except RuntimeError as nothing:
            if "No islands" not in str(nothing):
                raise
            seen = None
    # Gaussians, not the sources PyBDSF groups them into: two blended sources count as two.
    gaussians = seen.gaussians if seen is not None and seen.nisl else []
    columns = np.array(
        [(*g.centre_sky, g.peak_flux, *g.centre_skyE, g.peak_fluxE) for g in gaussians], dtype=float
    ).reshape(-1, 6)
    ra, dec, flux, error_ra, error_dec, error_flux = columns.T
    return at_places_of(simulated.observed, ra, dec, flux, error_ra, error_dec, error_flux)


FINDERS = {
    "basc": find_with_basc,
    "sep": find_with_sep,
    "aegean": find_with_aegean,
    "pybdsf": find_with_pybdsf,
    "sep-dirty": find_with_sep_on_dirty,
}
TITLES = {
    "basc": "BaSC",
    "sep": "CLEAN + sep",
    "aegean": "CLEAN + Aegean",
    "pybdsf": "CLEAN + PyBDSF",
    "sep-dirty": "sep on the dirty map",
}
PACKAGES = {"sep": "sep", "aegean": "AegeanTools", "pybdsf": "bdsf", "sep-dirty": "sep"}


def edition(name):
    """What must be the same for two runs to be put together.

    That is a package's version, or BaSC's own source; and what makes the fields and the settings.
    """
    here, package = Path(__file__).parent, Path(basc.__file__).parent
    files = [here / "fields.py", here / "finders.py", here / "clean.py", package / "simulate.py"]
    if name == "basc":
        version = f"basc {basc.__version__}"
        files += sorted(package.glob("*.py"))
    else:
        imported(PACKAGES[name])
        version = f"{PACKAGES[name]} {importlib.metadata.version(PACKAGES[name])}"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    return f"{version} {digest[:8]}"


def restored_map(simulated):
    """The searched area, cleaned and restored; and the noise that was given or measured."""
    observed = simulated.observed
    noise = simulated.noise or robust_noise(observed.dirty)
    components, residual = clean(
        np.ascontiguousarray(observed.dirty[observed.searchable]), observed.beam, noise
    )
    return restore(components, residual, observed.beam), noise


@contextlib.contextmanager
def restored_file(simulated):
    """`restored_map` as a FITS file, which Aegean and PyBDSF want, and the noise."""
    image, noise = restored_map(simulated)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field.fits"
        fits.PrimaryHDU(image.astype(np.float32), cropped_header(simulated.observed)).writeto(path)
        yield str(path), noise


def robust_noise(image):
    """Of most pixels: 1.4826 times the median distance from the median."""
    return float(1.4826 * np.median(np.abs(image - np.median(image))))


def cropped_header(observed):
    """Header of the searched area; only the axes on the sky, and the frequency that PyBDSF asks for."""
    rows, columns = observed.searchable
    header = celestial_of(observed.header).to_header()
    header["CRPIX1"] -= columns.start
    header["CRPIX2"] -= rows.start
    for name in ("BMAJ", "BMIN", "BPA", "BUNIT"):
        header[name] = observed.header[name]
    header["RESTFRQ"] = header["FREQ"] = observed.header["RESTFRQ"]
    return header


def at_places_of(observed, ra, dec, flux, error_ra, error_dec, error_flux):
    """From the sky and degrees back to pixels of the file; errors that are negative are not known."""
    x, y = observed.wcs.world_to_pixel_values(ra, dec) if len(ra) else (ra, dec)
    cell = observed.header["CDELT2"]
    quoted = [np.where(error > 0, error, np.nan) for error in (error_ra / cell, error_dec / cell, error_flux)]
    return Found(np.asarray(x), np.asarray(y), flux, *quoted, np.ones(len(flux)))


def finite_numbers_in(diagnostics, prefix=""):
    """The plain finite numbers of nested dictionaries, under dotted names."""
    flat = {}
    for name, value in diagnostics.items():
        if isinstance(value, dict):
            flat |= finite_numbers_in(value, f"{prefix}{name}.")
        elif isinstance(value, (bool, int, float, np.number)) and np.isfinite(value):
            flat[prefix + name] = float(value)
    return flat


def imported(module):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise FinderMissing(f"{module} cannot be imported: {error}") from error


@contextlib.contextmanager
def silence():
    """Aegean and PyBDSF print; a benchmark of thousands of fields does not want it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def cpu_time():
    """User and system seconds of this process, all threads, and of the processes it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def forget_peak_memory():
    """Start the kernel's peak of this process's memory anew (Linux; elsewhere the peak is of its whole life)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory():
    """Largest resident memory since `forget_peak_memory`, in MB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
