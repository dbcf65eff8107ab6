"""The links of published files: themselves, their pictures, their lineage, cut-outs of them, their documentation."""

from dataclasses import dataclass

from django.urls import reverse

from vo.datalink.related import related_to
from vo.models import Scope

FITS = "application/fits"
VOTABLE = "application/x-votable+xml"


@dataclass(frozen=True)
class Link:
    """A row of the answer."""

    id: str
    semantics: str
    description: str
    address: str = ""
    service: str = ""
    error: str = ""
    content_type: str = ""
    content_length: int | None = None
    qualifier: str = ""
    signed: str = "false"

    @property
    def authorized(self):
        """Whether who asks may follow it: what they may not, they are not told of."""
        return "" if self.error else "true"


def refused(identifier, fault, why):
    """Return the link that says that there is none (DataLink 1.1, section 3.4)."""
    return Link(identifier, "#this", "", error=f"{fault}: {why}")


def links_of(products, user, base):
    """Return the links of these files, {id: [Link]}, the file itself first; and {id: Related} of those with more.

    Parameters
    ----------
    products : dict of str to PublishedProduct
        By the identifier as it was asked for.
    user : User or AnonymousUser
    base : str
        Address of the portal as that person reaches it.
    """
    related = related_to(list(products.values()), user)
    links = {
        identifier: list(_links(identifier, product, related[product.pk], base))
        for identifier, product in products.items()
    }
    more = {one: related[product.pk] for one, product in products.items() if related[product.pk].left_out}
    return links, more


def _links(identifier, product, related, base):
    yield _to_file(identifier, "#this", product, base, of_row=product)
    if product.is_image:
        yield Link(
            identifier,
            "#preview",
            "picture of it",
            preview_address(base, product),
            content_type="image/png",
            signed=_signed(product),
        )
    for semantics, others in (
        ("#progenitor", related.progenitors),
        ("#derivation", related.derivations),
        ("#auxiliary", [*related.siblings, *related.others]),
    ):
        for other in others:
            yield _to_file(identifier, semantics, other, base, of_row=product)
    if can_be_cut(product):
        yield Link(
            identifier,
            "#cutout",
            "part of it, around a place or between wavelengths",
            service=service_id(product),
            content_type=FITS,
            signed=_signed(product),
        )
    version = product.version
    yield Link(
        identifier,
        "#documentation",
        f"{version.title}, version {version.number}",
        base + _version_address("published-version", version),
        content_type="text/html",
        signed=_signed(product),
    )


def _to_file(identifier, semantics, product, base, *, of_row):
    same_row = (product.version_id, product.row_id) == (of_row.version_id, of_row.row_id)
    where = "" if same_row else f" of row {product.row_id} of {product.version}"
    return Link(
        identifier,
        semantics,
        f"{product.column}{where}: {product.name}",
        file_address(base, product),
        content_type=product.media_type,
        content_length=product.size,
        qualifier=f"#{product.dataproduct_type}" if product.dataproduct_type else "",
        signed=_signed(product),
    )


def _signed(product):
    """Return whether one must sign in to get it, as `link_auth` says it."""
    return "false" if product.version.scope == Scope.WORLD else "true"


def can_be_cut(product):
    """Whether parts of it can be asked for: it must know where its pixels are."""
    return product.is_image and (product.s_region is not None or product.em_min is not None)


def service_id(product):
    """Return how the description of the service that cuts a file is called in the answer."""
    return f"soda_{product.pk}"


def file_address(base, product):
    """Return where a published file is."""
    return base + _version_address("published-file", product.version, product.row_id, product.column)


def preview_address(base, product):
    """Return where the picture of a published file is."""
    return base + _version_address("published-preview", product.version, product.row_id, product.column)


def _version_address(name, version, *more):
    publication = version.publication
    return reverse(name, args=[publication.schema, publication.name, version.number, *more])
