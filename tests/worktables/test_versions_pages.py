"""The pages and the API about which code a table runs by."""

from django.urls import reverse

from pipelines.registry import get_step
from pipelines.versions import version_of
from tests.worktables.test_adopting import second  # noqa: F401 - a fixture
from worktables.models import Todo, Worker, Worktable
from worktables.queue.code import codes_here


def test_an_owner_tries_a_version_and_is_shown_the_comparison(client, worktable, owner, work, second):  # noqa: F811
    work()
    older, newer = version_of(get_step("toy_add")), version_of(second(100.0))
    client.force_login(owner)

    page = client.get(reverse("worktable-versions", args=[worktable.pk])).content.decode()
    answer = client.post(
        reverse("worktable-beside", args=[worktable.pk]),
        {"step": "add", "version": newer.pk, "name": "beside"},
        follow=True,
    )
    work()
    shown = client.get(answer.request["PATH_INFO"]).content.decode()

    assert "Try another version" in page
    assert "still wait" in answer.content.decode()
    copy = Worktable.objects.get(name="beside")
    assert answer.request["PATH_INFO"] == reverse("worktable-compare", args=[worktable.pk, copy.pk])
    assert "still wait" not in shown
    assert f"runs by {older.in_words} here" in shown


def test_a_name_that_is_taken_is_said_and_kept(client, worktable, owner, second):  # noqa: F811
    client.force_login(owner)
    address = reverse("worktable-beside", args=[worktable.pk])

    answer = client.post(address, {"step": "add", "version": version_of(second()).pk, "name": "fields"})

    assert answer.status_code == 400
    assert "already a table of this project" in answer.content.decode()


def test_a_reader_sees_versions_and_changes_none(client, worktable, reader):
    client.force_login(reader)

    page = client.get(reverse("worktable-versions", args=[worktable.pk])).content.decode()

    assert "version 1" in page
    assert "Pin to this" not in page


def test_what_waits_for_code_that_no_worker_has_is_said(client, worktable, owner, work, second):  # noqa: F811
    from pipelines.registry import _steps

    second()
    first = _steps["toy_add"].pop("1")
    try:
        work()
        Worker.objects.update(codes=codes_here())  # restarted with the new code alone
        client.force_login(owner)
        page = client.get(reverse("worktable-versions", args=[worktable.pk])).content.decode()
        row = client.get(reverse("row", args=[worktable.pk, 1])).content.decode()
        told = client.get(reverse("api-row", args=[worktable.pk, 1])).json()["steps"]
    finally:
        _steps["toy_add"]["1"] = first

    assert Worker.objects.get().lacks
    assert Todo.objects.exists()
    assert "no worker has “toy_add” version 1" in page
    assert "no worker has “toy_add” version 1" in row
    assert [name for name, step in told.items() if "no worker has" in step["reason"]] == ["add"]


def test_where_nobody_works_no_code_is_missed(client, worktable, owner):
    client.force_login(owner)

    page = client.get(reverse("row", args=[worktable.pk, 1])).content.decode()

    assert not Worker.objects.exists()
    assert "no worker has" not in page


def test_programs_pin_try_and_compare(client, worktable, owner, work, second):  # noqa: F811
    work()
    newer = version_of(second(100.0))
    client.force_login(owner)

    listed = client.get(reverse("api-versions", args=[worktable.pk])).json()
    made = client.post(
        reverse("api-beside", args=[worktable.pk]),
        {"name": "beside", "versions": {"add": newer.pk}},
        content_type="application/json",
    ).json()
    pinned = client.put(
        reverse("api-pin", args=[worktable.pk, "add"]),
        {"version": listed[0]["version"]},
        content_type="application/json",
    ).json()
    work()
    found = client.get(reverse("api-compare", args=[worktable.pk, made["id"]])).json()

    assert [(one["name"], one["pinned"]) for one in pinned] == [("add", True), ("sign", False)]
    assert {one["version"] for one in listed[0]["versions"]} == {"1", "2"}
    total = next(column for column in found["columns"] if column["name"] == "total")
    assert (total["n_different"], total["largest"]) == (3, 100.0)
    assert found["rows"][0]["columns"]["total"] == [3.0, 103.0]
