"""What addresses of jobs answer, and what they are sent."""

from django.http import HttpResponse

from vo.doors import TEXT_TYPE
from vo.parameters import refuse_what_is_large, sent_parameters

XML_TYPE = "application/xml"


def form_of(request):
    """Return what a form says and the files that came with it, unless it is larger than anything we take."""
    refuse_what_is_large(request)
    return sent_parameters(request), request.FILES


def see_other(request, address):
    """Send whoever posted to another address, which they are to get."""
    return HttpResponse(status=303, headers={"Location": request.build_absolute_uri(address)})


def text(value):
    """Answer with one value."""
    return HttpResponse(str(value), content_type=TEXT_TYPE)


def xml(document):
    """Answer with a document."""
    return HttpResponse(document, content_type=XML_TYPE)
