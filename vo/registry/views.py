"""The address of the registry, which answers everybody alike: who asks is not even looked at."""

from django.urls import reverse
from django.utils import timezone

from vo.doors import door
from vo.parameters import base_of, refuse_what_is_large
from vo.registry.answering import answer_to
from vo.registry.arguments import arguments_from, repeated
from vo.registry.errors import OaiError
from vo.registry.services import registry_facts
from vo.vosi import as_document


@door("GET", "POST", signed=False)
def oai(request):
    """Answer a request for records (OAI-PMH 2.0; IVOA Registry Interfaces 1.1, section 2)."""
    refuse_what_is_large(request)
    base, arguments = base_of(request), {}
    facts = {"now": timezone.now(), "address": f"{base}{reverse('oai')}"}
    try:
        arguments = arguments_from(sent_with(request))
        facts |= answer_to(arguments, base)
    except OaiError as error:
        facts["error"] = error
        arguments = arguments if error.knows_request else {}
    facts["request"] = repeated(arguments)
    return as_document("vo/registry/oai.xml", facts)


def sent_with(request):
    """Return what was sent, {name: [value]}; names have a case here."""
    sent = {}
    for form in (request.GET, request.POST):
        for name, values in form.lists():
            sent.setdefault(name, []).extend(values)
    return sent


@door("GET", signed=False)
def capabilities(request):
    """List what the registry can do."""
    return as_document("vo/registry/capabilities.xml", {"registry": registry_facts(base_of(request))})
