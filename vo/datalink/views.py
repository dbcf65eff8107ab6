"""The addresses of DataLink."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from vo.datalink.identifiers import NotAnIdentifier, find_products, own_part
from vo.datalink.links import can_be_cut, links_of, refused, service_id
from vo.doors import door
from vo.obscore import DATALINK
from vo.parameters import base_of, sent_parameters
from vo.tap.errors import BadParameter
from vo.xml import legal

MOST = 500  # identifiers in one request; Django takes at most 1000 values of all parameters together
FORMATS = {DATALINK, "votable", "application/x-votable+xml", "text/xml", "application/xml"}
NOTHING = "there is nothing under this identifier, or it is not shown to you"


@door("GET", "POST", errors="votable")
def links(request):
    """Answer with the links of published files (DataLink 1.1, section 2)."""
    given = sent_parameters(request)
    for wanted in given.get("RESPONSEFORMAT", ()):
        if "".join(wanted.lower().split()) not in FORMATS:
            raise BadParameter("RESPONSEFORMAT", f"“{wanted}” is not offered; there is only {DATALINK}")
    asked = list(dict.fromkeys(one for one in given.get("ID", ()) if one.strip()))
    products, rows, more = answered(asked[:MOST], request.user, base_of(request))
    facts = {
        "rows": rows,
        "services": [
            Service.of(identifier, product) for identifier, product in products if can_be_cut(product)
        ],
        "soda": base_of(request) + reverse("soda-sync"),
        "links": base_of(request) + reverse("datalink-links"),
        "more": [(one, related.left_out, related.at_least) for one, related in more.items()],
        "overflow": len(asked) > MOST,
        "most": MOST,
    }
    document = legal(render_to_string("vo/links.xml", facts))
    return HttpResponse(document, content_type=DATALINK)


def answered(asked, user, base):
    """Return the files that were found, with their identifiers; the rows of the answer, in the order asked for.

    Last, for files of which not all links are in these rows, what goes with them.
    """
    parts, wrong = {}, {}
    for identifier in asked:
        try:
            parts[identifier] = own_part(identifier)
        except NotAnIdentifier as error:
            wrong[identifier] = refused(identifier, "UsageFault", error)
    known = find_products(parts.values(), user)
    products = {one: known[part] for one, part in parts.items() if part in known}
    found, more = links_of(products, user, base)
    rows = []
    for identifier in asked:
        missing = wrong.get(identifier) or refused(identifier, "NotFoundFault", NOTHING)
        rows += found.get(identifier) or [missing]
    return list(products.items()), rows, more


@dataclass(frozen=True)
class Service:
    """The service that cuts a file, and what can be asked of it."""

    name: str
    id: str
    circle: str
    polygon: str
    band: tuple[float, float] | None
    pol: tuple[str, ...]

    @classmethod
    def of(cls, identifier, product):
        """Describe what can be cut out of a file."""
        sky = product.s_region is not None
        radius = (product.s_fov or 0) / 2
        channels = product.em_xel and product.em_xel > 1
        return cls(
            service_id(product),
            identifier,
            f"{product.s_ra!r} {product.s_dec!r} {radius!r}" if sky else "",
            product.s_region.partition(" ")[2] if sky else "",
            (product.em_min, product.em_max) if channels else None,
            tuple(filter(None, (product.pol_states or "").split("/"))) if (product.pol_xel or 0) > 1 else (),
        )
