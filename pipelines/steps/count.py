"""Number counts: how many sources above a flux there are on a square degree of sky."""

from math import fsum, sqrt

from pipelines.contract import Port, StepFailed
from pipelines.registry import step

ARCMIN2_PER_DEG2 = 3600.0


@step(
    "count",
    title="Number counts",
    inputs=[
        Port(
            "flux_min",
            "float",
            "Jy",
            "phot.flux.density;em.radio;stat.min",
            "sources this bright or brighter count",
        ),
        Port(
            "fluxes", "float", "Jy", "phot.flux.density;em.radio", "flux densities of all sources", many=True
        ),
        Port("areas", "float", "arcmin2", "phys.angArea", "areas in which they were looked for", many=True),
    ],
    outputs=[
        Port("n", "int", "", "meta.number;src", "number of sources"),
        Port("area", "float", "deg2", "phys.angArea", "area that was searched"),
        Port("n_per_deg2", "float", "deg-2", "src.density", "sources per square degree"),
        Port(
            "n_per_deg2_error", "float", "deg-2", "stat.error;src.density", "its upper 1-sigma Poisson error"
        ),
    ],
)
def count(inputs, parameters, context):
    """Count the sources not fainter than a limit, and divide by the area that was searched.

    The error is the upper one-sigma limit of a Poisson number after Gehrels 1986 (ApJ 303, 336, Eq. 7),
    ``1 + sqrt(n + 3/4)``: it is not zero where nothing was found. Areas are summed in square arcminutes and
    given in square degrees. A source or area without a value does not count.
    """
    fluxes = [flux for flux in inputs["fluxes"] if flux is not None]
    areas = [area for area in inputs["areas"] if area is not None]
    if any(area < 0 for area in areas):
        raise StepFailed("a searched area is negative; correct that row")
    area = fsum(areas) / ARCMIN2_PER_DEG2
    if area == 0:
        raise StepFailed("no area was searched: no row with a searched area is collected here")
    n = sum(flux >= inputs["flux_min"] for flux in fluxes)
    context.log(f"{n} of {len(fluxes)} sources on {area:.4g} deg2 of {len(areas)} fields")
    return {
        "n": n,
        "area": area,
        "n_per_deg2": n / area,
        "n_per_deg2_error": (1 + sqrt(n + 0.75)) / area,
    }
