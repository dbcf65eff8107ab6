"""Reading what ObsCore says of the files of a published version from their headers, a few hundred at a time."""

from itertools import islice

from django.core.files.storage import default_storage
from django.db import transaction

from archive.headers import image_header
from archive.models import Product
from archive.obscore import NAMES, observed
from archive.storage import name_of
from vo.models import PublishedProduct
from vo.publishing.storage import count_values, index_products_sky, walk

BATCH = 100  # rows, whose headers are read in less than a second
HOLDS = ("product", "catalogue")


def index_products(version):
    """Record the files of a published version, from where an earlier attempt was stopped; yield after each batch.

    A header is read once for each different file: what an earlier version knows of it is taken from there. Files that
    were evicted are not made again for it; the record of the project says what their header was.
    """
    columns = columns_of(version)
    if not columns:
        return
    last = version.products.order_by("-row_id").values_list("row_id", flat=True).first()
    rows = walk(version, [column["name"] for column in columns], -1 if last is None else last)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            _index(version, columns, batch)
        yield


def columns_of(version):
    """Return the columns of a published version that hold files."""
    return [column for column in version.columns if column["holds"] in HOLDS]


def files_left(version):
    """Return how many files of a version are recorded, and how many there are; None once that is all of them."""
    columns = columns_of(version)
    if not columns or version.products_indexed_at is not None:
        return None
    return version.products.count(), count_values(version, [column["name"] for column in columns])


def _index(version, columns, rows):
    cells = [
        (row_id, column, sha256)
        for row_id, *hashes in rows
        for column, sha256 in zip(columns, hashes, strict=True)
        if sha256
    ]
    hashes = {sha256 for _, _, sha256 in cells}
    files = _files(version, hashes)
    facts = _known(hashes)
    for sha256 in hashes - facts.keys():
        facts[sha256] = facts_of(files[sha256]) if sha256 in files else observed({})
    collection = str(version.publication)
    made = [
        PublishedProduct(
            version=version,
            row_id=row_id,
            column=column["name"],
            sha256=sha256,
            name=files[sha256].name if sha256 in files else sha256,
            media_type=files[sha256].media_type if sha256 in files else "application/octet-stream",
            size=files[sha256].size if sha256 in files else 0,
            is_catalogue=column["holds"] == "catalogue",
            obs_collection=collection,
            obs_id=f"{collection}/{row_id}",
            did=f"{collection}?v{version.number}/{row_id}/{column['name']}",
            **_fitting(facts[sha256]),
        )
        for row_id, column, sha256 in cells
    ]
    PublishedProduct.objects.bulk_create(made, ignore_conflicts=True)  # with whoever does the same
    index_products_sky("version_id = %s AND row_id BETWEEN %s AND %s", [version.pk, rows[0][0], rows[-1][0]])


def _files(version, hashes):
    """Return the records of files by their hash: of the project that published them, else of any."""
    worktable = version.publication.worktable
    own = worktable.project_id if worktable else None
    found = {}
    for product in Product.objects.filter(sha256__in=hashes):
        if product.sha256 not in found or product.project_id == own:
            found[product.sha256] = product
    return found


def _known(hashes):
    rows = PublishedProduct.objects.filter(sha256__in=hashes).values("sha256", *NAMES)
    return {facts.pop("sha256"): facts for facts in rows}


def facts_of(product):
    """Return what ObsCore says of a file."""
    header = None
    if product.evicted_at is None:
        try:
            with default_storage.open(name_of(product.sha256), "rb") as file:
                header = image_header(file)
        except OSError:  # lost, or evicted a moment ago
            header = product.header
    else:
        header = product.header
    return observed(header or {})


def _fitting(facts):
    """Cut texts to what their columns hold: a header may say anything."""
    fields = {name: PublishedProduct._meta.get_field(name) for name in facts}
    return {
        name: value[: fields[name].max_length]
        if isinstance(value, str) and fields[name].max_length
        else value
        for name, value in facts.items()
    }
