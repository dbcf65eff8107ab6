"""Records of the portal itself: its authority, who runs it, its registry, TAP, and the images that SIA finds."""

import hashlib
from functools import partial

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from vo.catalogue import ivoa
from vo.models import ServiceRecord
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
SOMEWHERE = "https://portal.invalid"  # records are compared with what they were as if the portal was there
PROVISIONAL = (
    "This portal has no authority of its own yet. Its identifiers are provisional, and it must not be registered "
    "before STOA_AUTHORITY is set."
)


def service_records(base):
    """Return what the records of the portal itself say, each with its dates, in a fixed order.

    A record that says something new since it was last looked at is noted as updated now: nobody has seen it before.
    """
    kept = ServiceRecord.objects.in_bulk()
    coverage = coverage_of_images()
    makers = [authority, organisation, registry, tap]
    if coverage or "images" in kept:  # nothing that was listed goes away
        makers.append(partial(images, coverage=coverage))
    digests = {facts["key"]: digest_of(facts) for facts in (make(SOMEWHERE) for make in makers)}
    changed = {key: one for key, one in digests.items() if key not in kept or kept[key].digest != one}
    if changed:
        note(changed)
        kept = ServiceRecord.objects.in_bulk()
    found = [make(base) for make in makers]
    for facts in found:
        dates = kept[facts["key"]]
        facts["created"], facts["updated"] = dates.created_at, dates.updated_at
        facts["dates"] = [("Created", dates.created_at), ("Updated", dates.updated_at)]
    return found


def note(digests):
    """Keep that records have changed; which of several processes does so first is the same."""
    now = timezone.now()
    ServiceRecord.objects.bulk_create(
        [ServiceRecord(key=key, digest=one, created_at=now, updated_at=now) for key, one in digests.items()],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["digest", "updated_at"],
    )


def digest_of(facts):
    """Return a digest of what a record says."""
    text = render_to_string("vo/registry/_resource.xml", {"one": facts})
    return hashlib.sha256(text.encode()).hexdigest()


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


def images(base, coverage):
    """Return what is said of the images and cubes of published tables, which SIA and ObsCore describe."""
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
