"""IVOA VOSI 1.1: whether the services are up, and which there are. Both are for everybody."""

import xml.etree.ElementTree as ElementTree

from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
DATA_SERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

# What is offered, by its standard: only what is there.
OFFERED = {
    "ivo://ivoa.net/std/VOSI#availability": "vosi-availability",
    "ivo://ivoa.net/std/VOSI#capabilities": "vosi-capabilities",
}

ElementTree.register_namespace("vosi", CAPABILITIES)
ElementTree.register_namespace("avail", AVAILABILITY)
ElementTree.register_namespace("xsi", INSTANCE)


@require_safe
def availability(request):
    """Say whether questions can be answered: whether the database answers one."""
    root = ElementTree.Element(f"{{{AVAILABILITY}}}availability")
    up = database_answers()
    ElementTree.SubElement(root, f"{{{AVAILABILITY}}}available").text = "true" if up else "false"
    note = "The database answers." if up else "The database does not answer; please try again later."
    ElementTree.SubElement(root, f"{{{AVAILABILITY}}}note").text = note
    return as_document(root)


@require_safe
def capabilities(request):
    """List the services that are there."""
    # The prefix of the interface's type stands in an attribute, where no writer of XML looks for it.
    root = ElementTree.Element(f"{{{CAPABILITIES}}}capabilities", {"xmlns:vs": DATA_SERVICE})
    for standard, name in OFFERED.items():
        capability = ElementTree.SubElement(root, "capability", {"standardID": standard})
        interface = ElementTree.SubElement(
            capability, "interface", {f"{{{INSTANCE}}}type": "vs:ParamHTTP", "version": "1.0"}
        )
        address = ElementTree.SubElement(interface, "accessURL", {"use": "full"})
        address.text = request.build_absolute_uri(reverse(name))
    return as_document(root)


def database_answers():
    """Say whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError:
        return False


def as_document(root):
    """Answer with an XML document."""
    text = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return HttpResponse(text, content_type="application/xml")
