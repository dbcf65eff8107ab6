"""A small survey that never happened: calibrator fields in two bands, as an ALMA delivery on disk.

Every field has a bright calibrator in its centre and faint sources beside it; in every second one a
companion is 40 times fainter and closer than a beam. Names, positions and redshifts are invented.
The same seed gives the same files.
"""

import dataclasses

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from basc.simulate import observe, write_fits

SEED = 2019
N_FIELDS = 7
PIXELS = 256
BEAM_PIXELS = 6.0
RATIO = 40.0
SPECTRAL_INDEX = -0.7
BANDS = {"3": (97.5e9, 0.10), "6": (233.0e9, 0.05)}  # frequency in Hz, cell in arcsec
DELIVERY = "2019.1.00000.S/science_goal.uid___A001_X1/group.uid___A001_X2/member.uid___A001_X{member}/product"


@dataclasses.dataclass(frozen=True)
class Source:
    """A source on the invented sky: offsets from the pointing in arcsec (east, north), flux at band 3 in Jy."""

    east: float
    north: float
    flux: float
    known_as: str = ""
    kind: str = ""
    redshift: float | None = None


@dataclasses.dataclass(frozen=True)
class Field:
    """A pointing and what is really there."""

    name: str
    centre: SkyCoord
    sources: tuple[Source, ...]
    noise: float


def invent_fields(seed=SEED):
    """Return the fields of the survey.

    Parameters
    ----------
    seed : int

    Returns
    -------
    list of Field
    """
    rng = np.random.default_rng(seed)
    fields = []
    for number in range(N_FIELDS):
        centre = SkyCoord(rng.uniform(0, 360) * u.deg, rng.uniform(-55, 25) * u.deg)
        name = designation(centre)
        bright = float(rng.uniform(0.3, 1.2))
        noise = bright / RATIO / rng.uniform(14, 22)
        sources = [Source(0.013, -0.009, bright, name, "quasar", round(float(rng.uniform(0.2, 2.4)), 3))]
        if number % 2 == 0:
            separation, angle = rng.uniform(0.42, 0.56), rng.uniform(0, 2 * np.pi)
            sources.append(Source(separation * np.sin(angle), separation * np.cos(angle), bright / RATIO))
        for faint in range(int(rng.integers(2, 6))):
            radius, angle = rng.uniform(1.2, 2.6), rng.uniform(0, 2 * np.pi)
            flux = noise * float(rng.uniform(12, 70))
            known = {"known_as": f"{name} {chr(65 + faint)}", "kind": "galaxy"} if faint < 2 else {}
            redshift = round(float(rng.uniform(0.5, 4.5)), 3) if faint == 0 else None
            sources.append(
                Source(radius * np.sin(angle), radius * np.cos(angle), flux, redshift=redshift, **known)
            )
        fields.append(Field(name, centre, tuple(sources), noise))
    return fields


def designation(centre):
    """Return a name from a position, Jhhmm-ddmm."""
    ra = centre.ra.to_string(unit=u.hourangle, sep="", precision=0, pad=True)[:4]
    dec = centre.dec.to_string(sep="", precision=0, alwayssign=True, pad=True)[:5]
    return f"J{ra}{dec}"


def write_survey(root, fields, seed=SEED, progress=lambda done, n: None):
    """Observe the fields in both bands and write what the archive would deliver.

    Parameters
    ----------
    root : pathlib.Path
        The project's folder.
    fields : list of Field

    Returns
    -------
    list of (str, str)
        Folder (relative to `root`) and image group of each observation.
    """
    written = []
    for number, field in enumerate(fields):
        for band, (frequency, cell) in BANDS.items():
            folder = DELIVERY.format(member=f"{10 * number + int(band):x}")
            stem = f"{field.name}_band{band}"
            rng = np.random.default_rng([seed, number, int(band)])
            write_fits(_observe(field, frequency, cell, rng), root / folder, stem)
            written.append((folder, stem))
            progress(len(written), len(fields) * len(BANDS))
    return written


def _observe(field, frequency, cell, rng):
    dimming = (frequency / BANDS["3"][0]) ** SPECTRAL_INDEX
    half = PIXELS // 4 - 4
    placed = [
        (PIXELS // 2 - source.east / cell, PIXELS // 2 + source.north / cell, source.flux * dimming)
        for source in field.sources
        if max(abs(source.east), abs(source.north)) / cell < half
    ]
    return observe(
        placed,
        rng=rng,
        pixels=PIXELS,
        beam_fwhm=BEAM_PIXELS,
        noise=field.noise * dimming,
        ra=field.centre.ra.deg,
        dec=field.centre.dec.deg,
        cell=cell,
        frequency=frequency,
        name=field.name,
        date="2019-10-01T00:00:00.0",
    )


def known_objects(fields):
    """Return the rows of the catalogue of known objects: name, position, type, redshift."""
    rows = []
    for field in fields:
        for source in field.sources:
            if source.known_as:
                place = field.centre.spherical_offsets_by(source.east * u.arcsec, source.north * u.arcsec)
                rows.append(
                    {
                        "name": source.known_as,
                        "position": (place.ra.deg, place.dec.deg),
                        "type": source.kind,
                        "redshift": source.redshift,
                    }
                )
    return rows
