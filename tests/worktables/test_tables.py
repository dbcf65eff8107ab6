"""Making, naming, changing and trashing tables and columns; names that are SQL; links that cannot be."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from worktables.annotating import comment_on, flag_rows, withdraw
from worktables.columns import NewColumn, add_column, drop_column, rename_column
from worktables.creating import create_worktable, delete_worktable, rename_worktable, restore_worktable
from worktables.errors import (
    ColumnInUse,
    LinkRefused,
    NoSuchColumn,
    NoSuchRow,
    UnfitName,
    UnfitValue,
)
from worktables.formats.errors import UnknownUnit
from worktables.linking import collect, expand, nearest
from worktables.models import Annotation, Todo, Worktable
from worktables.rows import add_rows

HOSTILE = ["x; DROP TABLE accounts_user", 'x"', "select *", "ß", "1x", "", "X", "a" * 64, "x'--", "../x"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_sql_never_reaches_the_database(project, owner, name):
    before = set(connection.introspection.table_names())
    with pytest.raises(UnfitName, match="cannot be used as a name"):
        create_worktable(project, name, creator=owner)
    with pytest.raises(UnfitName, match="cannot be used as a name"):
        create_worktable(project, "fine", creator=owner, columns=[NewColumn(name)])

    assert not Worktable.objects.exists()
    assert set(connection.introspection.table_names()) == before


def test_reserved_words_are_ordinary_names(project, owner, cells):
    table = create_worktable(
        project, "select", creator=owner, columns=[NewColumn("order", "int"), NewColumn("from", "int")]
    )
    add_rows(table, [{"order": 1, "from": 2}], by=owner)

    assert cells(table, "from", "order") == {1: (2, 1)}


def test_an_unknown_unit_is_named_with_a_suggestion(project, owner):
    with pytest.raises(UnknownUnit, match="column “flux” has the unknown unit “jansky_”"):
        create_worktable(project, "t", creator=owner, columns=[NewColumn("flux", "float", unit="jansky_")])


def test_two_tables_of_a_project_have_different_names_unless_one_is_in_the_trash(project, owner):
    first = create_worktable(project, "t", creator=owner)
    with pytest.raises(UnfitName, match="already a table"):
        create_worktable(project, "t", creator=owner)

    delete_worktable(first, by=owner)
    create_worktable(project, "t", creator=owner)

    with pytest.raises(UnfitName, match="already a table"):
        restore_worktable(first, by=owner)


def test_a_trashed_table_is_not_seen_and_comes_back_whole(worktable, owner, work, cells):
    work()
    before = cells(worktable, "x", "total")
    delete_worktable(worktable, by=owner)
    assert not Worktable.objects.visible_to(owner).exists()

    restore_worktable(worktable, by=owner)

    assert cells(Worktable.objects.visible_to(owner).get(), "x", "total") == before


def test_a_renamed_column_keeps_cells_and_bindings(worktable, owner, work, cells):
    rename_column(worktable, "x", "abscissa", by=owner)
    work()

    assert cells(worktable, "abscissa", "total")[1] == (1.0, 3.0)


def test_a_dropped_column_is_gone_and_its_name_free(worktable, owner, cells):
    add_column(worktable, NewColumn("note"), by=owner)
    add_column(worktable, NewColumn("where", "position"), by=owner)
    drop_column(worktable, "note", by=owner)
    drop_column(worktable, "where", by=owner)
    add_column(worktable, NewColumn("note", "int"), by=owner)

    assert cells(worktable, "note")[1] == (None,)


def test_a_column_that_a_step_or_link_needs_stays(family, owner):
    with pytest.raises(ColumnInUse, match="step “add”"):
        drop_column(family.fields, "x", by=owner)
    with pytest.raises(ColumnInUse, match="link “items_of”"):
        drop_column(family.items, "place", by=owner)
    with pytest.raises(NoSuchColumn, match="its columns are"):
        drop_column(family.items, "nothing", by=owner)


@pytest.mark.parametrize("role", ["collaborator", "reader", "stranger"])
def test_only_owners_change_tables(worktable, project, request, role):
    someone = request.getfixturevalue(role)
    for change in (
        lambda: create_worktable(project, "other", creator=someone),
        lambda: rename_worktable(worktable, "other", by=someone),
        lambda: delete_worktable(worktable, by=someone),
        lambda: add_column(worktable, NewColumn("c"), by=someone),
        lambda: drop_column(worktable, "x", by=someone),
        lambda: add_rows(worktable, [{}], by=someone),
    ):
        with pytest.raises(PermissionDenied, match=role):
            change()


# ------------------------------------------------------------------ annotations


def test_collaborators_flag_and_comment_readers_do_not(worktable, collaborator, reader):
    flag_rows(worktable, [1, 2], "odd beam", author=collaborator)
    comment_on(worktable, 1, "looks like ringing", author=collaborator)

    with pytest.raises(PermissionDenied, match="reader may not flag or comment in “fields”"):
        comment_on(worktable, 1, "me too", author=reader)
    assert Annotation.objects.count() == 3


def test_what_was_said_is_withdrawn_not_deleted(worktable, collaborator, owner, make_user, project):
    from projects.sharing import share_with

    other = make_user("other")
    share_with(project, other, "collaborator", by=owner)
    (flag,) = flag_rows(worktable, [1], "odd beam", author=collaborator)

    with pytest.raises(PermissionDenied, match="did not write this"):
        withdraw(flag, by=other)
    withdraw(flag, by=collaborator)

    flag.refresh_from_db()
    assert flag.withdrawn_by == collaborator
    assert flag.text == "odd beam"


def test_a_flag_needs_a_reason_and_a_row(worktable, owner):
    with pytest.raises(UnfitValue, match="say why"):
        flag_rows(worktable, [1], "  ", author=owner)
    with pytest.raises(NoSuchRow, match="row 77"):
        flag_rows(worktable, [1, 77], "odd", author=owner)
    assert not Annotation.objects.exists()


# ------------------------------------------------------------------ links


def test_a_link_that_would_close_a_circle_is_refused_naming_the_tables(family, owner):
    add_column(family.stars, NewColumn("echo", "text", "lookup"), by=owner)
    add_column(family.items, NewColumn("near_star", "text", "lookup"), by=owner)
    nearest(family.items, family.stars, name="near_item", of="place", position="place", radius=5.0,
            lookup={"near_star": "echo"}, by=owner)  # fmt: skip

    with pytest.raises(LinkRefused, match=r"depend on itself: .*items.*stars|stars.*items"):
        nearest(family.stars, family.items, name="again", of="place", position="place", radius=5.0,
                lookup={"echo": "near_star"}, by=owner)  # fmt: skip

    assert not family.items.steps.filter(name="again").exists()
    assert not Todo.objects.filter(step__name="again").exists()


def test_links_that_cannot_be_are_refused_with_the_reason(family, worktable_elsewhere, owner):
    with pytest.raises(LinkRefused, match="is no list of items"):
        expand(
            family.fields, family.stars, name="n", item="total", fields={}, sky="place", radius=1, by=owner
        )
    with pytest.raises(LinkRefused, match="already come from another link"):
        expand(
            family.fields, family.items, name="n", item="items", fields={}, sky="place", radius=1, by=owner
        )
    with pytest.raises(LinkRefused, match="different projects"):
        nearest(
            worktable_elsewhere,
            family.items,
            name="n",
            of="p",
            position="place",
            radius=1,
            lookup={},
            by=owner,
        )
    with pytest.raises(LinkRefused, match="a link fills lookup columns only"):
        nearest(family.items, family.stars, name="n", of="place", position="place", radius=1,
                lookup={"star": "name"}, by=owner)  # fmt: skip
    with pytest.raises(LinkRefused, match="no port of the pipeline"):
        collect(family.items, family.fields, name="nobody", by=owner)


@pytest.fixture
def worktable_elsewhere(make_project, owner):
    return create_worktable(
        make_project("coma", owner), "t", creator=owner, columns=[NewColumn("p", "position")]
    )
