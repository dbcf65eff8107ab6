"""Sources of a dirty map with their probabilities, by BaSC."""

from io import BytesIO

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
    Field(
        "correlation", "float", "", "stat.correlation;pos.eq",
        "correlation of the errors along right ascension and declination",
    ),
    Field("neighbour", "float", "", "pos.angDistance", "distance to the nearest other source, in beams"),
    Field(
        "blended", "bool", "", "meta.code.qual", "within a beam of another source, or perhaps not one source",
    ),
    Field("alternative", "int", "", "meta.number;src", "most probable other number of sources here"),
    Field(
        "probability_alternative", "float", "", "stat.probability;meta.number", "probability of that number",
    ),
    Field(
        "probability_extended", "float", "", "stat.probability",
        "probability that the source is extended; empty where all were taken for points",
    ),
    Field("major", "float", "arcsec", "phys.angSize.smajAxis", "major axis (FWHM, without the beam), if extended"),
    Field("major_error", "float", "arcsec", "stat.error;phys.angSize.smajAxis", "error of the major axis"),
    Field("minor", "float", "arcsec", "phys.angSize.sminAxis", "minor axis (FWHM, without the beam), if extended"),
    Field("minor_error", "float", "arcsec", "stat.error;phys.angSize.sminAxis", "error of the minor axis"),
    Field("position_angle", "float", "deg", "pos.posAng", "position angle of the major axis, north through east"),
    Field("position_angle_error", "float", "deg", "stat.error;pos.posAng", "error of the position angle"),
)  # fmt: skip

# What the catalogue says of shapes, and what BaSC calls it.
SHAPE = {
    "probability_extended": "probability_extended",
    "major": "major",
    "major_error": "sigma_major",
    "minor": "minor",
    "minor_error": "sigma_minor",
    "position_angle": "position_angle",
    "position_angle_error": "sigma_position_angle",
}


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
        Port("converged", "bool", "", "meta.code.qual", "whether the chains agree; if not, the log says in what"),
        Port(
            "ln_evidence", "float", "", "stat.likelihood", required=False,
            description="log of the evidence for sources over an empty map; empty where it was not computed",
        ),
        Port("residual", "product", "", "meta.file", "map less the sources in the catalogue, in Jy/beam"),
        Port("samples", "product", "", "meta.file", "sets of sources drawn from the posterior, a FITS table"),
    ],
    parameters=[
        Parameter("seed", "int", 0, minimum=0, maximum=2**31 - 1, help="start of the random numbers"),
        Parameter(
            "expected_sources", "float", 0.6, minimum=0.01, maximum=1000,
            help="how many sources one expects in the searched area before looking",
        ),
        Parameter(
            "companions", "float", 0.2, minimum=0.0, maximum=0.99,
            help="fraction of sources one expects within a beam of a brighter one",
        ),
        Parameter(
            "median_flux", "float", 0.0, minimum=0.0, maximum=1e6, unit="Jy",
            help="median of the flux densities one expects; 0 for five times the noise of each map",
        ),
        Parameter(
            "extended", "float", 0.0, minimum=0.0, maximum=0.99,
            help="fraction of sources one expects to be extended (Gaussians, up to 1.5 beams wide); 0: all are points, "
            "which takes a fraction of the time",
        ),
        Parameter(
            "threshold", "float", 0.5, minimum=0.0, maximum=1.0,
            help="least probability with which a source enters the catalogue",
        ),
        Parameter("max_sources", "int", 60, minimum=1, maximum=1000, help="no more sources than these"),
        Parameter("chains", "int", 4, minimum=2, maximum=64, help="independent chains, which must agree"),
        Parameter(
            "max_proposals", "int", 100_000, minimum=100, maximum=100_000_000,
            help="how long a chain may run; more where the chains do not agree",
        ),
        Parameter(
            "evidence", "bool", False,
            help="compute the evidence also where the chains never emptied the map; takes several times as long",
        ),
    ],
    uses=["basc", "archive.catalogues"],
    resource="heavy",
)  # fmt: skip
def sources(inputs, parameters, context):
    """Find sources directly in the dirty map, each with its probability and errors.

    BaSC draws sets of sources from the posterior of the visibilities (no CLEAN, no threshold on pixels), so
    sources closer than a beam, or a faint one beside a bright one, come out as what they are.
    """
    # BaSC brings numba, a second of imports: only a process that runs the step pays for it.
    import basc
    from basc.products import image_hdu, samples_hdus

    context.progress(0.0, "reading")
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
            **parameters | {"median_flux": parameters["median_flux"] or None},
            progress=lambda fraction: context.progress(fraction, "running the chains"),
        )
    except basc.BascError as error:
        raise StepFailed(str(error)) from error
    catalogue = catalogue_of(result, dirty_map.wcs)
    context.log(f"{len(catalogue)} sources; noise {result.noise:.4g} Jy/beam")
    if not result.converged:
        context.log(f"not converged: {'; '.join(result.not_converged)}")
        context.log("raise max_proposals, or expect extended sources (extended)")
    for name, value in result.diagnostics.items():
        context.log(f"{name}: {value}")
    return {
        "noise": float(result.noise),
        "catalogue": context.keep_catalogue(catalogue, "sources.fits"),
        "n_sources": len(catalogue),
        "searched_area": float(np.count_nonzero(dirty_map.searchable)) * pixel_area(dirty_map.wcs),
        "converged": result.converged,
        "ln_evidence": float(result.ln_evidence),
        "residual": keep(context, image_hdu(result, "residual"), "residual.fits", "residual"),
        "samples": keep(context, samples_hdus(result), "samples.fits", "samples"),
    }


