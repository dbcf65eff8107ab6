"""The pages of projects, tables, rows and runs: for whom, with which controls, at which cost."""

import json
import re
from html import unescape
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from django.urls import reverse
from PIL import Image

from archive.keeping import keep_product
from pipelines.models import Run
from projects.sharing import share_with
from worktables.annotating import comment_on, flag_rows
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable, delete_worktable
from worktables.editing import edit_cell
from worktables.models import Annotation, Worktable
from worktables.rows import add_rows, delete_rows

PEOPLE = ("owner", "collaborator", "reader")


@pytest.fixture(autouse=True)
def _pictures_in_a_folder_of_their_own(settings, tmp_path):
    settings.STOA_HOME = tmp_path


@pytest.fixture
def page(client, request):
    """Ask for a page in somebody's name."""

    def ask(who, address, **query):
        client.force_login(request.getfixturevalue(who))
        return client.get(address, query)

    return ask


@pytest.fixture
def send(client, request):
    """Send a form in somebody's name."""

    def post(who, address, **data):
        client.force_login(request.getfixturevalue(who))
        return client.post(address, data)

    return post


@pytest.fixture
def computed(worktable, work):
    """The table with everything computed."""
    work()
    worktable.refresh_from_db()
    return worktable


def text_of(answer):
    return unescape(answer.content.decode())


def row_ids(answer):
    return [shown.row.id for shown in answer.context["rows"]]


def all_pages(table):
    """Return every page of a table that anybody may look at who may see it."""
    run = Run.objects.filter(worktable_id=table.pk).first()
    return [
        reverse("project", args=[table.project.slug]),
        reverse("project-tables", args=[table.project.slug]),
        *(
            reverse(name, args=[table.pk])
            for name in (
                "worktable",
                "worktable-rows",
                "worktable-status",
                "worktable-history",
                "worktable-settings",
                "worktable-columns",
            )
        ),
        reverse("row", args=[table.pk, 1]),
        reverse("row-parts", args=[table.pk, 1]),
        reverse("run", args=[run.pk]),
    ]


def owners_pages(table):
    """Return the pages with forms that only owners send."""
    return [
        reverse("new-worktable", args=[table.project.slug]),
        reverse("worktables-in-trash", args=[table.project.slug]),
        reverse("worktable-add", args=[table.pk]),
        reverse("worktable-paste", args=[table.pk]),
        reverse("worktable-trash", args=[table.pk]),
        reverse("worktable-column", args=[table.pk, "x"]),
    ]


# ------------------------------------------------------------------ who sees what


def test_everybody_on_the_project_sees_every_page_and_nobody_else_does(
    client, page, computed, stranger, request
):
    for address in all_pages(computed):
        for who in PEOPLE:
            request.getfixturevalue(who)
            assert page(who, address).status_code == 200, (who, address)
        assert page("stranger", address).status_code == 404, address
        client.logout()
        assert client.get(address).status_code == 302, address


def test_the_forms_of_owners_are_refused_to_the_others(page, computed, collaborator, reader, stranger):
    for address in owners_pages(computed):
        assert page("owner", address).status_code == 200, address
        assert page("collaborator", address).status_code == 403, address
        assert page("reader", address).status_code == 403, address
        assert page("stranger", address).status_code == 404, address


def test_who_may_not_edit_finds_nothing_to_edit_with(page, computed, collaborator, reader):
    grid, row = reverse("worktable", args=[computed.pk]), reverse("row", args=[computed.pk, 1])
    mine, theirs, readers = (text_of(page(who, grid)) for who in PEOPLE)

    assert 'class="num editable"' in mine
    assert "Add a row" in mine
    for other in (theirs, readers):
        assert "editable" not in other
        assert "Add a row" not in other
        assert reverse("worktable-update", args=[computed.pk]) not in other
    assert "Flag them, because" in theirs
    assert "data-tick" not in readers
    assert 'name="cell-x"' in text_of(page("owner", row))
    assert 'name="cell-x"' not in text_of(page("collaborator", row))
    assert "Say something" in text_of(page("collaborator", row))
    assert 'method="post"' not in text_of(page("reader", row)).split("<main")[1]


