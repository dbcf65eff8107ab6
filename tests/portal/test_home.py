"""The first page: exactly what one may see, at the cost of a few queries."""

import pytest
from django.urls import reverse

from pipelines.models import Pipeline
from projects.editing import create_project, delete_project
from projects.sharing import share_with
from tests.worktables import toys
from worktables.creating import create_worktable
from worktables.models import Worktable
from worktables.rows import add_rows


@pytest.fixture
def tables(project):
    return [Worktable.objects.create(project=project, name=f"table_{n}", n_rows=10**n) for n in range(3)]


def test_whoever_is_not_signed_in_is_asked_to(client, db):
    answer = client.get("/", follow=True)

    assert answer.redirect_chain == [("/accounts/login/?next=/", 302)]
    assert "turns archive data into catalogues" in answer.content.decode()


@pytest.mark.parametrize("name", ["owner", "collaborator", "reader", "curator"])
def test_those_on_the_project_see_it_with_its_counts(request, client, tables, name):
    client.force_login(request.getfixturevalue(name))

    answer = client.get("/")

    [card] = answer.context["cards"]
    assert (card["project"].slug, len(card["tables"]), card["n_rows"]) == ("virgo", 3, 111)
    assert card["role"] == ("owner" if name == "curator" else name)


def test_a_stranger_is_taught_and_told_nothing(client, tables, stranger):
    client.force_login(stranger)

    page = client.get("/").content.decode()

    assert "stoa import" in page
    assert "Virgo" not in page
    assert "table_" not in page


def test_a_single_shared_table_shows_without_its_project(client, tables, owner, stranger):
    share_with(tables[1], stranger, "reader", by=owner)
    client.force_login(stranger)

    answer = client.get("/")

    assert answer.context["cards"] == []
    assert answer.context["single_tables"] == [tables[1]]
    assert "table_0" not in answer.content.decode()
    assert "Virgo" not in answer.content.decode()


def test_a_project_says_how_its_rows_fare(client, project, owner):
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    fields = create_worktable(project, "fields", creator=owner, pipeline=pipeline)
    add_rows(fields, [{"x": 1.0, "y": 2.0}, {"x": 2.0, "y": 2.0}], by=owner)
    client.force_login(owner)

    answer = client.get("/")

    [card] = answer.context["cards"]
    assert card["states"] == [("queued", 2)]
    assert "<b>2</b>queued" in answer.content.decode()


def test_what_is_in_the_trash_is_not_counted(client, project, tables, owner, reader):
    delete_project(project, by=owner)

    for user, n_in_trash in ((owner, 1), (reader, 0)):
        client.force_login(user)
        context = client.get("/").context
        assert (context["cards"], context["n_in_trash"]) == ([], n_in_trash)


def test_more_projects_cost_no_more_queries(client, tables, owner, django_assert_max_num_queries):
    for n in range(20):
        other = create_project(f"field_{n}", f"Field {n}", creator=owner)
        Worktable.objects.create(project=other, name="galaxies")
    client.force_login(owner)

    with django_assert_max_num_queries(12):
        client.get("/")


@pytest.mark.parametrize("demo", [True, False])
def test_the_password_is_told_in_a_demonstration_only(client, db, settings, demo):
    settings.STOA_DEMO = demo

    assert ("demonstration" in client.get(reverse("login")).content.decode()) is demo
