"""A long step says how far it has come, and the page of its row shows it."""

import pytest
from django.urls import reverse

from pipelines.contract import Port
from pipelines.models import Pipeline
from pipelines.registry import step
from worktables.creating import create_worktable
from worktables.models import Event, Todo
from worktables.queue import telling
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.queue.telling import remaining
from worktables.rows import add_rows

seen = []


@step("toy_slow", inputs=[Port("x", "float")], outputs=[Port("y", "float")])
def toy_slow(inputs, parameters, context):
    """Take its time, and look at what is said of it meanwhile."""
    context.progress(0.25, "a quarter")
    seen.append(Todo.objects.values_list("progress", "progress_text").get())
    toy_slow.look()
    return {"y": inputs["x"]}


@pytest.fixture
def slow(project, owner):
    graph = {"steps": [{"step": "toy_slow", "name": "slow", "inputs": {"x": "x"}, "outputs": {"y": "y"}}]}
    pipeline = Pipeline.objects.create(name="slow", title="Slow", graph=graph)
    table = create_worktable(project, "slow", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1.0}], by=owner)
    seen.clear()
    toy_slow.look = lambda: None
    return table


def test_the_page_of_a_row_shows_how_far_its_step_is(slow, owner, client, monkeypatch):
    monkeypatch.setattr(telling, "PATIENCE", 0.0)
    client.force_login(owner)
    pages = []
    toy_slow.look = lambda: pages.append(client.get(reverse("row", args=[slow.pk, 1])).content.decode())
    before = Event.objects.count()

    drain(register_worker("tester"))

    assert [progress for progress, _ in seen] == [0.25]
    assert seen[0][1].startswith("a quarter")
    assert '<progress max="1" value="0.250"' in pages[0]
    assert "a quarter" in pages[0]
    assert Event.objects.count() > before
    assert "<progress" not in client.get(reverse("row", args=[slow.pk, 1])).content.decode()


def test_a_short_step_says_nothing(slow):
    drain(register_worker("tester"))

    assert seen == [(None, "")]


def test_a_unit_taken_again_begins_anew(slow):
    Todo.objects.update(progress=0.9, progress_text="nearly")

    drain(register_worker("tester"))

    assert seen == [(None, "")]


def test_whoever_lost_the_unit_is_not_heard(slow, monkeypatch):
    monkeypatch.setattr(telling, "PATIENCE", 0.0)
    Todo.objects.update(owner="another")

    class Batch:
        worktable, node, owner = slow, slow.steps.get(), "me"

    telling.Telling(Batch, 1)(0.5, "half")

    assert Todo.objects.get().progress is None


@pytest.mark.parametrize(
    ("seconds", "fraction", "words"),
    [(0.5, 0.5, ""), (10, 0.01, ""), (10, 0.25, "about 30 s left"), (300, 0.25, "about 15 min left")],
)
def test_the_rest_is_estimated_from_what_is_done(seconds, fraction, words):
    assert remaining(seconds, fraction) == words
