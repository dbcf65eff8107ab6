"""What is not made again is used as it is, and pages and programs are told so, and since when."""

import pytest
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from pipelines.contract import Parameter, Port
from pipelines.models import Pipeline, Run
from pipelines.registry import forget_step, step
from tests.worktables import toys
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.models import Unit
from worktables.parameters import set_parameters
from worktables.rows import add_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows


@pytest.fixture
def chain(project, owner, work):
    """total = x + y → sign → word, of a length that is a parameter."""

    @step(
        "toy_word",
        inputs=[Port("sign", "text")],
        outputs=[Port("word", "text")],
        parameters=[Parameter("letters", "int", 3)],
    )
    def toy_word(inputs, parameters, context):
        toys.ran.append(("word", parameters["letters"]))
        return {"word": inputs["sign"][: parameters["letters"]]}

    word = {
        "name": "word", "step": "toy_word", "inputs": {"sign": "sign"},
        "parameters": {"letters": "letters"}, "outputs": {"word": "word"},
    }  # fmt: skip
    graph = {"steps": [*toys.FIELD["steps"], word]}
    pipeline = Pipeline.objects.create(name="chain", title="Chain", graph=graph)
    table = create_worktable(project, "chain", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1.0, "y": 1.0}], by=owner)
    work()
    yield table
    forget_step("toy_word")


def row_of(client, table):
    return client.get(f"/api/worktables/{table.pk}/rows/1/").json()


def unchanged(client, table):
    return [name for name, step in row_of(client, table)["steps"].items() if step["unchanged"]]


def latest(name):
    return Run.objects.filter(step_name=name).latest("id")


def test_another_parameter_of_the_last_step_leaves_those_before_it_as_they_are(
    chain, client, owner, work, cells
):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert unchanged(client, chain) == []
    before = {name: latest(name).pk for name in ("add", "sign", "word")}
    n_runs = Run.objects.count()

    set_parameters(chain, {"word.letters": 5}, by=owner)
    states = {name: step["state"] for name, step in row_of(client, chain)["steps"].items()}
    assert states == {"add": "fresh", "sign": "fresh", "word": "stale"}

    assert work() == [("word", 5)]
    assert cells(chain, "word") == {1: ("posit",)}
    assert Run.objects.count() == n_runs + 1
    assert unchanged(client, chain) == ["add", "sign"]
    runs = {name: step["run"] for name, step in row_of(client, chain)["steps"].items()}
    assert runs == {**before, "word": latest("word").pk} != before

    page = client.get(reverse("row", args=[chain.pk, 1])).content.decode()
    assert page.count("reused, unchanged") == 2
    page = client.get(reverse("run", args=[latest("word").pk])).content.decode()
    assert page.count("reused, unchanged") == 1  # of sign, from which it is made
    assert reverse("run", args=[before["sign"]]) in page
    page = client.get(reverse("run", args=[before["word"]])).content.decode()
    assert "reused, unchanged" not in page  # what it made is there no more


def test_what_is_made_again_is_not_called_reused(chain, client, owner, work):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    set_parameters(chain, {"word.letters": 5}, by=owner)
    work()

    edit_cell(chain, 1, chain.column("x"), -9.0, seen=1.0, editor=owner)
    work()

    assert unchanged(client, chain) == []
    page = client.get(reverse("row", args=[chain.pk, 1])).content.decode()
    assert "reused, unchanged" not in page


def test_an_input_that_is_made_again_with_equal_content_leaves_all_below_fresh(chain, owner, work):
    rerun_rows(chain, [1], by=owner, step="add")

    assert work() == [("add", 1.0)]
    units = {unit.step.name: unit for unit in Unit.objects.filter(worktable=chain)}
    assert {unit.get_state_display() for unit in units.values()} == {"fresh"}
    assert units["add"].reason == "re-made, same content"
    assert [units[name].reason for name in ("sign", "word")] == [
        "unchanged: what it is made from came out the same"
    ] * 2


def test_pages_and_programs_say_since_when(chain, client, owner):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    edit_cell(chain, 1, chain.column("x"), -9.0, seen=1.0, editor=owner)
    since = Unit.objects.get(worktable=chain, step__name="add").changed_at
    reason = "“x” of chain 1: 1.0 → -9.0, by owner"

    row = row_of(client, chain)
    assert row["reason"] == row["steps"]["add"]["reason"] == reason
    assert parse_datetime(row["since"]) == parse_datetime(row["steps"]["add"]["since"]) == since

    shown = f"{since:%Y-%m-%d %H:%M:%S}"
    grid = client.get(reverse("worktable", args=[chain.pk])).content.decode()
    assert f"{reason} ({shown})" in grid
    page = client.get(reverse("row", args=[chain.pk, 1])).content.decode()
    assert page.count(f">{shown}</time>") >= 4


def test_a_row_that_is_new_says_since_when_too(chain, client, owner):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    add_rows(chain, [{"x": 2.0}], by=owner)

    row = client.get(f"/api/worktables/{chain.pk}/rows/2/").json()

    assert row["reason"] == "added by owner"
    assert parse_datetime(row["since"]) == layout_of(chain).model.objects.get(id=2).created_at
