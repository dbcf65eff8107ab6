"""Identifiers of published files, as clients send them."""

import re

from django.conf import settings

from vo.models import PublishedProduct
from vo.obscore import did_prefix

FORM = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\?v\d+/\d+/[a-z][a-z0-9_]*")


class NotAnIdentifier(ValueError):
    """A text that cannot be an identifier of ours."""

    def __init__(self, text):
        self.text = text
        super().__init__(
            f"“{text[:200]}” is no identifier of this service; those begin with ivo://{settings.STOA_AUTHORITY}/ "
            "and are in the column obs_publisher_did of ivoa.obscore"
        )


def own_part(identifier):
    """Return what stands after the authority, or raise `NotAnIdentifier`. Registries take no heed of case."""
    prefix, plain = did_prefix(), identifier.strip().lower()
    if not plain.startswith(prefix.lower()) or not FORM.fullmatch(plain[len(prefix) :]):
        raise NotAnIdentifier(identifier)
    return plain[len(prefix) :]


def find_products(identifiers, user):
    """Return the published files that this user may see, by what stands after the authority; in one query."""
    found = (
        PublishedProduct.objects.visible_to(user)
        .filter(did__in=identifiers)
        .select_related("version__publication")
    )
    return {product.did: product for product in found}