def keep(context, hdus, name, file_type):
    """Keep FITS and return its sha256."""
    file = BytesIO()
    hdus.writeto(file)
    return context.keep(file.getvalue(), name, header={"FILETYPE": file_type})


def catalogue_of(result, wcs):
    """Return BaSC's sources as a catalogue of this step's schema."""
    found = result.sources
    ra, dec = u.Quantity(found["ra"]).to_value(u.deg), u.Quantity(found["dec"]).to_value(u.deg)
    flux, intrinsic = janskys(found["flux"]), janskys(found["flux_intrinsic"])
    flux_error = janskys(found["sigma_flux"])
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = intrinsic / flux
    x, y = numbers(found["x"]), numbers(found["y"])
    ra_error, dec_error, correlation = errors_on_the_sky(result.covariances[:, :2, :2], x, y, wcs)
    return catalogue_table(
        SCHEMA,
        {
            "name": [name_of(*position) for position in zip(ra, dec, strict=True)],
            "position": list(zip(ra, dec, strict=True)),
            "ra_error": ra_error,
            "dec_error": dec_error,
            "flux": flux,
            "flux_error": flux_error,
            "flux_intrinsic": intrinsic,
            "flux_intrinsic_error": flux_error * correction,
            "probability": numbers(found["probability"]),
            "snr": numbers(found["snr"]),
            "x": x,
            "y": y,
            "correlation": correlation,
            "neighbour": numbers(found["neighbour"]),
            "blended": np.asarray(found["blended"], dtype=bool),
            "alternative": numbers(found["alternative"]).astype(int),
            "probability_alternative": numbers(found["probability_alternative"]),
        }
        | {name: shape_of(found, column) for name, column in SHAPE.items()},
    )


def shape_of(found, column):
    """Return what BaSC says of the shapes, if it was asked: as many numbers as sources, empty for points."""
    return numbers(found[column]) if column in found.colnames else np.full(len(found), np.nan)


def errors_on_the_sky(covariances, x, y, wcs):
    """Return errors to east and north in arcsec, and their correlation, of covariances in pixels."""
    steps = []
    for dx, dy in ((0.5, 0.0), (0.0, 0.5)):
        (ra1, dec1), (ra2, dec2) = (
            wcs.pixel_to_world_values(x + sign * dx, y + sign * dy) for sign in (-1, 1)
        )
        east = ((ra2 - ra1 + 180) % 360 - 180) * np.cos(np.radians((dec1 + dec2) / 2))
        steps.append(np.stack([east, dec2 - dec1], axis=-1) * 3600)
    jacobian = np.stack(steps, axis=-1)
    sky = jacobian @ covariances @ np.swapaxes(jacobian, -1, -2)
    east, north = np.sqrt(sky[:, 0, 0]), np.sqrt(sky[:, 1, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(sky[:, 0, 1] / (east * north))
    return east, north, correlation


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


def numbers(column):
    """Return what is counted in pixels, or has no unit, as plain numbers."""
    return np.asarray(u.Quantity(column).value, dtype=float)
