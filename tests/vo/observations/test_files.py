"""Files of published rows: sent to whoever may see the version, and to nobody else."""

from hashlib import sha256
from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image

from archive.storage import put, remove
from tests.vo.observations import skies
from vo.models import PublishedProduct
from worktables.creating import delete_worktable

pytestmark = pytest.mark.django_db


def address(row=1, column="image", name="published-file", version=1):
    return reverse(name, args=["virgo", "pictures", version, row, column])


def test_anybody_gets_the_file_of_what_is_published_to_the_world(shown, client):
    answer = client.get(address())

    assert b"".join(answer.streaming_content) == skies.image()
    assert answer["Content-Disposition"] == 'attachment; filename="m87.fits"'
    assert int(answer["Content-Length"]) == len(skies.image())
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert client.get(address(), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_picture_has_the_size_of_the_image(shown, client):
    answer = client.get(address(name="published-preview"))

    assert answer["Content-Type"] == "image/png"
    assert Image.open(BytesIO(answer.content)).size == (32, 24)
    assert client.get(address(column="note", name="published-preview")).status_code == 404


@pytest.mark.parametrize("name", ["published-file", "published-preview"])
def test_what_is_not_shown_is_not_sent(hidden, client, owner, reader, stranger, name):
    statuses = {}
    for user in (None, stranger, reader, owner):
        client.logout()
        if user is not None:
            client.force_login(user)
        statuses[user and user.username] = client.get(address(name=name)).status_code
    assert statuses == {None: 404, "stranger": 404, "reader": 200, "owner": 200}


def test_what_is_not_there_is_not_found(shown, client):
    for wrong in (address(row=9), address(column="name"), address(version=2), address(row=10**30)):
        assert client.get(wrong).status_code == 404


def test_files_outlive_their_table(shown, pictures, owner, client):
    delete_worktable(pictures, by=owner)

    assert client.get(address()).status_code == 200


def test_a_file_is_never_a_page(shown, client):
    answer = client.get(address(column="note"))

    assert b"".join(answer.streaming_content) == b"nothing to see"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


# ------------------------------------------------------------------ recording them


def test_every_file_is_recorded_once_with_its_size(shown):
    recorded = {
        (product.row_id, product.column): (product.sha256, product.size)
        for product in PublishedProduct.objects.filter(version=shown)
    }

    assert len(recorded) == 4 * 3 + 1
    data = skies.image()
    assert recorded[1, "image"] == (sha256(data).hexdigest(), len(data))
    assert shown.products.filter(is_catalogue=True).count() == 4
    assert shown.products.get(row_id=1, column="note").dataproduct_type is None


def test_a_header_is_read_once_for_all_versions(shown, pictures, publish):
    first = shown.products.get(row_id=4, column="image")
    remove(first.sha256)

    again = publish(pictures, changes="again").products.get(row_id=4, column="image")

    assert (again.s_region, again.em_max) == (first.s_region, first.em_max)
    put(skies.image(shape=(5, 24, 32), OBJECT="M87"))


def test_a_file_that_is_lost_does_not_keep_a_table_from_being_published(pictures, publish):
    remove(sha256(skies.image()).hexdigest())

    version = publish(pictures)

    assert version.products.get(row_id=1, column="image").dataproduct_type is None
    assert version.products.get(row_id=2, column="image").dataproduct_type == "image"


def test_recording_asks_the_database_as_often_for_many_rows(shown, django_assert_max_num_queries):
    from vo.publishing.products import index_products

    PublishedProduct.objects.all().delete()
    with django_assert_max_num_queries(14):
        assert len(list(index_products(shown))) == 1
    assert shown.products.count() == 13
    with django_assert_max_num_queries(3):  # nothing is left to do
        assert list(index_products(shown)) == []
