"""Making the demo's people, projects and worktables; computing them is the workers' ordinary work."""

import shutil
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from archive.alma import find_groups
from archive.claiming import name_owner
from archive.folders import project_folder
from pipelines.standard import install_pipelines
from portal.demo.survey import invent_fields, known_objects, write_survey
from projects.editing import create_project
from projects.models import Project
from projects.sharing import share_with
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.linking import collect, expand, nearest
from worktables.rows import add_rows

PEOPLE = {"demo": "owner", "colleague": "collaborator", "visitor": "reader"}
LIMITS = (0.005, 0.010, 0.030)  # Jy
MATCH_RADIUS = 1.0  # arcsec, to known objects
ITEM_FIELDS = {
    "name": "name",
    "position": "position",
    "flux": "flux",
    "flux_error": "flux_error",
    "flux_intrinsic": "flux_intrinsic",
    "flux_intrinsic_error": "flux_intrinsic_error",
    "probability": "probability",
    "snr": "snr",
}
SOURCE_COLUMNS = (
    NewColumn("object", "text", "lookup", ucd="meta.id", description="field in which it lies"),
    NewColumn("band", "text", "lookup", ucd="instr.bandpass", description="receiver band"),
    NewColumn("name", "text", "lookup", ucd="meta.id;meta.main", description="name from the position"),
    NewColumn("position", "position", "lookup", "deg", "pos.eq;meta.main", "position (ICRS)"),
    NewColumn("flux", "float", "lookup", "Jy", "phot.flux.density;em.mm", "apparent flux density"),
    NewColumn("flux_error", "float", "lookup", "Jy", "stat.error;phot.flux.density", "its error"),
    NewColumn(
        "flux_intrinsic", "float", "lookup", "Jy", "phot.flux.density;em.mm",
        "flux density, corrected for the primary beam",
    ),
    NewColumn("flux_intrinsic_error", "float", "lookup", "Jy", "stat.error;phot.flux.density", "its error"),
    NewColumn("probability", "float", "lookup", "", "stat.probability", "probability that it exists"),
    NewColumn("snr", "float", "lookup", "", "stat.snr", "flux density over the noise"),
    NewColumn("nearest_name", "text", "lookup", ucd="meta.id.cross", description="nearest known object"),
    NewColumn("separation", "float", "lookup", "arcsec", "pos.angDistance", "distance to it"),
)  # fmt: skip
CATALOGUE_COLUMNS = (
    NewColumn("name", "text", ucd="meta.id;meta.main", description="name"),
    NewColumn("position", "position", unit="deg", ucd="pos.eq;meta.main", description="position (ICRS)"),
    NewColumn("type", "text", ucd="src.class", description="kind of object"),
    NewColumn("redshift", "float", ucd="src.redshift", description="redshift", minimum=-0.1, maximum=20),
)


def build(say=lambda text: None):
    """Make the demo, and the project of the real map where `STOA_TEST_DATA` names its folder; once.

    Parameters
    ----------
    say : callable
        Told, in a line, what was made.
    """
    people = make_people()
    pipelines = install_pipelines()
    if not Project.objects.filter(slug="almacal").exists():
        build_survey(people, pipelines)
        say("the simulated survey is queued")
    if settings.STOA_TEST_DATA and not Project.objects.filter(slug="m87").exists():
        build_m87(people, pipelines, Path(settings.STOA_TEST_DATA))
        say("the map of M 87 is queued")


def make_people():
    """Make the accounts of the demo, whose passwords are their names: the portal listens on loopback only."""
    users = get_user_model().objects
    made = {}
    for name in PEOPLE:
        made[name] = users.filter(username=name).first() or users.create_user(name, password=name)
    if not users.filter(username="curator").exists():
        users.create_superuser("curator", password="curator")
    return made


def share(project, people):
    """Give the demo's people their roles."""
    for name, role in PEOPLE.items():
        if role != "owner":
            share_with(project, people[name], role, by=people["demo"])


def build_survey(people, pipelines):
    """Simulate the survey, then make its tables, links and rows at once."""
    demo, fields = people["demo"], invent_fields()
    with transaction.atomic():
        project = Project(slug="almacal")
        name_owner(project_folder(project), demo.username)
        written = write_survey(project_folder(project), fields)
        project = create_project(
            "almacal",
            "Calibrator fields",
            "A simulated survey: seven calibrator fields in two bands, and the faint sources beside the calibrators.",
            creator=demo,
        )
        share(project, people)
        observations = make_observations(project, pipelines, demo)
        sources = make_sources(project, observations, demo)
        catalogue = create_worktable(
            project,
            "catalogue",
            creator=demo,
            title="Known objects",
            description="What was known before: the calibrators, and some of their neighbours.",
            columns=CATALOGUE_COLUMNS,
        )
        counts = create_worktable(
            project,
            "counts",
            creator=demo,
            title="Number counts",
            description="Sources brighter than a limit, per square degree.",
            columns=[NewColumn("band", "text", ucd="instr.bandpass", description="receiver band")],
            pipeline=pipelines["number_counts"],
        )
        nearest(
            catalogue,
            sources,
            name="known_object",
            of="position",
            position="position",
            radius=MATCH_RADIUS,
            lookup={"name": "nearest_name"},
            separation="separation",
            by=demo,
        )
        collect(sources, counts, name="sources", match={"band": "band"}, by=demo)
        collect(observations, counts, name="observations", match={"band": "band"}, by=demo)
        add_rows(catalogue, known_objects(fields), by=demo)
        add_rows(observations, [{"folder": folder, "group": group} for folder, group in written], by=demo)
        add_rows(counts, [{"band": band, "flux_min": limit} for band in "36" for limit in LIMITS], by=demo)


def build_m87(people, pipelines, data):
    """Bring the real map in `data` through the same path."""
    demo = people["demo"]
    folder = project_folder(Project(slug="m87"))
    name_owner(folder, demo.username)
    for file in sorted(data.glob("m87_*.fits")):
        shutil.copyfile(file, folder / file.name)
    with transaction.atomic():
        project = create_project(
            "m87", "M 87", "The core and jet of M 87 with the VLBA at 8 GHz: a real dirty map.", creator=demo
        )
        share(project, people)
        observations = make_observations(project, pipelines, demo)
        make_sources(project, observations, demo)
        rows = [{"folder": ".", "group": group.name} for group in find_groups(folder)]
        add_rows(observations, rows, by=demo)


def make_observations(project, pipelines, demo):
    """Make the table of observations: a row is an image group of a product folder."""
    return create_worktable(
        project,
        "observations",
        creator=demo,
        title="Observations",
        description="One image group of one product folder, characterised by BaSC.",
        pipeline=pipelines["characterise"],
    )


def make_sources(project, observations, demo):
    """Make the table of sources: each item of an observation's catalogue is a row."""
    sources = create_worktable(
        project,
        "sources",
        creator=demo,
        title="Sources",
        description="Every source that BaSC found, matched on the sky when a field is made anew.",
        columns=SOURCE_COLUMNS,
    )
    expand(
        observations,
        sources,
        name="list_sources",
        item="catalogue",
        fields=ITEM_FIELDS,
        carry={"object": "object", "band": "band"},
        sky="position",
        within="beam_major",
        by=demo,
    )
    return sources
