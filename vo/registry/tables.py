"""Records of published tables: one for each that everybody may see, about its newest version of those."""

from datetime import UTC

from django.contrib.auth.models import AnonymousUser
from django.db.models import Min, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from vo.catalogue import as_latest, of_project, table_of
from vo.models import PublishedVersion
from vo.registry.coverage import FIELDS, coverage_of, wavebands_named
from vo.registry.identifiers import identifier_of
from vo.registry.people import contact_in, creators_in, licence_in, operators
from vo.tap.schema import tables_described

SHOWN = Coalesce("decided_at", "made_at")
SHORT_NAME = 16  # characters of it, as VOResource has it
NO_COVERAGE: dict = {"temporal": "", "spectral": "", "wavebands": [], "facilities": [], "instruments": []}


def listed_versions():
    """Return the newest version of each table that everybody may see, with `stamp`: since when that is so."""
    newest = PublishedVersion.objects.visible_to(AnonymousUser()).newest().values("pk")
    return PublishedVersion.objects.filter(pk__in=newest).annotate(stamp=SHOWN).order_by()


def with_first(versions):
    """Add to versions `first`: when everybody could see one of that table for the first time."""
    earlier = PublishedVersion.objects.visible_to(AnonymousUser()).filter(publication=OuterRef("publication"))
    first = earlier.order_by().values("publication").annotate(first=Min(SHOWN)).values("first")
    return versions.annotate(first=Subquery(first)).select_related("publication")


def table_records(version_ids, base):
    """Return what the records of these versions say, {version id: facts}; in three queries, however many there are."""
    versions = with_first(listed_versions()).filter(pk__in=version_ids)
    covered = coverage_of(version_ids)
    return {version.pk: table_facts(version, covered.get(version.pk), base) for version in versions}


def table_facts(version, coverage, base):
    """Return what the record of a version says.

    Parameters
    ----------
    version : PublishedVersion
        One of `listed_versions`, with its `first`.
    coverage : dict or None
        What its images cover.
    base : str
        Address of the portal.
    """
    publication, operator = version.publication, operators()
    table = as_latest(table_of(version), publication)
    schema = of_project(publication.schema, (table,))
    described = tables_described([schema])[schema.name]
    coverage = (coverage or NO_COVERAGE) | {"spatial": version.coverage.get("sky", "")}
    named = wavebands_named(column.ucd for column in table.columns)
    coverage["wavebands"] = list(dict.fromkeys([*coverage["wavebands"], *named]))
    page = reverse("published-version", args=[publication.schema, publication.name, version.number])
    cone = reverse("cone-search", args=[publication.schema, publication.name]) if table.positions else ""
    return {
        "type": "vs:CatalogService" if cone else "vs:CatalogResource",
        "key": str(publication),
        "identifier": identifier_of(publication),
        "created": version.first.astimezone(UTC),
        "updated": version.stamp.astimezone(UTC),
        "title": version.title,
        "short_name": str(publication)[:SHORT_NAME],
        "publisher": operator["name"],
        "publisher_id": identifier_of("organisation"),
        "creators": creators_in(version.creator),
        "dates": [("Created", version.made_at), ("Available", version.stamp)],
        "version": version.number,
        "contact": contact_in(version.contact),
        "subjects": subjects_of(coverage),
        "description": f"{version.description}\n\nCite it as: {version.citation}",
        "reference": f"{base}{page}",
        "content_types": ["Catalog"],
        "relations": [("IsServedBy", identifier_of("tap"), "TAP")],
        "rights": version.rights,
        "licence": licence_in(version.rights),
        "cone": f"{base}{cone}?" if cone else "",
        "place": [repr(number) for number in version.coverage.get("place", ())],
        "tap_too": f"{base}{reverse('tap')}".rstrip("/"),
        "browser": f"{base}{page}",
        "coverage": coverage,
        "schema": {"name": described[0]["schema"], "description": schema.description, "tables": described},
    }


def subjects_of(coverage):
    """Return what it is about, in words of the Unified Astronomy Thesaurus."""
    return list(dict.fromkeys(["catalogs", *(FIELDS[name] for name in coverage["wavebands"])]))