# ------------------------------------------------------------------ the project


def test_the_project_shows_its_tables_as_graph_and_list_with_states(page, family, work):
    work()

    text = text_of(page("owner", "/projects/virgo/"))

    graph, listed = text.split("</svg>\n</div>")[0], text.split("</svg>\n</div>")[1]
    for table in (family.fields, family.items, family.stars, family.sums):
        address = reverse("worktable", args=[table.pk])
        assert f'class="node" href="{address}"' in graph
        assert f'<a href="{address}">{table.name}</a>' in listed
    assert [text.count(f"{kind}</text>") for kind in ("expand", "nearest", "collect")] == [1, 1, 1]


def test_an_empty_project_teaches(page, project):
    text = text_of(page("owner", "/projects/virgo/"))

    assert "A row of a worktable is one execution of a workflow" in text
    assert reverse("new-worktable", args=["virgo"]) in text


def test_a_table_that_is_not_shared_is_not_in_the_graph_of_somebody_elses(page, family, stranger, owner):
    share_with(family.items, stranger, "reader", by=owner)
    text = text_of(page("stranger", reverse("worktable", args=[family.items.pk])))

    assert reverse("worktable", args=[family.fields.pk]) not in text
    assert page("stranger", "/projects/virgo/").status_code == 404


def test_a_table_is_made_from_lines_and_shown(send, project):
    answer = send(
        "owner",
        reverse("new-worktable", args=["virgo"]),
        name="galaxies",
        title="Galaxies",
        columns="name\nplace position\nvelocity float [km s-1] heliocentric",
        update="auto",
    )

    table = Worktable.objects.get(name="galaxies")
    assert answer.url == reverse("worktable", args=[table.pk])
    assert [(c.name, c.kind, c.unit, c.description) for c in table.columns.all()] == [
        ("name", "text", "", ""),
        ("place", "position", "", ""),
        ("velocity", "float", "km s-1", "heliocentric"),
    ]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("", "A table needs a column"),
        ("flux number", "line 1: “number” is no kind of column"),
        ("flux float [Jansky per bean]", "has the unknown unit “Jansky per bean”"),
        ("drop float\nselect; float", "cannot be used as a name"),
    ],
)
def test_a_refused_table_keeps_what_was_typed_and_nothing_is_written(send, project, columns, problem):
    answer = send(
        "owner", reverse("new-worktable", args=["virgo"]), name="fluxes", columns=columns, update="auto"
    )

    assert answer.status_code == 400
    assert problem in text_of(answer)
    assert columns in text_of(answer)
    assert not Worktable.objects.exists()


# ------------------------------------------------------------------ the grid


def test_the_cost_of_a_page_does_not_grow_with_its_rows(
    page, computed, owner, work, django_assert_num_queries, django_assert_max_num_queries
):
    address = reverse("worktable", args=[computed.pk])
    page("owner", address)
    with django_assert_max_num_queries(34) as few:
        page("owner", address)
    add_rows(computed, [{"x": float(n)} for n in range(80) if n != 13], by=owner)
    work()
    flag_rows(computed, range(1, 60), "odd", author=owner)

    with django_assert_num_queries(len(few)):
        assert len(row_ids(page("owner", address))) == 82


def test_filters_and_order_live_in_the_address(page, computed):
    address = reverse("worktable", args=[computed.pk])

    assert row_ids(page("owner", address, x=">0", _sort="-x")) == [3, 1]
    assert row_ids(page("owner", address, sign="neg*")) == [2]
    text = text_of(page("owner", address, x=">0", _sort="-x"))
    assert 'aria-sort="descending"' in text
    assert 'name="x" value=">0"' in text
    assert f"/api/worktables/{computed.pk}/download/?format=votable&x=%3E0&_sort=-x" in text


@pytest.mark.parametrize("query", [{"nonsense": "1"}, {"x": "many"}, {"_sort": "nonsense"}, {"_after": "%%"}])
def test_an_address_that_means_nothing_says_so_and_shows_the_page(page, computed, query):
    answer = page("owner", reverse("worktable", args=[computed.pk]), **query)

    assert answer.status_code == 400
    assert 'role="alert"' in text_of(answer)


