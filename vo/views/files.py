"""The files of published rows, for whoever may see the version they were published with."""

from django.http import HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404

from archive.models import Product
from archive.thumbnails import picture_of
from vo.doors import door
from vo.models import PublishedProduct
from worktables.remaking import told_to
from worktables.views.files import send_file


@door("GET")
def file(request, schema, name, number, row_id, column):
    """Send the file of a published row."""
    product = find_file(request.user, schema, name, number, row_id, column)
    tag = f'"{product.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponseNotModified()
    else:
        answer = send_file(request, product, project_of(product))
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"  # one asks each time whether one may still see it
    return answer


@door("GET")
def preview(request, schema, name, number, row_id, column):
    """Send the image of a published row as a PNG."""
    product = find_file(request.user, schema, name, number, row_id, column)
    tag = f'"{product.sha256}-png"'
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponseNotModified()
    else:
        with told_to(request.user, project_of(product)):
            answer = HttpResponse(picture_of(product.sha256, product.name), content_type="image/png")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def find_file(user, schema, name, number, row_id, column):
    """Find the file of a published row that this user may see."""
    return get_object_or_404(
        PublishedProduct.objects.visible_to(user).select_related("version__publication__worktable"),
        version__publication__schema=schema,
        version__publication__name=name,
        version__number=number,
        row_id=row_id,
        column=column,
    )


def project_of(product):
    """Return the id of the project whose file it is, as far as that is known still."""
    worktable = product.version.publication.worktable
    if worktable is not None:
        return worktable.project_id
    return Product.objects.filter(sha256=product.sha256).values_list("project_id", flat=True).first()
