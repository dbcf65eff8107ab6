"""Publishing the demo's tables, once they are filled: what TOPCAT, pyvo and the published pages show then."""

from django.contrib.auth import get_user_model

from vo.errors import NotUpToDate
from vo.models import Publication, Scope
from vo.publishing.deciding import grant
from vo.publishing.proposing import known_facts, propose
from worktables.models import State, Unit, Worktable


def publish():
    """Publish the survey's counts, with all that they were made from, for the whole world: once, and if nothing failed.

    Returns
    -------
    list of str
        The names of the tables in ADQL; none if they are published already, or not all of them are computed.
    """
    tables = {table.name: table for table in Worktable.objects.present().filter(project__slug="almacal")}
    if not {"counts", "sources", "observations", "catalogue"} <= tables.keys():
        return []
    present = [table.pk for table in tables.values()]
    unfinished = Unit.objects.filter(worktable__in=present, state__in=[State.STALE, State.FAILED])
    if Publication.objects.filter(schema="almacal").exists() or unfinished.exists():
        return []
    users = get_user_model().objects
    demo, curator = users.get(username="demo"), users.get(username="curator")
    counts, along = tables["counts"], [tables[name] for name in ("sources", "observations", "catalogue")]
    try:
        propose(counts, known_facts(counts, demo), Scope.WORLD, by=demo, along=along)
    except NotUpToDate:  # somebody was quicker, and has edited something
        return []
    published = Publication.objects.filter(schema="almacal").order_by("name")
    for publication in published:
        for version in publication.versions.all():
            grant(version, by=curator)
    return [f"{publication.schema}.{publication.name}" for publication in published]