def test_pages_follow_each_other_by_place(page, owner, worktable):
    add_rows(worktable, [{"x": float(n)} for n in range(150)], by=owner)
    address = reverse("worktable", args=[worktable.pk])

    first = page("owner", address)
    second = page("owner", address + first.context["after"])

    assert row_ids(first) == list(range(1, 101))
    assert row_ids(second) == list(range(101, 154))
    assert row_ids(page("owner", address + second.context["before"])) == list(range(1, 101))


def test_the_need_for_work_is_said_before_pressing(page, send, computed, owner, work):
    Worktable.objects.filter(pk=computed.pk).update(update="manual")
    edit_cell(computed, 1, computed.column("x"), 2.0, seen=1.0, editor=owner)
    address = reverse("worktable", args=[computed.pk])

    text = text_of(page("owner", address))

    assert "1 of 3 rows need" in text
    assert "1.0 → 2.0, by owner" in text
    assert "Update 1 row" in text
    assert 'class="num old"' in text


def test_a_fresh_table_offers_no_update(page, computed):
    assert "disabled>" in text_of(page("owner", reverse("worktable-status", args=[computed.pk])))


def test_updating_queues_what_is_not_fresh(send, computed, owner, work):
    answer = send("owner", reverse("worktable-update", args=[computed.pk]))

    assert answer.status_code == 302
    assert work() == []


def test_a_cell_says_what_was_seen_exactly(page, computed, owner):
    edit_cell(computed, 1, computed.column("x"), 0.1 + 0.2, seen=1.0, editor=owner)

    text = text_of(page("owner", reverse("worktable-rows", args=[computed.pk]), ids="1"))

    assert 'data-value="0.30000000000000004" data-typed="0.30000000000000004"' in text


def test_what_people_write_is_shown_not_run(page, project, owner):
    table = create_worktable(project, "names", creator=owner, columns=[NewColumn("name")])
    add_rows(table, [{"name": '<script>alert("x")</script>'}], by=owner)
    flag_rows(table, [1], "<b>bold</b>", author=owner)

    for address in (reverse("worktable", args=[table.pk]), reverse("row", args=[table.pk, 1])):
        raw = page("owner", address).content.decode()
        assert "<script>alert" not in raw
        assert "<b>bold" not in raw


def test_a_fragment_holds_the_rows_asked_for_and_no_page(page, computed, owner):
    delete_rows(computed, [2], by=owner)

    text = text_of(page("owner", reverse("worktable-rows", args=[computed.pk]), ids="3,2,99,x"))

    assert text.count("<tr") == 1
    assert 'data-row="3"' in text
    assert "<html" not in text


def test_a_list_cell_leads_to_the_rows_of_its_items(page, family, work):
    work()

    text = text_of(page("owner", reverse("worktable", args=[family.fields.pk])))

    assert f'<a href="{reverse("worktable", args=[family.items.pk])}?_parent=1">2 items</a>' in text


# ------------------------------------------------------------------ what is done to rows


def test_a_row_is_added_by_its_form(send, worktable):
    answer = send("owner", reverse("worktable-add", args=[worktable.pk]), **{"cell-x": "1e3", "cell-y": ""})

    worktable.refresh_from_db()
    assert (answer.status_code, worktable.n_rows) == (302, 4)


def test_a_name_or_unit_that_cannot_be_is_refused_at_its_field(send, project, worktable, owner):
    add_column(worktable, NewColumn("note"), by=owner)
    table = send(
        "owner", reverse("new-worktable", args=[project.slug]), name="fields", columns="a", update="auto"
    )
    new = {"kind": "float", "role": "input"}
    column = send("owner", reverse("worktable-columns", args=[worktable.pk]), name="note", **new)
    unit = send("owner", reverse("worktable-columns", args=[worktable.pk]), name="z", unit="furlong_", **new)
    change = send("owner", reverse("worktable-column", args=[worktable.pk, "note"]), name="x")
    settings = send("owner", reverse("worktable-settings", args=[worktable.pk]), name="Fields", update="auto")

    for answer in (table, column, unit, change):
        assert answer.status_code == 400
    assert "already a table" in str(table.context["form"].errors["name"])
    assert "already a column" in str(column.context["form"].errors["name"])
    assert "unknown unit" in str(unit.context["form"].errors["unit"])
    assert "already a column" in str(change.context["form"].errors["name"])
    assert settings.context["facts_form"].errors["name"]


