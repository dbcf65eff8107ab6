"""A file that very many runs used has links to some of what came of it, and the number of the others."""

import re
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pipelines.fingerprints import digest_of
from pipelines.models import Run
from provenance.models import Entity, Generated, Used
from vo.datalink.related import MOST
from vo.models import FrozenRun, PublishedProduct

pytestmark = pytest.mark.django_db
DID = "ivo://stoa.invalid/virgo.pictures?v1/"


@pytest.fixture
def use_often(shown):
    """Record that an image was used by many runs, each of which made a file of another published row."""
    image = shown.products.get(row_id=1, column="image")
    like = Run.objects.earliest("pk")
    own = ("id", "row_id", "inputs", "outputs")
    facts = {
        one.attname: getattr(like, one.attname) for one in Run._meta.concrete_fields if one.name not in own
    }
    project = shown.publication.worktable.project

    def use(first, count):
        rows = range(first, first + count)
        made = {row: f"{row:064x}" for row in rows}
        runs = Run.objects.bulk_create(
            Run(
                **facts, row_id=row, inputs={"image": image.sha256, "much": "x" * 1000}, outputs={"smooth": made[row]}
            )
            for row in rows
        )  # fmt: skip
        entities = Entity.objects.bulk_create(
            Entity(project=project, worktable_id=like.worktable_id, row_id=row, column_id=column, kind="file",
                   digest=digest_of("product", sha256), name="x")
            for row in rows for column, sha256 in ((1, image.sha256), (2, made[row]))
        )  # fmt: skip
        Used.objects.bulk_create(
            Used(run=run, entity=one, role="image") for run, one in zip(runs, entities[::2], strict=True)
        )
        Generated.objects.bulk_create(
            Generated(run=run, entity=one, role="smooth")
            for run, one in zip(runs, entities[1::2], strict=True)
        )
        FrozenRun.objects.bulk_create(
            FrozenRun(version=shown, row_id=run.row_id, step_id=like.step_id, run_id=run.pk) for run in runs
        )
        PublishedProduct.objects.bulk_create(
            PublishedProduct(
                version=shown, row_id=row, column="smooth", sha256=made[row], name=f"{row}.fits", media_type="x",
                size=1, obs_collection="virgo.pictures", obs_id="x", did=f"virgo.pictures?v1/{row}/smooth",
            )
            for row in rows
        )  # fmt: skip

    return use


def asked(client, *rows):
    address = reverse("datalink-links")
    answer = client.get(address, {"ID": [f"{DID}{row}/image" for row in rows]})
    assert answer.status_code == 200
    return answer.content.decode()


def measured(client):
    """Return the answer, how many queries it took, and how much memory."""
    tracemalloc.start()
    with CaptureQueriesContext(connection) as queries:
        text = asked(client, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return text, len(queries), peak


def test_links_to_some_are_given_and_the_others_are_counted(client, use_often):
    asked(client, 1)
    use_often(1000, 150)
    text, few_queries, little = measured(client)
    assert text.count("#derivation") == MOST
    assert 'name="LEFT_OUT" value="52"' in text  # two of the hundred are of its own row
    assert re.search(r"files of 52 more rows were made from it", text)

    use_often(2000, 3000)
    text, queries, peak = measured(client)

    assert text.count("#derivation") == MOST
    assert 'name="LEFT_OUT" value="3052"' in text
    assert queries == few_queries
    assert peak < 2 * little + 1_000_000


def test_a_file_asked_about_with_many_others_is_counted_less_far(client, use_often, monkeypatch):
    from vo.datalink import related

    monkeypatch.setattr(related, "MOST_OF_ALL", 100)
    use_often(1000, 300)

    text = asked(client, 1, 2, 3, 4)

    assert "at least" in text
    assert 0 < text.count("#derivation") < 60


def test_what_was_made_elsewhere_leads_back(client, use_often):
    use_often(1000, 3)

    text = client.get(reverse("datalink-links"), {"ID": f"{DID}1001/smooth"}).content.decode()

    assert text.count("#progenitor") == 1
    assert "m87.fits" in text
