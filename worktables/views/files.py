"""The files of a row, through the row: downloads, and pictures of images."""

from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from archive.models import Product
from archive.storage import open_blob, size_of
from archive.thumbnails import picture_of
from worktables.models import Kind
from worktables.remaking import told_to
from worktables.storage import layout_of
from worktables.streaming import file_pieces, stream
from worktables.views.finding import find_table


def send_file(request, product, project_id):
    """Answer with a kept file, made again if it was evicted; what goes wrong is told as to who sees the project."""
    with told_to(request.user, project_id):
        size = size_of(product.sha256)
    answer = stream(
        request,
        file_pieces(partial(open_blob, product.sha256)),
        media_type=product.media_type or "application/octet-stream",
        filename=product.name,
        size=size,
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@login_required
@require_safe
def file(request, pk, row_id, column):
    """Send the file of a cell under the name it has in the project."""
    product = find_product(request, pk, row_id, column)
    answer = send_file(request, product, product.project_id)
    answer["ETag"] = f'"{product.sha256}"'
    return answer


@login_required
@require_safe
def picture(request, pk, row_id, column):
    """Send the image of a cell as a PNG."""
    product = find_product(request, pk, row_id, column)
    tag = f'"{product.sha256}-png"'
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponseNotModified()
    else:
        with told_to(request.user, product.project_id):
            picture = picture_of(product.sha256, product.name)
        answer = HttpResponse(picture, content_type="image/png")
    answer["ETag"] = tag
    # The browser asks each time whether one may still see it; the bytes travel once.
    answer["Cache-Control"] = "private, no-cache"
    return answer


def find_product(request, pk, row_id, column):
    """Find the file of a cell of a row one may see."""
    table = find_table(request, pk)
    layout = layout_of(table)
    found = layout.by_name.get(column)
    row = layout.rows.filter(id=row_id).first()
    if found is None or row is None or found.kind not in (Kind.PRODUCT, Kind.CATALOGUE):
        raise Http404
    return get_object_or_404(Product, project=table.project_id, sha256=layout.value(found, row))