def test_a_refused_edit_says_so_at_the_top_of_a_long_page(send, worktable):
    page = send("owner", reverse("row-edit", args=[worktable.pk, 1]), **{"cell-x": "much"}).content.decode()

    assert "Nothing was saved" in page
    assert 'value="much"' in page


def test_a_flag_is_what_enter_means_where_its_reason_is_typed(page, worktable):
    shown = page("owner", reverse("worktable", args=[worktable.pk])).content.decode()

    buttons = re.findall(r'form="selection" name="action" value="(\w+)"', shown)
    assert buttons == ["flag", "rerun", "cancel", "first", "hold", "release", "duplicate", "delete"]


def test_who_may_not_make_tables_is_not_taught_how(page, make_project, owner, reader):
    empty = make_project("coma", owner)
    share_with(empty, reader, "reader", by=owner)

    assert "stoa import" in page("owner", reverse("project", args=["coma"])).content.decode()
    told = page("reader", reverse("project", args=["coma"])).content.decode()
    assert "stoa import" not in told
    assert "An owner makes the tables" in told


def test_a_cell_that_does_not_fit_is_named_and_what_was_typed_stays(send, worktable):
    answer = send("owner", reverse("worktable-add", args=[worktable.pk]), **{"cell-x": "1,5", "cell-y": "2"})

    worktable.refresh_from_db()
    assert answer.status_code == 400
    assert "write 1.5, with a decimal point" in text_of(answer)
    assert 'value="1,5"' in text_of(answer)
    assert worktable.n_rows == 3


def test_pasted_rows_are_looked_at_first(send, worktable):
    address = reverse("worktable-paste", args=[worktable.pk])

    look = send("owner", address, text="x,y\n1,2\n3,\n", look="")
    worktable.refresh_from_db()
    assert "Add 2 rows" in text_of(look)
    assert worktable.n_rows == 3

    send("owner", address, text="x,y\n1,2\n3,\n", add="")
    worktable.refresh_from_db()
    assert worktable.n_rows == 5


@pytest.mark.parametrize("text", ["1,2\n", "x,y\n1,apple\n", "x,nonsense\n1,2\n", "x,factor\n1,1e6\n", ""])
def test_a_refused_paste_names_the_trouble_keeps_the_text_and_adds_nothing(send, worktable, text):
    answer = send("owner", reverse("worktable-paste", args=[worktable.pk]), text=text, add="")

    worktable.refresh_from_db()
    assert answer.status_code == 400
    assert text in text_of(answer)
    assert worktable.n_rows == 3


def test_the_ticked_rows_are_duplicated_deleted_and_flagged(send, worktable, owner):
    address = reverse("worktable-selection", args=[worktable.pk])

    send("owner", address, rows=["1", "3"], action="duplicate")
    send("owner", address, rows=["2"], action="delete")
    send("owner", address, rows=["1", "4"], action="flag", text="look again")

    worktable.refresh_from_db()
    assert worktable.n_rows == 4
    assert [(a.row_id, a.text) for a in Annotation.objects.all()] == [(1, "look again"), (4, "look again")]


def test_a_collaborator_flags_but_does_nothing_else_with_a_selection(send, worktable, collaborator):
    address = reverse("worktable-selection", args=[worktable.pk])
    answers = [
        send("collaborator", address, rows=["1"], action=action, text="why").status_code
        for action in ("flag", "duplicate", "delete", "rerun")
    ]

    assert answers == [302, 403, 403, 403]


def test_undo_takes_the_last_change_back(page, send, worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 7.0, seen=1.0, editor=owner)
    change = page("owner", reverse("worktable", args=[worktable.pk])).context["undoable"]

    send("owner", reverse("worktable-undo", args=[worktable.pk]), change=change.pk)

    assert cells(worktable, "x")[1] == (1.0,)
    assert "undone by owner" in text_of(page("owner", reverse("worktable-history", args=[worktable.pk])))


