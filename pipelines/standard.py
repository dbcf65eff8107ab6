"""The pipelines that come with the portal: sources of interferometric images, and their number counts."""

from django.db import transaction

from pipelines.graph import Graph
from pipelines.models import Pipeline

CHARACTERISE = {
    "steps": [
        {
            "name": "products",
            "step": "products",
            "inputs": {"folder": "folder", "group": "group"},
            "outputs": {
                "image": "image",
                "beam": "beam",
                "primary_beam": "primary_beam",
                "object": "object",
                "band": "band",
                "frequency": "frequency",
                "position": "position",
            },
        },
        {
            "name": "beam",
            "step": "beam",
            "inputs": {"image": "image", "beam": "beam"},
            "outputs": {
                "beam_major": "beam_major",
                "beam_minor": "beam_minor",
                "beam_pa": "beam_pa",
                "sidelobe": "sidelobe",
            },
        },
        {
            "name": "sources",
            "step": "sources",
            "inputs": {"image": "image", "beam": "beam", "primary_beam": "primary_beam"},
            "parameters": {"seed": "seed", "expected_sources": "expected_sources"},
            "outputs": {
                "noise": "noise",
                "catalogue": "catalogue",
                "n_sources": "n_sources",
                "converged": "converged",
                "searched_area": "searched_area",
            },
        },
        {
            "name": "cutouts",
            "step": "cutouts",
            "inputs": {"image": "image", "catalogue": "catalogue", "beam_major": "beam_major"},
            "outputs": {"cutouts": "cutouts"},
        },
    ]
}

# The table needs two `collect` links of these names: to the sources and to the observations of its band.
NUMBER_COUNTS = {
    "steps": [
        {
            "name": "count",
            "step": "count",
            "inputs": {
                "flux_min": "flux_min",
                "fluxes": "sources.flux_intrinsic",
                "areas": "observations.searched_area",
            },
            "outputs": {
                "n": "n",
                "area": "area",
                "n_per_deg2": "n_per_deg2",
                "n_per_deg2_error": "n_per_deg2_error",
            },
        }
    ]
}

STANDARD = (
    (
        "characterise",
        "Sources of interferometric images",
        "From product folders to sources with probabilities: products → beam → sources (BaSC) → cutouts.",
        CHARACTERISE,
    ),
    (
        "number_counts",
        "Number counts",
        "How many sources brighter than a limit there are on a square degree, of collected sources and areas.",
        NUMBER_COUNTS,
    ),
)


@transaction.atomic
def install_pipelines() -> dict[str, Pipeline]:
    """Make the standard pipelines where they are missing; a changed one becomes a new version.

    Returns
    -------
    dict
        The newest version of each, by name.
    """
    installed = {}
    for name, title, description, document in STANDARD:
        Graph(document)  # refuses a document that fits the registered steps no longer
        newest = Pipeline.objects.filter(name=name).order_by("-version").first()
        if newest is None or newest.graph != document:
            newest = Pipeline.objects.create(
                name=name,
                version=newest.version + 1 if newest else 1,
                title=title,
                description=description,
                graph=document,
            )
        installed[name] = newest
    return installed
