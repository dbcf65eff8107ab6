"""Keeping a file for a project: the bytes once for all, the record once for the project."""

from archive.models import Product
from archive.storage import put


def keep_product(project, data, name, media_type="application/fits", header=None, by=None):
    """Keep a file of a project and return its record.

    Parameters
    ----------
    project : Project
    data : bytes
    name : str
        What people call it; the first name a file had in a project stays.
    media_type : str
    header : dict, optional
        What its header says, as plain JSON.
    by : User, optional
        Whose work it is.

    Returns
    -------
    Product
    """
    sha256 = put(data)
    product, _ = Product.objects.get_or_create(
        project=project,
        sha256=sha256,
        defaults={
            "size": len(data),
            "name": name[:255],
            "media_type": media_type,
            "header": header or {},
            "created_by": by,
        },
    )
    if product.evicted_at is not None:
        product.evicted_at = None
        product.save(update_fields=["evicted_at"])
    return product
