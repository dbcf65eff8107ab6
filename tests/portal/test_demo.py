"""The demo and the real map: the whole path, from files on disk to number counts, through the real steps."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from django.core.files.storage import default_storage

from archive.models import Product
from archive.storage import name_of, path_of
from pipelines.models import Run
from portal.demo import building, publish, survey
from projects.models import Project
from vo.models import PublishedProduct, PublishedVersion
from worktables.editing import edit_cell
from worktables.models import Todo, Worktable
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.remaking import evict_products, evictable_products
from worktables.storage import layout_of
from worktables.updating import state_counts


@pytest.fixture
def places(settings, tmp_path, monkeypatch):
    settings.STOA_ARCHIVE_ROOT = tmp_path / "archive"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STOA_TEST_DATA = ""
    monkeypatch.setattr(survey, "N_FIELDS", 3)


@pytest.fixture
def demo(db, places):
    """Build the demo with three fields and compute it; return its tables by name."""
    building.build()
    drain(register_worker("tester"))
    return {table.name: table for table in Worktable.objects.filter(project__slug="almacal")}


def column(table, name, **wanted):
    layout = layout_of(table)
    rows = layout.rows.exclude(state=9).order_by("id")
    for key, value in wanted.items():
        rows = rows.filter(**{layout.physical[layout.by_name[key].pk][0]: value})
    return {row.id: layout.value(layout.by_name[name], row) for row in rows}


def test_every_row_of_the_demo_is_fresh_and_its_sources_are_the_invented_ones(demo):
    for table in demo.values():
        assert set(state_counts([table])[table.pk]) == {"fresh"}
    assert set(column(demo["observations"], "band").values()) == {"3", "6"}

    found = column(demo["sources"], "position", band="3")
    fluxes = column(demo["sources"], "flux_intrinsic", band="3")
    errors = column(demo["sources"], "flux_intrinsic_error", band="3")
    sky = SkyCoord(list(found.values()), unit="deg")
    truth = [
        (field.centre.spherical_offsets_by(source.east * u.arcsec, source.north * u.arcsec), source.flux)
        for field in survey.invent_fields()[:3]
        for source in field.sources
    ]
    for place, flux in truth:
        separations = place.separation(sky).arcsec
        nearest = int(np.argmin(separations))
        row = list(found)[nearest]
        assert separations[nearest] < 0.15
        assert abs(fluxes[row] - flux) < 5 * errors[row]
    assert len(found) == len(truth), "nothing was found that is not there"


def test_a_companion_forty_times_fainter_and_closer_than_a_beam_is_found(demo):
    field = survey.invent_fields()[0]
    calibrator, companion = field.sources[:2]
    assert calibrator.flux / companion.flux == pytest.approx(40)
    separation = np.hypot(calibrator.east - companion.east, calibrator.north - companion.north)
    beam = column(demo["observations"], "beam_major")[1]
    assert separation < beam

    place = field.centre.spherical_offsets_by(companion.east * u.arcsec, companion.north * u.arcsec)
    sky = SkyCoord(list(column(demo["sources"], "position", band="3").values()), unit="deg")
    assert place.separation(sky).arcsec.min() < 0.2 * beam


def test_the_calibrators_are_recognised_and_the_counts_are_those_of_the_sources(demo):
    names = set(column(demo["sources"], "nearest_name").values())
    assert {field.name for field in survey.invent_fields()[:3]} <= names

    for band in "36":
        fluxes = list(column(demo["sources"], "flux_intrinsic", band=band).values())
        areas = column(demo["observations"], "searched_area", band=band).values()
        limits = column(demo["counts"], "flux_min", band=band)
        counts = column(demo["counts"], "n", band=band)
        densities = column(demo["counts"], "n_per_deg2", band=band)
        for row, limit in limits.items():
            assert counts[row] == sum(flux >= limit for flux in fluxes)
            assert densities[row] == pytest.approx(counts[row] / (sum(areas) / 3600))


def test_an_edited_parameter_runs_that_row_and_what_depends_on_it_and_nothing_else(demo):
    observations, user = demo["observations"], demo["observations"].created_by
    before = Run.objects.count()

    edit_cell(observations, 1, observations.column("seed"), 7, seen=None, editor=user)
    queued = set(Todo.objects.values_list("worktable__name", "row_id"))
    sources_of_1 = set(layout_of(demo["sources"]).rows.filter(parent_id=1).values_list("id", flat=True))
    counts_of_3 = set(column(demo["counts"], "n", band="3"))
    assert queued == {
        ("observations", 1),
        *(("sources", row) for row in sources_of_1),
        *(("counts", row) for row in counts_of_3),
    }
    drain(register_worker("tester"))

    new = list(Run.objects.order_by("id")[before:])
    tables = {table.pk: table.name for table in demo.values()}
    for run in new:
        rows = {"observations": {1}, "sources": sources_of_1, "counts": counts_of_3}[tables[run.worktable_id]]
        assert run.row_id in rows
    steps = sorted({run.step_name for run in new})
    assert {"sources", "list_sources", "cutouts", "count"} <= set(steps)
    assert not {"products", "beam"} & set(steps), "what does not depend on the seed does not run"
    assert sum(run.step_name == "sources" for run in new) == 1


def test_the_demo_is_built_once(demo):
    rows = {name: table.n_rows for name, table in demo.items()}

    building.build()

    assert {table.name: table.n_rows for table in Worktable.objects.all()} == rows
    assert not Todo.objects.exists()


def test_the_same_seed_invents_the_same_survey():
    assert survey.invent_fields() == survey.invent_fields()
    assert survey.invent_fields(1) != survey.invent_fields(2)


@pytest.mark.skipif(
    not os.environ.get("STOA_TEST_DATA"), reason="STOA_TEST_DATA names no folder of real maps"
)
def test_the_core_of_m87_lies_in_the_centre_of_its_map(db, places, settings):
    settings.STOA_TEST_DATA = os.environ["STOA_TEST_DATA"]
    building.build_m87(building.make_people(), building.install_pipelines(), Path(settings.STOA_TEST_DATA))
    drain(register_worker("tester"))

    tables = {table.name: table for table in Project.objects.get(slug="m87").worktables.all()}
    assert state_counts([tables["observations"]])[tables["observations"].pk] == {"fresh": 1}
    fluxes = column(tables["sources"], "flux")
    core = max(fluxes, key=fluxes.get)
    place = SkyCoord([column(tables["sources"], "position")[core]], unit="deg")
    centre = SkyCoord([column(tables["observations"], "position")[1]], unit="deg")
    beam = column(tables["observations"], "beam_minor")[1]
    assert place.separation(centre).arcsec[0] < beam / 4


def test_the_files_that_steps_of_the_demo_made_come_back_as_they_were(demo):
    project = Project.objects.get(slug="almacal")
    going = evictable_products(project)
    before = {sha256: path_of(sha256).read_bytes() for _, sha256, _, _ in going}
    made_by = set(Run.objects.filter(pk__in=[run for *_, run in going]).values_list("step_name", flat=True))
    raw = set(Run.objects.filter(step_name="products").values_list("outputs__image", flat=True))
    assert made_by == {"sources", "cutouts"}
    assert not raw & before.keys(), "the files of the archive stay"

    evict_products(project)

    assert not any(default_storage.exists(name_of(sha256)) for sha256 in before)
    assert {sha256: path_of(sha256).read_bytes() for sha256 in before} == before
    assert not Product.objects.exclude(evicted_at=None).exists()


def test_the_filled_demo_is_published_for_everybody_once(demo):
    assert publish() == [f"almacal.{name}" for name in ("catalogue", "counts", "observations", "sources")]
    assert publish() == []

    versions = PublishedVersion.objects.filter(publication__schema="almacal", scope="world")
    assert dict(versions.values_list("publication__name", "n_rows")) == {
        name: table.n_rows for name, table in demo.items()
    }
    assert PublishedProduct.objects.filter(version__in=versions, dataproduct_type="image").count() >= 3


def test_a_demo_that_is_not_computed_is_not_published(db, places):
    building.build()

    assert publish() == []