def test_a_change_of_another_table_is_not_undone_through_this_one(send, worktable, owner, project):
    other = create_worktable(project, "other", creator=owner, columns=[NewColumn("a")])
    add_rows(other, [{"a": "b"}], by=owner)

    answer = send("owner", reverse("worktable-undo", args=[worktable.pk]), change=other.history.first().pk)

    assert answer.status_code == 404


def test_deleted_rows_come_back_from_the_trash(page, send, worktable, owner):
    delete_rows(worktable, [1, 2], by=owner)
    assert [
        row.id for row, _ in page("owner", reverse("worktable-trash", args=[worktable.pk])).context["rows"]
    ] == [1, 2]

    send("owner", reverse("worktable-restore-rows", args=[worktable.pk]), rows=["2"])

    worktable.refresh_from_db()
    assert worktable.n_rows == 2


def test_nobody_is_sent_to_another_site(send, worktable):
    address = reverse("worktable-update", args=[worktable.pk])

    assert send("owner", address, next="https://example.org/").url == reverse(
        "worktable", args=[worktable.pk]
    )


# ------------------------------------------------------------------ settings and columns


def test_a_table_is_renamed_described_and_told_when_to_update(send, worktable):
    address = reverse("worktable-settings", args=[worktable.pk])

    send("owner", address, name="pointings", title="Pointings", description="All.", update="manual")

    worktable.refresh_from_db()
    assert (worktable.name, worktable.title, worktable.update) == ("pointings", "Pointings", "manual")


def test_parameters_show_which_level_wins_and_keep_what_was_refused(page, send, worktable):
    address = reverse("worktable-parameters", args=[worktable.pk])

    refused = send("owner", address, **{"parameter.add.factor": "1000"})
    assert refused.status_code == 400
    assert 'value="1000"' in text_of(refused)

    send("owner", address, **{"parameter.add.factor": "3"})
    (level,) = page("owner", reverse("worktable-settings", args=[worktable.pk])).context["parameters"]
    assert level["winner"] == "table"
    assert level["levels"] == [
        ("row", "", False),
        ("table", "3.0", True),
        ("project", "", False),
        ("default", "1.0", False),
    ]


def test_columns_are_added_changed_and_dropped(send, worktable):
    base = reverse("worktable-columns", args=[worktable.pk])

    send("owner", base, name="note", kind="text", role="input")
    send(
        "owner",
        reverse("worktable-column", args=[worktable.pk, "note"]),
        name="remark",
        description="What was seen",
    )
    assert worktable.columns.get(name="remark").description == "What was seen"

    send("owner", reverse("worktable-drop-column", args=[worktable.pk, "remark"]))
    assert not worktable.columns.filter(name="remark").exists()


def test_dropping_is_offered_only_for_a_column_that_nothing_needs(page, family, owner, reader):
    add_column(family.items, NewColumn("note"), by=owner)

    for name, needed_by in (
        ("flux", ["link “items_of”", "step “sum” of sums"]),
        ("star", ["link “star_near”"]),
    ):
        answer = page("owner", reverse("worktable-column", args=[family.items.pk, name]))
        assert answer.context["users"] == needed_by
        assert "It cannot be dropped, because it is needed by" in text_of(answer)
        assert all(user in text_of(answer) for user in needed_by)
        assert f"Drop {name}" not in text_of(answer)
    free = page("owner", reverse("worktable-column", args=[family.items.pk, "note"]))
    assert "Drop note" in text_of(free)
    listed = text_of(page("reader", reverse("worktable-columns", args=[family.items.pk])))
    assert "link “items_of”, step “sum” of sums" in listed


def test_what_needs_a_column_is_not_named_where_it_may_not_be_seen(page, family, stranger, owner):
    share_with(family.items, stranger, "owner", by=owner)

    text = text_of(page("stranger", reverse("worktable-column", args=[family.items.pk, "flux"])))

    assert "something in a table that is not shared with you" in text
    assert "step “sum”" not in text
    assert "items_of" not in text


