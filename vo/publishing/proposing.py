"""Proposing a worktable for publication: its rows are copied as they are, and who shall see them is asked for."""

import re

from django.db import connection, transaction
from django.utils import timezone

from projects.permissions import demand
from vo.errors import FieldNeeded, NothingToPublish, NotUpToDate, UnfitPublishedName
from vo.models import FrozenRun, Publication, PublishedVersion, Scope
from vo.models.publications import OWN_SCHEMAS
from vo.publishing.columns import frozen_columns
from vo.publishing.indexing import index_at_once
from vo.publishing.storage import copy_rows
from worktables.models import State, Todo, Unit
from worktables.queue.locking import hold
from worktables.storage import layout_of
from worktables.waking import notify

CURATION = {
    "title": "say in a few words what the table is",
    "description": "say what a row is, and how it came about",
    "creator": "say who made it, as it shall be cited",
    "rights": "say under which terms others may use it, for example CC BY 4.0",
    "contact": "say whom to ask: a name, or an address",
}
VERSIONED = re.compile(r".*_v\d+")


def propose(worktable, facts, asked, *, by, along=()):
    """Freeze the rows of a worktable as its next published version.

    Those who work on the table see the version at once, as far as `asked` goes; whether everybody with an account, or
    the whole world, sees it, a curator decides.

    Parameters
    ----------
    worktable : Worktable
    facts : dict
        What is said of it: the fields of `CURATION`, and `citation` and `changes`, which may be left out in a first
        version.
    asked : Scope
    by : User
    along : iterable of Worktable
        Its inputs that shall be published with it, for the same people and with what is known of them already. All or
        none of them.

    Returns
    -------
    PublishedVersion

    Raises
    ------
    PermissionDenied, FieldNeeded, UnfitPublishedName, NothingToPublish, NotUpToDate
    """
    asked = Scope(asked)
    facts = checked_facts(facts)
    with transaction.atomic():
        versions = [_freeze(worktable, facts, asked, by)]
        for other in along:
            own = known_facts(other, by)
            own = {name: own[name] or facts[name] for name in own}
            own |= {"changes": f"published together with {worktable.name}", "citation": ""}
            versions.append(_freeze(other, checked_facts(own), asked, by))
    for version in versions:
        index_at_once(version)
    notify()  # of what is left of it
    return versions[0]


def known_facts(worktable, by):
    """Return what can be said of a table without asking: what its last version said, or what it says of itself."""
    last = PublishedVersion.objects.filter(publication__worktable=worktable).order_by("-pk").first()
    if last:
        return {name: getattr(last, name) for name in CURATION}
    person = by.get_full_name() or by.get_username()
    return {
        "title": worktable.title or worktable.name,
        "description": worktable.description or worktable.project.description,
        "creator": person,
        "rights": "CC BY 4.0",
        "contact": f"{person} <{by.email}>" if by.email else person,
    }


def checked_facts(facts):
    """Return what is said of a table without blanks around it, or raise `FieldNeeded`."""
    known = {"changes": "", "citation": "", **facts}
    known = {
        name: " ".join(str(text or "").split()) if name != "description" else str(text or "").strip()
        for name, text in known.items()
    }
    for name, why in CURATION.items():
        if not known.get(name):
            raise FieldNeeded(name, why)
        limit = PublishedVersion._meta.get_field(name).max_length
        if limit and len(known[name]) > limit:
            raise FieldNeeded(name, f"at most {limit} characters, not {len(known[name])}")
    return {name: known[name] for name in (*CURATION, "citation", "changes")}


def check_names(worktable):
    """Refuse a name that ADQL, or a version of another table, has already."""
    slug, name = worktable.project.slug, worktable.name
    if slug in OWN_SCHEMAS:
        raise UnfitPublishedName(slug, "the service itself has tables under it")
    if VERSIONED.fullmatch(name):
        raise UnfitPublishedName(name, "names that end in _v and a number are those of versions")
    taken = Publication.objects.filter(schema=slug, name=name).exclude(worktable=worktable)
    if taken.exists():
        raise UnfitPublishedName(
            f"{slug}.{name}", "another table was published under it, and what is published stays"
        )


def _freeze(worktable, facts, asked, by):
    demand(by, "share", worktable)
    check_names(worktable)
    hold(worktable.project_id)
    layout = layout_of(worktable)
    if not layout.columns:
        raise NothingToPublish(worktable.name, "columns")
    not_fresh = _states(worktable)
    publication = _publication(worktable)
    number = 1 + max(publication.versions.values_list("number", flat=True), default=0)
    if number > 1 and not facts["changes"]:
        raise FieldNeeded("changes", "say why this version takes the place of the one before")
    columns, positions, physical = frozen_columns(layout.columns)
    free = not asked.needs_curator
    version = PublishedVersion(
        publication=publication,
        number=number,
        asked=asked,
        scope=asked if free else Scope.PROJECT,
        verdict=PublishedVersion.Verdict.GRANTED if free else PublishedVersion.Verdict.WAITING,
        decided_by=by if free else None,
        decided_at=timezone.now() if free else None,
        columns=columns,
        positions=positions,
        not_fresh=not_fresh,
        n_rows=0,
        made_by=by,
        **facts,
    )
    version.citation = version.citation or citation_of(version)
    version.n_rows = copy_rows(version, worktable, physical)
    if not version.n_rows:
        raise NothingToPublish(worktable.name, "rows")
    version.save()
    _freeze_runs(version, worktable)
    return version


def _states(worktable):
    """Return how many rows are not fresh, by state; refuse when some of them are still to be computed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state, count(*) FROM {layout_of(worktable).table} "
            "WHERE deleted_at IS NULL AND state NOT IN (0, 9) GROUP BY state"
        )
        counts = {State(state).label: count for state, count in cursor.fetchall()}
    waiting = Todo.objects.filter(worktable=worktable).values("row_id").distinct().count()
    if waiting := max(waiting, counts.get(State.STALE.label, 0)):
        raise NotUpToDate(worktable.name, waiting)
    return counts


def _publication(worktable):
    found = worktable.publications.filter(schema=worktable.project.slug, name=worktable.name).first()
    return found or Publication.objects.create(
        worktable=worktable, schema=worktable.project.slug, name=worktable.name
    )


def citation_of(version):
    """Return how a version is cited, unless its owner says otherwise."""
    year = (version.made_at or timezone.now()).year
    return f"{version.creator} ({year}): {version.title}, version {version.number}, {version.full_name}"


def _freeze_runs(version, worktable):
    runs, units = FrozenRun._meta.db_table, Unit._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {runs} (version_id, row_id, step_id, run_id) "
            f"SELECT %s, u.row_id, u.step_id, u.run_id FROM {units} u JOIN {layout_of(worktable).table} t "
            "ON t.id = u.row_id WHERE u.worktable_id = %s AND u.run_id IS NOT NULL AND t.deleted_at IS NULL "
            "AND t.state <> 9",
            [version.pk, worktable.pk],
        )
