"""SODA 1.0: parts of published images and cubes.

One cut-out in a request, of one file. It is the smallest box of pixels around the place asked for; nothing in it is
blanked.
"""

from django.http import HttpResponse
from django.urls import reverse

from archive.cutouts import cut
from archive.errors import CannotBeCut, NothingThere
from archive.outlines import Circle, Polygon, Range
from archive.storage import path_of
from vo.datalink.identifiers import NotAnIdentifier, find_products, own_part
from vo.doors import door
from vo.errors import VoError
from vo.parameters import interval_of, only_of, sent_parameters
from vo.sky import read_shape, shape_of
from vo.tap.errors import BadParameter
from vo.views.files import project_of
from vo.vosi import as_document
from worktables.remaking import told_to
from worktables.streaming import stream

FITS = "application/fits"
FORMATS = {FITS, "image/fits", "fits"}
SHAPES = ("CIRCLE", "POLYGON", "POS")
NOT_OFFERED = ("TIME",)
DOCUMENTS = {
    "ivo://ivoa.net/std/VOSI#capabilities": "soda-capabilities",
    "ivo://ivoa.net/std/VOSI#availability": "soda-availability",
}


class Fault(VoError):
    """A request that cannot be fulfilled, with the word that SODA has for it (section 4.4)."""

    def __init__(self, fault, why, status=400):
        self.fault, self.status = fault, status
        super().__init__(f"{fault}: {why}")


@door("GET", "POST")
def sync(request):
    """Answer with a part of a file, as a FITS file with coordinates of its own."""
    given = sent_parameters(request)
    try:
        identifier, wanted = last_one(given, "ID"), wanted_of(given)
    except BadParameter as error:
        raise Fault("UsageFault", error) from None
    product = find_image(identifier, request.user)
    with told_to(request.user, project_of(product)):
        path = path_of(product.sha256)
    said = (f"cut out of {identifier}", *(f"{name}={value}" for name, value in told(given)))
    try:
        found = cut(path, said, **wanted)
    except NothingThere:
        return HttpResponse(status=204)
    except CannotBeCut as error:
        raise Fault("UsageFault", f"{error}; ask for the whole file instead") from None
    name = product.name.rpartition(".")[0] or product.name
    return stream(request, found.pieces, media_type=FITS, filename=f"{name}.part.fits", size=found.size)


@door("GET")
def capabilities(request):
    """List what the service can do."""
    facts = {
        "sync": request.build_absolute_uri(reverse("soda-sync")),
        "documents": [(one, request.build_absolute_uri(reverse(name))) for one, name in DOCUMENTS.items()],
    }
    return as_document("vo/soda_capabilities.xml", facts)


def wanted_of(given):
    """Return what shall be cut, as `archive.cutouts.box_of` has it, or raise `BadParameter`."""
    for name in NOT_OFFERED:
        if any(value.strip() for value in given.get(name, ())):
            raise BadParameter(name, "files are not cut along it here; leave it out")
    asked = last_one(given, "RESPONSEFORMAT") or FITS
    if asked.lower().partition(";")[0].strip() not in FORMATS:
        raise BadParameter("RESPONSEFORMAT", f"“{asked}” is not offered; there is only {FITS}")
    shapes = {name: last_one(given, name) for name in SHAPES}
    shapes = {name: text for name, text in shapes.items() if text}
    if len(shapes) > 1:
        raise BadParameter(" and ".join(shapes), "give one place only")
    wanted = {}
    for name, text in shapes.items():
        shape = read_shape(name, text) if name == "POS" else shape_of(name, name, text.split())
        wanted["shape"] = as_cut(shape)
    if band := last_one(given, "BAND"):
        wanted["band"] = interval_of("BAND", band)
    if pol := last_one(given, "POL"):
        wanted["pol"] = pol.upper()
    return wanted


def as_cut(shape):
    """Return a shape as whoever cuts it knows it."""
    numbers = shape.numbers
    if shape.kind == "CIRCLE":
        return Circle(*numbers)
    return Range(*numbers) if shape.kind == "RANGE" else Polygon(numbers[0::2], numbers[1::2])


def last_one(given, name):
    """Return the one value of a parameter; several are for asynchronous requests, which are not offered."""
    try:
        return only_of(given, name)
    except BadParameter:
        why = f"{name} is given more than once; ask for one part of one file at a time"
        raise Fault("MultiValuedParamNotSupported", why) from None


def told(given):
    """Return the parameters that say what was cut."""
    return [
        (name, value) for name in (*SHAPES, "BAND", "POL") for value in given.get(name, ()) if value.strip()
    ]


def find_image(identifier, user):
    """Find the published file that somebody wants cut, and may see."""
    if not identifier:
        raise Fault("UsageFault", "ID is missing; give the identifier of a file, from ivoa.obscore")
    try:
        part = own_part(identifier)
    except NotAnIdentifier as error:
        raise Fault("NotFoundFault", error, 404) from None
    product = find_products([part], user).get(part)
    if product is None:
        raise Fault("NotFoundFault", "there is nothing under this identifier, or it is not shown to you", 404)
    if not product.is_image:
        raise Fault("UsageFault", f"{product.name} is neither an image nor a cube; ask for the whole file")
    return product
