"""What is frozen, by whom it is seen, and that nothing changes it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from projects.sharing import share_with
from tests.vo.conftest import FACTS, SOURCES
from vo.catalogue import tables_for
from vo.errors import FieldNeeded, NothingToPublish, NotUpToDate, ScopeNotFree, UnfitPublishedName
from vo.models import FrozenRun, PublishedVersion, Scope
from vo.publishing.deciding import grant, refuse
from vo.publishing.inputs import unpublished_inputs
from vo.publishing.proposing import propose
from vo.publishing.storage import physical_name, sky_index
from worktables.columns import NewColumn
from worktables.creating import create_worktable, delete_worktable
from worktables.editing import edit_cell
from worktables.rows import add_rows, delete_rows

pytestmark = pytest.mark.django_db


def rows_of(version):
    """Return the frozen rows, read past everything of ours."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {physical_name(version.bare_table)} ORDER BY row_id")
        return cursor.fetchall()


def names_for(user):
    """Return the published tables that somebody may ask."""
    others = {"tap_schema", "ivoa"}
    names = {table.full_name for table in tables_for(user) if table.schema not in others}
    return {name for name in names if not name.endswith("_live")}


def test_a_version_is_the_rows_of_its_moment(sources, publish, owner):
    first = publish(sources)
    edit_cell(sources, 1, sources.column("flux"), 9.0, seen=1.5, editor=owner)
    delete_rows(sources, [2], by=owner)
    second = publish(sources, changes="a better flux")

    frozen = [(n, *(p or (None, None)), f, i, None if g is None else bool(g)) for n, p, f, i, g in SOURCES]
    assert [row[1:] for row in rows_of(first)] == frozen
    assert [(row[0], row[4]) for row in rows_of(second)] == [(1, 9.0), (3, 7.0), (4, None)]
    assert (first.number, second.number) == (1, 2)
    assert (first.n_rows, second.n_rows) == (4, 3)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET flux = 0", 'INSERT INTO {} ("row_id") VALUES (77)']
)
def test_nothing_changes_what_is_published(sources, publish, statement):
    version = publish(sources)
    before = rows_of(version)

    with (
        pytest.raises(DatabaseError, match="never change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(physical_name(version.bare_table)))

    assert rows_of(version) == before


def test_units_and_meanings_are_frozen_with_the_rows(sources, publish):
    (table,) = (
        [one for one in tables_for(AnonymousUser()) if one.name == "sources"] if publish(sources) else ()
    )

    flux = next(column for column in table.columns if column.name == "flux")
    assert (flux.kind, flux.unit, flux.ucd, flux.description) == (
        "float",
        "mJy",
        "phot.flux.density",
        "at 100 GHz",
    )
    assert [column.name for column in table.columns] == [
        "row_id",
        "name",
        "place_ra",
        "place_dec",
        "flux",
        "n",
        "good",
    ]
    assert [(place.ra, place.dec) for place in table.positions] == [("place_ra", "place_dec")]


@pytest.mark.parametrize("scope", Scope)
def test_who_sees_what(sources, publish, scope, owner, reader, stranger, judge):
    publish(sources, scope)

    sees = {who: "virgo.sources" in names_for(user) for who, user in {
        "owner": owner, "reader": reader, "stranger": stranger, "nobody": AnonymousUser(),
    }.items()}  # fmt: skip
    wide = list(Scope).index(scope)
    assert sees == {"owner": True, "reader": wide >= 1, "stranger": wide >= 2, "nobody": wide >= 3}


def test_until_a_curator_grants_it_the_project_sees_it_and_the_curator(
    sources, publish, reader, stranger, judge
):
    version = publish(sources, decided=False)

    assert version.scope == Scope.PROJECT
    assert "virgo.sources" in names_for(reader)
    assert "virgo.sources" in names_for(judge)
    assert names_for(stranger) == names_for(AnonymousUser()) == set()

    grant(version, by=judge)
    assert names_for(AnonymousUser()) == {"virgo.sources", "virgo.sources_v1"}


def test_less_may_be_granted_than_was_asked_never_more(sources, publish, judge, stranger):
    version = publish(sources, decided=False)
    grant(version, by=judge, scope=Scope.PORTAL)

    assert names_for(AnonymousUser()) == set()
    assert "virgo.sources" in names_for(stranger)
    with pytest.raises(ScopeNotFree):
        refuse(version, "no", by=judge)

    second = publish(sources, Scope.PORTAL, decided=False, changes="again")
    with pytest.raises(ScopeNotFree):
        grant(second, by=judge, scope=Scope.WORLD)


def test_only_curators_decide(sources, publish, owner, reader):
    version = publish(sources, decided=False)
    for user in (owner, reader):
        with pytest.raises(PermissionDenied):
            grant(version, by=user)
        with pytest.raises(PermissionDenied):
            refuse(version, "no", by=user)
    assert PublishedVersion.objects.get().verdict == "waiting"


def test_a_refusal_needs_a_reason_and_leaves_it_to_the_project(sources, publish, judge, reader):
    version = publish(sources, decided=False)
    with pytest.raises(FieldNeeded):
        refuse(version, " ", by=judge)
    refuse(version, "units are missing", by=judge)

    assert names_for(AnonymousUser()) == set()
    assert "virgo.sources" in names_for(reader)
    assert PublishedVersion.objects.get().verdict_reason == "units are missing"


def test_only_owners_propose(sources, collaborator, reader, stranger):
    for user in (collaborator, reader, stranger):
        with pytest.raises(PermissionDenied):
            propose(sources, FACTS, Scope.PRIVATE, by=user)
    assert not PublishedVersion.objects.exists()


@pytest.mark.parametrize("name", ["title", "description", "creator", "rights", "contact"])
def test_what_must_be_said_is_asked_for_by_name(sources, owner, name):
    with pytest.raises(FieldNeeded) as refused:
        propose(sources, {**FACTS, name: "  "}, Scope.WORLD, by=owner)
    assert refused.value.field == name
    assert not PublishedVersion.objects.exists()


def test_a_second_version_says_why(sources, publish):
    publish(sources)
    with pytest.raises(FieldNeeded) as refused:
        publish(sources)
    assert refused.value.field == "changes"


def test_names_that_mean_something_else_are_refused(project, owner, sources, publish):
    other = create_worktable(project, "x_v2", creator=owner, columns=[NewColumn("a", "int")])
    add_rows(other, [{"a": 1}], by=owner)
    with pytest.raises(UnfitPublishedName, match="_v"):
        propose(other, FACTS, Scope.WORLD, by=owner)

    publish(sources)
    delete_worktable(sources, by=owner)
    again = create_worktable(project, "sources", creator=owner, columns=[NewColumn("a", "int")])
    add_rows(again, [{"a": 1}], by=owner)
    with pytest.raises(UnfitPublishedName, match="stays"):
        propose(again, FACTS, Scope.WORLD, by=owner)


def test_an_empty_table_is_not_published(project, owner):
    empty = create_worktable(project, "empty", creator=owner, columns=[NewColumn("a", "int")])
    with pytest.raises(NothingToPublish):
        propose(empty, FACTS, Scope.WORLD, by=owner)
    assert not PublishedVersion.objects.exists()


def test_what_is_published_to_the_world_outlives_its_table(sources, publish, owner):
    publish(sources)
    publish(sources, Scope.PROJECT, changes="only for us")
    delete_worktable(sources, by=owner)

    assert names_for(AnonymousUser()) == {"virgo.sources", "virgo.sources_v1"}
    assert names_for(owner) == {"virgo.sources", "virgo.sources_v1"}


def test_places_are_found_by_an_index(sources, publish):
    version = publish(sources)
    name = sky_index(version, version.positions[0])
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"SELECT id FROM {name} WHERE x0 >= 0.99 ORDER BY id")
            assert cursor.fetchall() == [(3,)]
        else:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
            assert "gist" in cursor.fetchone()[0]
    assert version.indexed


def test_rows_that_wait_are_not_published_and_runs_are_kept(worktable, work, owner):
    with pytest.raises(NotUpToDate):
        propose(worktable, FACTS, Scope.PRIVATE, by=owner)
    work()
    version = propose(worktable, FACTS, Scope.PRIVATE, by=owner)

    runs = FrozenRun.objects.filter(version=version)
    units = worktable.units.exclude(run_id=None)
    assert set(runs.values_list("row_id", "step_id", "run_id")) == set(
        units.values_list("row_id", "step_id", "run_id")
    )
    assert runs.count() >= 4


def test_inputs_that_others_could_not_see_are_named_and_published_together(family, work, owner):
    work()
    parents, children = family.fields, family.items
    assert parents in unpublished_inputs(children, Scope.WORLD, owner)

    propose(children, FACTS, Scope.WORLD, by=owner, along=[parents])

    assert {str(one.publication) for one in PublishedVersion.objects.all()} == {
        f"{parents.project.slug}.{parents.name}",
        f"{parents.project.slug}.{children.name}",
    }
    assert parents not in unpublished_inputs(children, Scope.WORLD, owner)


def test_two_questions_whatever_the_number_of_tables(sources, publish, django_assert_num_queries, stranger):
    publish(sources)
    for number in range(3):
        publish(sources, changes=str(number))
    with django_assert_num_queries(1):
        names_for(AnonymousUser())


def test_to_whom_the_table_alone_is_shared_its_private_versions_are_hidden(sources, publish, owner, stranger):
    publish(sources, Scope.PRIVATE)
    share_with(sources, stranger, "reader", by=owner)
    assert names_for(stranger) == set()