def test_a_column_that_a_step_needs_is_not_dropped(send, worktable):
    answer = send("owner", reverse("worktable-drop-column", args=[worktable.pk, "x"]))

    assert answer.status_code == 409
    assert "step “add”" in text_of(answer)


def test_a_table_goes_to_the_trash_and_back(page, send, worktable, owner):
    send("owner", reverse("worktable-delete", args=[worktable.pk]))
    assert page("owner", reverse("worktable", args=[worktable.pk])).status_code == 404

    send("owner", reverse("worktable-restore", args=[worktable.pk]))
    assert page("owner", reverse("worktable", args=[worktable.pk])).status_code == 200


def test_only_owners_bring_a_table_back(send, worktable, owner, collaborator, stranger):
    delete_worktable(worktable, by=owner)

    for who in ("collaborator", "stranger"):
        assert send(who, reverse("worktable-restore", args=[worktable.pk])).status_code == 404


# ------------------------------------------------------------------ the page of a row


def test_a_row_shows_its_cells_steps_and_runs(page, computed):
    answer = page("owner", reverse("row", args=[computed.pk, 1]))

    text = text_of(answer)
    assert [(step.name, step.state) for step in answer.context["steps"]] == [
        ("add", "fresh"),
        ("sign", "fresh"),
    ]
    assert [run.step_name for run in answer.context["runs"]] == ["sign", "add"]
    assert "adding to 1.0" in text
    assert (answer.context["previous"], answer.context["next"]) == (None, 2)


def test_a_failed_step_says_what_to_do_on_top(page, worktable, owner, work):
    add_rows(worktable, [{"x": 13.0}], by=owner)
    work()

    text = text_of(page("owner", reverse("row", args=[worktable.pk, 4])))

    assert text.index("13 is unlucky; choose another number") < text.index('id="inputs"')
    assert "blocked" in text


def test_inputs_are_edited_without_a_script_and_only_what_was_changed(page, send, computed, cells, owner):
    address = reverse("row-edit", args=[computed.pk, 1])
    seen = {"seen.x": "1.0", "seen.y": "2.0", "seen.factor": "null"}

    send("owner", address, **seen, **{"cell-x": "4.5", "cell-y": "2.0", "cell-factor": ""})

    assert cells(computed, "x", "y", "factor")[1] == (4.5, 2.0, None)
    assert computed.history.filter(action="edit").count() == 1


def test_a_conflict_shows_both_values_and_keeps_what_was_typed(send, computed, cells, owner):
    edit_cell(computed, 1, computed.column("x"), 9.0, seen=1.0, editor=owner)
    typed = {"cell-x": "4.5", "cell-y": "3", "cell-factor": ""}

    answer = send(
        "owner", reverse("row-edit", args=[computed.pk, 1]), **typed, **{"seen.x": "1.0", "seen.y": "2.0"}
    )

    assert answer.status_code == 409
    assert "was 1.0 when you looked and is 9.0 now" in text_of(answer)
    assert 'value="4.5"' in text_of(answer)
    assert cells(computed, "x", "y")[1] == (9.0, 2.0)


def test_after_a_conflict_saving_once_more_writes_over_it(client, send, computed, cells, owner):
    edit_cell(computed, 1, computed.column("x"), 9.0, seen=1.0, editor=owner)
    address = reverse("row-edit", args=[computed.pk, 1])
    form = {"cell-x": "4.5", "cell-y": "2.0", "seen.x": "1.0", "seen.y": "2.0"}
    answer = send("owner", address, **form)

    form |= {f"seen.{name}": value for name, value in answer.context["seen"]}
    send("owner", address, **form)

    assert json.loads(dict(answer.context["seen"])["x"]) == 9.0
    assert cells(computed, "x")[1] == (4.5,)


def test_a_step_runs_again_when_asked(send, computed, work):
    send("owner", reverse("row-rerun", args=[computed.pk, 1]), step="add")

    assert work() == [("add", 1.0)]
    assert send("owner", reverse("row-rerun", args=[computed.pk, 1]), step="nonsense").status_code == 404


