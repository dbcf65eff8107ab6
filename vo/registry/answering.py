"""Answers of OAI-PMH 2.0, one function for each verb."""

from django.conf import settings

from vo.models import ServiceRecord
from vo.registry.arguments import dates_of
from vo.registry.errors import (
    BadResumptionToken,
    CannotDisseminateFormat,
    IdDoesNotExist,
    NoRecordsMatch,
)
from vo.registry.identifiers import key_in, names_in
from vo.registry.listing import page_of, service_entries, table_entries
from vo.registry.people import operators
from vo.registry.services import service_facts
from vo.registry.tables import listed_versions, table_records
from vo.registry.tokens import Token, read_token, write_token

MANAGED = "ivo_managed"
FORMATS = {
    "ivo_vor": {
        "prefix": "ivo_vor",
        "schema": "http://www.ivoa.net/xml/RegistryInterface/v1.0",
        "namespace": "http://www.ivoa.net/xml/RegistryInterface/v1.0",
        "template": "vo/registry/_resource.xml",
    },
    "oai_dc": {
        "prefix": "oai_dc",
        "schema": "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
        "namespace": "http://www.openarchives.org/OAI/2.0/oai_dc/",
        "template": "vo/registry/_dc.xml",
    },
}


def answer_to(arguments, base):
    """Return what the answer says, for its template.

    Parameters
    ----------
    arguments : dict
        Of `arguments_from`.
    base : str
        Address of the portal, as whoever asks reaches it.

    Raises
    ------
    OaiError
    """
    verb = arguments["verb"]
    return {"verb": verb, **ANSWERS[verb](arguments, base)}


def identify(arguments, base):
    """Say who we are (section 4.2)."""
    services = ServiceRecord.objects.in_bulk()
    registry = service_facts(services["registry"], base)
    first = listed_versions().order_by("stamp").values_list("stamp", flat=True).first()
    dates = [record.created_at for record in services.values()] + ([first] if first else [])
    return {
        "identity": {
            "title": registry["title"],
            "email": operators()["email"],
            "earliest": min(dates),
            "registry": registry,
        }
    }


def list_formats(arguments, base):
    """Say in which formats records are (section 4.4): all of them in all of these."""
    if "identifier" in arguments:
        entry_of(arguments["identifier"])
    return {"formats": list(FORMATS.values())}


def list_sets(arguments, base):
    """Say which sets there are (section 4.6)."""
    if "resumptionToken" in arguments:
        raise BadResumptionToken  # the list is short
    return {"sets": [(MANAGED, "What is published here: all there is")]}


def get_record(arguments, base):
    """Return one record (section 4.1)."""
    template = template_of(arguments["metadataPrefix"])
    entry = entry_of(arguments["identifier"])
    return {"records": with_facts([entry], base), "template": template}


def list_records(arguments, base):
    """Return records, or their headers, page by page (sections 4.3 and 4.5)."""
    verb, token = arguments["verb"], None
    if "resumptionToken" in arguments:
        token = read_token(verb, arguments["resumptionToken"])
        arguments = token.arguments
    template = template_of(arguments["metadataPrefix"])
    if arguments.get("set", MANAGED) != MANAGED:
        raise NoRecordsMatch
    most, cursor = settings.VO["REGISTRY_RECORDS"], token.cursor if token else 0
    after = token.after if token else None
    entries, more, total = page_of(dates_of(arguments), after, most)
    if not entries:
        raise NoRecordsMatch
    facts = {"records": entries if verb == "ListIdentifiers" else with_facts(entries, base)}
    if token or more:
        text = write_token(Token(arguments, entries[-1].place, cursor + len(entries))) if more else ""
        facts["token"] = {"text": text, "total": total, "cursor": cursor}
    return facts | {"template": template}


def template_of(prefix):
    """Return what writes records in a format, or raise `CannotDisseminateFormat`."""
    if prefix not in FORMATS:
        raise CannotDisseminateFormat(prefix, FORMATS)
    return FORMATS[prefix]["template"]


def entry_of(identifier):
    """Return the entry of a record, or raise `IdDoesNotExist`."""
    key = key_in(identifier)
    names = names_in(key) if key else None
    if names:
        schema, name = names
        found = table_entries(listed_versions().filter(publication__schema=schema, publication__name=name), 1)
    else:
        found = [entry for entry in service_entries() if entry.service.key == key]
    if not found:
        raise IdDoesNotExist(identifier)
    return found[0]


def with_facts(entries, base):
    """Return what the template needs of each record."""
    ids = [entry.version for entry in entries if entry.version]
    tables = table_records(ids, base) if ids else {}
    return [
        {
            "identifier": entry.identifier,
            "stamp": entry.stamp,
            "facts": service_facts(entry.service, base) if entry.service else tables[entry.version],
        }
        for entry in entries
    ]


ANSWERS = {
    "Identify": identify,
    "ListMetadataFormats": list_formats,
    "ListSets": list_sets,
    "GetRecord": get_record,
    "ListIdentifiers": list_records,
    "ListRecords": list_records,
}
