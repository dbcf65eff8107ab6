"""Records of the portal itself: its authority, who runs it, its registry, TAP, and the images that SIA finds."""

from django.conf import settings
from django.urls import reverse

from vo.catalogue import ivoa
from vo.registry.coverage import FIELDS, coverage_of_images
from vo.registry.identifiers import identifier_of, is_registered
from vo.registry.people import operators
from vo.sia import sia_facts
from vo.tap.schema import tables_described
from vo.vosi import addresses_of, tap_facts

DOCUMENTS = {
    "ivo://ivoa.net/std/VOSI#capabilities": "oai-capabilities",
    "ivo://ivoa.net/std/VOSI#availability": "oai-availability",
}
PROVISIONAL = (
    "This portal has no authority of its own yet. Its identifiers are provisional, and it must not be registered "
    "before STOA_AUTHORITY is set."
)


def service_facts(record, base):
    """Return what a record of the portal itself says.

    Parameters
    ----------
    record : ServiceRecord
    base : str
        Address of the portal.
    """
    return MAKERS[record.key](base) | {
        "created": record.created_at,
        "updated": record.updated_at,
        "dates": [("Created", record.created_at), ("Updated", record.updated_at)],
    }


def common(key, base):
    """Return what all these records say alike."""
    operator = operators()
    return {
        "key": key,
        "identifier": identifier_of(key),
        "publisher": operator["name"],
        "publisher_id": identifier_of("organisation"),
        "creators": [operator["name"]],
        "contact": operator["contact"],
        "subjects": ["virtual-observatories"],
        "reference": operator["page"] or f"{base}/",
        "relations": [],
    }


def authority(base):
    """Return what is said of the authority."""
    name = operators()["name"]
    about = f"The authority under which {name} gives identifiers to what is published here."
    return common("", base) | {
        "type": "vg:Authority",
        "title": f"Naming authority of {name}",
        "description": about if is_registered() else f"{about} {PROVISIONAL}",
        "content_types": ["Other"],
        "managing": name,
    }


def organisation(base):
    """Return what is said of who runs the portal."""
    name = operators()["name"]
    return common("organisation", base) | {
        "type": "vr:Organisation",
        "title": name,
        "description": f"{name} runs the portal and answers for what is published there.",
        "content_types": ["Organisation"],
    }


def registry(base):
    """Return what is said of the registry; this is what Identify answers, too."""
    name = operators()["name"]
    about = f"The records of the tables that {name} publishes, and of the services that answer for them."
    return common("registry", base) | {
        "type": "vg:Registry",
        "title": f"Publishing registry of {name}",
        "short_name": "Stoa registry",
        "description": about if is_registered() else f"{about} {PROVISIONAL}",
        "content_types": ["Registry"],
        "registry": registry_facts(base),
        "authority": identifier_of("").removeprefix("ivo://"),
    }


def registry_facts(base):
    """Return what the registry can do."""
    return {
        "oai": f"{base}{reverse('oai')}",
        "most": settings.VO["REGISTRY_RECORDS"],
        "documents": addresses_of(DOCUMENTS, base),
    }


def tap(base):
    """Return what is said of TAP. Its tables have records of their own, which say that it serves them."""
    name = operators()["name"]
    return common("tap", base) | {
        "type": "vs:CatalogService",
        "title": f"TAP service of {name}",
        "short_name": "Stoa TAP",
        "description": f"All tables that {name} publishes, and the images among them (ObsCore), asked in ADQL.",
        "content_types": ["Archive", "Catalog"],
        "tap": tap_facts(base),
        "browser": f"{base}{reverse('published')}",
    }


def images(base):
    """Return what is said of the images and cubes of published tables, which SIA and ObsCore describe."""
    coverage = coverage_of_images()
    name = operators()["name"]
    schema = ivoa([], base)
    found = coverage or {"wavebands": []}
    subjects = dict.fromkeys(["astronomy-images", *(FIELDS[band] for band in found["wavebands"])])
    return common("images", base) | {
        "type": "vs:CatalogService",
        "title": f"Images published by {name}",
        "short_name": "Stoa images",
        "description": f"Images and cubes in the tables that {name} publishes, found by place, time and wavelength.",
        "content_types": ["Archive"],
        "subjects": list(subjects),
        "relations": [("IsServedBy", identifier_of("tap"), "TAP")],
        "sia": sia_facts(base),
        "tap_too": f"{base}{reverse('tap')}".rstrip("/"),
        "coverage": coverage,
        "schema": {
            "name": schema.name,
            "title": schema.title,
            "description": schema.description,
            "tables": tables_described([schema])[schema.name],
        },
    }


# By their keys, in the order in which they are listed.
MAKERS = {"": authority, "organisation": organisation, "registry": registry, "tap": tap, "images": images}
