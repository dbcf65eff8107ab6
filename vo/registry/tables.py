"""Records of published tables: one for each that everybody may see, about its newest version of those."""

from datetime import UTC

from django.contrib.auth.models import AnonymousUser
from django.db.models import Min, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse

from vo.catalogue import as_latest, of_project, table_of
from vo.models import PublishedVersion, ServiceRecord
from vo.registry.coverage import FIELDS, coverage_of, wavebands_named
from vo.registry.identifiers import identifier_of
from vo.registry.people import contact_in, creators_in, licence_in, operators
from vo.tap.schema import tables_described

# Since when everybody may see a version that everybody may see, and its files and what they cover are known.
SHOWN = Greatest(Coalesce("decided_at", "made_at"), "products_indexed_at")
ALIKE = "tables"  # the key under which is kept since when all their records are as they are
SHORT_NAME = 16  # characters of it, as VOResource has it
NO_COVERAGE: dict = {"temporal": "", "spectral": "", "wavebands": [], "facilities": [], "instruments": []}


def shown_versions():
    """Return the versions that everybody may see, with `stamp`: when a record about them was updated last.

    That is when they were shown, or later, when settings or code have changed what the records of all tables say.
    """
    alike = ServiceRecord.objects.filter(key=ALIKE).values("updated_at")
    stamp = Greatest(SHOWN, Coalesce(Subquery(alike), SHOWN))
    return indexed().annotate(shown_at=SHOWN, stamp=stamp).order_by()


def indexed():
    """Return the versions that everybody may see, once their files and what they cover are known."""
    return PublishedVersion.objects.visible_to(AnonymousUser()).exclude(products_indexed_at=None)


def listed_versions():
    """Return of these the newest of each table."""
    newest = indexed().newest().values("pk")
    return shown_versions().filter(pk__in=newest)


def table_records(version_ids, base):
    """Return what the records of these versions say, {version id: facts}; in three queries, however many there are."""
    of_same_table = shown_versions().filter(publication=OuterRef("publication")).values("publication")
    first = of_same_table.annotate(first=Min("shown_at")).values("first")
    versions = shown_versions().filter(pk__in=version_ids).annotate(first=Subquery(first))
    covered = coverage_of(version_ids)
    return {
        version.pk: table_facts(version, covered.get(version.pk), base)
        for version in versions.select_related("publication")
    }


def table_facts(version, coverage, base):
    """Return what the record of a version says.

    Parameters
    ----------
    version : PublishedVersion
        With `shown_at` and `stamp` of `shown_versions`, and `first`: since when everybody may see one of the table.
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
        "dates": [("Created", version.made_at), ("Available", version.shown_at)],
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