def test_talk_is_said_and_withdrawn_but_stays(page, send, computed, collaborator, reader, owner):
    address = reverse("row-say", args=[computed.pk, 1])
    send("collaborator", address, kind="flag", text="odd")
    said = comment_on(computed, 1, "fine to me", author=owner)

    withdraw = reverse("withdraw-annotation", args=[computed.pk, said.pk])
    assert send("collaborator", withdraw).status_code == 403
    assert send("reader", withdraw).status_code == 403
    assert send("owner", withdraw).status_code == 302
    text = text_of(page("reader", reverse("row", args=[computed.pk, 1])))
    assert "<del>fine to me</del>" in text
    assert "withdrawn by owner" in text
    assert "odd" in text


def test_a_row_that_is_not_there_is_not_found(page, computed, owner):
    delete_rows(computed, [2], by=owner)

    assert page("owner", reverse("row", args=[computed.pk, 2])).status_code == 404
    assert page("owner", reverse("row", args=[computed.pk, 99])).status_code == 404


def test_parent_and_child_rows_lead_to_each_other(page, family, work):
    work()

    parent = text_of(page("owner", reverse("row", args=[family.fields.pk, 1])))
    child = text_of(page("owner", reverse("row", args=[family.items.pk, 1])))

    assert "2 rows in items" in parent
    assert f'href="{reverse("row", args=[family.items.pk, 1])}"' in parent
    assert f'href="{reverse("row", args=[family.fields.pk, 1])}"' in child


# ------------------------------------------------------------------ files and runs


@pytest.fixture
def pictures(project, owner):
    """A table with an image in its only row, and a file that is none in the second."""
    table = create_worktable(
        project, "images", creator=owner, columns=[NewColumn("image", "product"), NewColumn("name")]
    )
    file = BytesIO()
    fits.PrimaryHDU(np.eye(24, 32)).writeto(file)
    image = keep_product(project, file.getvalue(), "eye.fits", by=owner)
    notes = keep_product(project, b"not a picture", "notes ü.txt", media_type="text/html", by=owner)
    add_rows(table, [{"image": image.sha256, "name": "eye"}, {"image": notes.sha256}], by=owner)
    return table


def test_a_file_is_sent_through_a_row_one_may_see(page, pictures, reader, stranger):
    address = reverse("row-file", args=[pictures.pk, 1, "image"])

    answer = page("reader", address)
    assert b"".join(answer.streaming_content).startswith(b"SIMPLE")
    assert 'filename="eye.fits"' in answer["Content-Disposition"]
    assert page("stranger", address).status_code == 404
    for nothing in ("name", "nonsense"):
        assert page("reader", reverse("row-file", args=[pictures.pk, 1, nothing])).status_code == 404
    assert page("reader", reverse("row-file", args=[pictures.pk, 9, "image"])).status_code == 404


def test_a_file_is_never_a_page(page, pictures):
    answer = page("owner", reverse("row-file", args=[pictures.pk, 2, "image"]))

    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_the_preview_has_the_size_of_the_map_and_travels_once(client, page, pictures, stranger):
    address = reverse("row-preview", args=[pictures.pk, 1, "image"])
    answer = page("owner", address)

    assert answer["Content-Type"] == "image/png"
    assert Image.open(BytesIO(answer.content)).size == (32, 24)
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert page("stranger", address).status_code == 404


def test_what_is_no_image_says_so_and_can_be_downloaded(page, pictures):
    assert page("owner", reverse("row-preview", args=[pictures.pk, 2, "image"])).status_code == 404

    text = text_of(page("owner", reverse("row", args=[pictures.pk, 2])))
    assert "there is no picture of “notes ü.txt”" in text
    assert reverse("row-file", args=[pictures.pk, 2, "image"]) in text


def test_a_run_tells_everything_even_of_a_deleted_row(page, computed, owner):
    run = Run.objects.get(worktable_id=computed.pk, row_id=1, step_name="add")
    delete_rows(computed, [1], by=owner)

    text = text_of(page("owner", reverse("run", args=[run.pk])))

    for fact in (
        "tester",
        run.host,
        run.step_version.code_fingerprint,
        "adding to 1.0",
        "(deleted since)",
        "3.0",
    ):
        assert fact in text
    assert page("owner", reverse("run", args=[10**9])).status_code == 404
