"""The curator finds and reads everything, changes little, and breaks nothing by looking."""

import pytest
from django.urls import reverse

from worktables.annotating import flag_rows
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.holding import hold_rows
from worktables.models import Worktable
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db
LISTS = ["worktable", "column", "change", "annotation", "worker", "batch", "hold"]


@pytest.fixture
def curating(client, curator):
    client.force_login(curator)
    return client


@pytest.mark.parametrize("name", LISTS)
def test_everything_can_be_listed_and_searched(curating, worktable, owner, work, name):
    flag_rows(worktable, [1], "fields are odd", author=owner)
    hold_rows(worktable, [2], "ask Anna", by=owner)
    work()
    address = reverse(f"admin:worktables_{name}_changelist")

    assert curating.get(address).status_code == 200
    assert curating.get(address, {"q": "fields"}).status_code == 200


@pytest.mark.parametrize("name", ["worktable", "change", "column"])
def test_a_longer_list_asks_no_more(curating, project, owner, name, django_assert_num_queries, worktable):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    address = reverse(f"admin:worktables_{name}_changelist")
    curating.get(address)
    with CaptureQueriesContext(connection) as before:
        curating.get(address)
    for number in range(6):
        create_worktable(project, f"more_{number}", creator=owner, columns=[NewColumn("a"), NewColumn("b")])

    with django_assert_num_queries(len(before)):
        curating.get(address)


def test_the_page_of_a_table_shows_its_columns_steps_and_states(curating, worktable, work):
    work()

    page = curating.get(reverse("admin:worktables_worktable_change", args=[worktable.pk])).content.decode()

    assert "3 fresh" in page
    assert "factor" in page
    assert "toy_sign" in page


def test_units_are_read_and_searched_though_the_admin_cannot_register_them(curating, worktable, owner, work):
    add_rows(worktable, [{"x": 13.0}], by=owner)
    work()
    add_rows(worktable, [{"x": 20.0}], by=owner)
    address = reverse("admin:worktables_worktable_units", args=[worktable.pk])

    everything = curating.get(address)
    failed = curating.get(address, {"state": "5"})
    unlucky = curating.get(address, {"words": "unlucky", "row": "4", "step": "add"})

    assert everything.context["found"].paginator.count == 10
    assert "queued" in everything.content.decode()
    assert [unit.row_id for unit, _, _ in failed.context["lines"]] == [4]
    assert [unit.step.name for unit, _, _ in unlucky.context["lines"]] == ["add"]


def test_units_are_for_staff_only(client, worktable, owner, make_user):
    address = reverse("admin:worktables_worktable_units", args=[worktable.pk])
    client.force_login(owner)
    assert client.get(address).status_code == 302

    client.force_login(make_user("clerk", is_staff=True))
    assert client.get(address).status_code == 403


def test_a_table_is_described_thrown_away_and_brought_back_without_touching_its_counters(
    curating, worktable, owner
):
    change = reverse("admin:worktables_worktable_change", args=[worktable.pk])
    listed = reverse("admin:worktables_worktable_changelist")
    forms = {
        f"{name}-{key}": 0
        for name in ("columns", "steps", "links_in")
        for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }

    answer = curating.post(change, {"title": "Pointings", "description": "", **forms})
    curating.post(listed, {"action": "put_in_trash", "_selected_action": [worktable.pk]})
    gone = Worktable.objects.present().count()
    curating.post(listed, {"action": "bring_back", "_selected_action": [worktable.pk]})

    worktable.refresh_from_db()
    assert answer.status_code == 302
    assert (worktable.title, worktable.n_rows, gone) == ("Pointings", 3, 0)
    assert Worktable.objects.present().count() == 1
    assert worktable.history.filter(by__username="curator").count() == 3


@pytest.mark.parametrize("name", ["change", "annotation", "worker", "column"])
def test_records_are_not_rewritten(curating, worktable, owner, name):
    assert curating.get(reverse(f"admin:worktables_{name}_add")).status_code == 403
