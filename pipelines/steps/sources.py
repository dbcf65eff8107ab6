"""Sources of a dirty map with their probabilities, by BaSC."""

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from archive.catalogues import catalogue_table
from pipelines.contract import Field, Parameter, Port, StepFailed
from pipelines.registry import step

SCHEMA = (
    Field("name", "text", "", "meta.id;meta.main", "name from the position"),
    Field("position", "position", "deg", "pos.eq;meta.main", "position (ICRS)"),
    Field("ra_error", "float", "arcsec", "stat.error;pos.eq.ra", "error of the position along right ascension"),
    Field("dec_error", "float", "arcsec", "stat.error;pos.eq.dec", "error of the position along declination"),
    Field("flux", "float", "Jy", "phot.flux.density;em.radio", "flux density as it appears in the map"),
    Field("flux_error", "float", "Jy", "stat.error;phot.flux.density", "error of the flux density"),
    Field(
        "flux_intrinsic", "float", "Jy", "phot.flux.density;em.radio;meta.main",
        "flux density corrected for the primary beam",
    ),
    Field(
        "flux_intrinsic_error", "float", "Jy", "stat.error;phot.flux.density;meta.main",
        "error of the corrected flux density",
    ),
    Field("probability", "float", "", "stat.probability", "probability that there is such a source"),
    Field("snr", "float", "", "stat.snr", "flux density over the noise of the map"),
    Field("x", "float", "pix", "pos.cartesian.x;instr.det", "column in the map, from 0"),
    Field("y", "float", "pix", "pos.cartesian.y;instr.det", "row in the map, from 0"),
)  # fmt: skip


@step(
    "sources",
    title="Sources (BaSC)",
    inputs=[
        Port("image", "product", description="dirty map in Jy/beam, natural weights, not primary-beam corrected"),
        Port("beam", "product", description="dirty beam made with it"),
        Port("primary_beam", "product", required=False, description="response of the antennas"),
    ],
    outputs=[
        Port("noise", "float", "Jy/beam", "stat.stdev;phot.flux.density", "noise of a pixel of the map"),
        Port("catalogue", "catalogue", "", "meta.record", "sources, the brightest first", schema=SCHEMA),
        Port("n_sources", "int", "", "meta.number;src", "number of sources in the catalogue"),
        Port("searched_area", "float", "arcmin2", "phys.angArea;obs.field", "area in which sources were looked for"),
    ],
    parameters=[
        Parameter("seed", "int", 1, minimum=0, maximum=2**31 - 1, help="start of the random numbers"),
        Parameter(
            "expected_sources", "float", 1.0, minimum=0.01, maximum=1000,
            help="how many sources one expects in the map before looking",
        ),
        Parameter(
            "threshold", "float", 0.5, minimum=0.0, maximum=1.0,
            help="least probability with which a source enters the catalogue",
        ),
    ],
    uses=["basc", "archive.catalogues"],
    resource="heavy",
)  # fmt: skip
def sources(inputs, parameters, context):
    """Find point sources directly in the dirty map, each with its probability and errors.

    BaSC draws sets of sources from the posterior of the visibilities (no CLEAN, no threshold on pixels), so
    sources closer than a beam, or a faint one beside a bright one, come out as what they are.
    """
    # BaSC brings numba, a second of imports: only a process that runs the step pays for it.
    import basc

    try:
        with context.open(inputs["image"]) as image, context.open(inputs["beam"]) as beam:
            if inputs.get("primary_beam"):
                with context.open(inputs["primary_beam"]) as primary_beam:
                    dirty_map = basc.DirtyMap.from_fits(image, beam, primary_beam)
            else:
                dirty_map = basc.DirtyMap.from_fits(image, beam)
        if dirty_map.wcs is None:
            raise StepFailed("the map has no sky coordinates in its header (CTYPE, CRVAL): export it again")
        result = basc.characterise(
            dirty_map,
            seed=parameters["seed"],
            expected_sources=parameters["expected_sources"],
            threshold=parameters["threshold"],
        )
    except basc.BascError as error:
        raise StepFailed(str(error)) from error
    catalogue = catalogue_of(result, dirty_map.wcs)
    context.log(f"{len(catalogue)} sources; noise {result.noise:.4g} Jy/beam")
    for name, value in result.diagnostics.items():
        context.log(f"{name}: {value}")
    return {
        "noise": float(result.noise),
        "catalogue": context.keep_catalogue(catalogue, "sources.fits"),
        "n_sources": len(catalogue),
        "searched_area": float(np.count_nonzero(dirty_map.searchable)) * pixel_area(dirty_map.wcs),
    }


def catalogue_of(result, wcs):
    """Return BaSC's sources as a catalogue of this step's schema."""
    found = result.sources
    ra, dec = u.Quantity(found["ra"]).to_value(u.deg), u.Quantity(found["dec"]).to_value(u.deg)
    flux, intrinsic = janskys(found["flux"]), janskys(found["flux_intrinsic"])
    flux_error = janskys(found["sigma_flux"])
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = intrinsic / flux
    cell = np.sqrt(pixel_area(wcs)) * 60  # arcsec
    return catalogue_table(
        SCHEMA,
        {
            "name": [name_of(*position) for position in zip(ra, dec, strict=True)],
            "position": list(zip(ra, dec, strict=True)),
            "ra_error": pixels(found["sigma_x"]) * cell,
            "dec_error": pixels(found["sigma_y"]) * cell,
            "flux": flux,
            "flux_error": flux_error,
            "flux_intrinsic": intrinsic,
            "flux_intrinsic_error": flux_error * correction,
            "probability": np.asarray(u.Quantity(found["probability"]).value, dtype=float),
            "snr": flux / float(result.noise),
            "x": pixels(found["x"]),
            "y": pixels(found["y"]),
        },
    )


def name_of(ra, dec):
    """Return a name from a position, as the IAU recommends: cut, not rounded (J123049.423+122328.04)."""
    hours = Angle(ra, u.deg).to_string(u.hourangle, sep="", precision=4, pad=True)
    degrees = Angle(dec, u.deg).to_string(u.deg, sep="", precision=3, pad=True, alwayssign=True)
    return f"J{hours[:-1]}{degrees[:-1]}"


def pixel_area(wcs):
    """Return the area of a pixel in square arcminutes."""
    return float(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600


def janskys(column):
    """Return fluxes as plain numbers in Jy."""
    return np.asarray(u.Quantity(column).to_value(u.Jy), dtype=float)


def pixels(column):
    """Return pixels as plain numbers."""
    return np.asarray(u.Quantity(column).value, dtype=float)
