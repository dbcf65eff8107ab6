"""Classes of work: a worker computes what it takes and leaves the rest, and whoever takes that is told."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipelines.contract import Port
from pipelines.models import Pipeline
from pipelines.registry import forget_step, step
from worktables import tasks, waking
from worktables.creating import create_worktable
from worktables.errors import UnknownClass
from worktables.models import Todo, Worker
from worktables.queue import classes, recovery
from worktables.queue.draining import drain
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(project, owner):
    """A table of three steps, one of each class, each made from the one before; and its one row."""
    names = {"light": "toy_light", "network": "toy_network", "heavy": "toy_heavy"}
    ports = {"light": ("x", "a"), "network": ("a", "b"), "heavy": ("b", "c")}
    for resource, name in names.items():
        source, target = ports[resource]
        step(name, [Port(source)], [Port(target)], resource=resource)(
            lambda inputs, parameters, context, source=source, target=target: {target: inputs[source] + 1}
        )
    steps = [
        {"name": name, "step": name, "inputs": {source: source}, "outputs": {target: target}}
        for name, (source, target) in zip(names.values(), ports.values(), strict=True)
    ]
    pipeline = Pipeline.objects.create(name="three", title="Three", graph={"steps": steps})
    table = create_worktable(project, "three", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1.0}], by=owner)
    yield table
    for name in names.values():
        forget_step(name)


@pytest.fixture
def messages(monkeypatch, settings):
    """Note to which queues messages would go."""
    sent = []
    settings.REDIS_URL = "redis://nowhere"
    monkeypatch.setattr(waking, "_others_woken", float("-inf"))
    monkeypatch.setattr(tasks.drain, "apply_async", lambda *, queue, **_: sent.append(queue))
    return sent


def waiting(table):
    return set(Todo.objects.filter(worktable=table, owner=None).values_list("step__name", flat=True))


def test_a_worker_takes_what_it_is_there_for(three):
    drain(recovery.register_worker("near", takes=["light"]))
    assert waiting(three) == {"toy_network", "toy_heavy"}

    drain(recovery.register_worker("strong", takes=["light", "heavy"]))
    assert waiting(three) == {"toy_network", "toy_heavy"}, "what is above is of no class it takes"

    drain(recovery.register_worker("all"))
    assert waiting(three) == set()


def test_a_message_goes_to_each_class_of_which_work_waits(three, messages):
    waking.send_wake_up()
    assert messages == ["stoa-light", "stoa-heavy", "stoa-network"]

    messages.clear()
    Todo.objects.filter(step__name="toy_network").update(owner="somebody")
    waking.send_wake_up()
    assert messages == ["stoa-light", "stoa-heavy"]


def test_who_leaves_a_class_tells_those_who_take_it(three, messages):
    drain(recovery.register_worker("near", takes=["light"]))
    assert messages == ["stoa-heavy", "stoa-network"]

    drain(recovery.register_worker("far", takes=["network"]))
    assert messages == ["stoa-heavy", "stoa-network"], "not more than once a second"


def test_who_takes_all_asks_nothing_more_for_it(three, messages):
    with CaptureQueriesContext(connection) as queries:
        waking.wake_others(classes.ALL)

    assert (len(queries), messages) == (0, [])


def test_which_classes_wait_is_asked_by_one_statement(three, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert classes.classes_waiting() == ["light", "heavy", "network"]


def test_what_is_in_the_trash_wakes_nobody(three):
    from django.utils import timezone

    three.project.deleted_at = timezone.now()
    three.project.save()

    assert classes.classes_waiting() == []


def test_a_step_that_nobody_knows_is_taken_by_those_who_say_so(three):
    forget_step("toy_heavy")
    three.project.refresh_from_db()

    drain(recovery.register_worker("all"))

    assert waiting(three) == set()
    assert "toy_heavy" in three.units.get(step__name="toy_heavy").reason


@pytest.mark.parametrize(
    ("text", "named"),
    [("", ["light", "heavy", "network"]), ("network, light", ["light", "network"]), ("heavy,", ["heavy"])],
)
def test_classes_are_read_as_people_write_them(text, named):
    assert classes.read_classes(text) == named


def test_a_class_that_there_is_not_is_named_with_those_there_are():
    with pytest.raises(
        UnknownClass, match="“fast” is no class of work; a worker takes light, heavy, network"
    ):
        classes.read_classes("light,fast")


def test_the_environment_says_what_workers_take_unless_they_are_told(settings, three):
    settings.WORKTABLES = {**settings.WORKTABLES, "TAKES": "heavy,network"}

    recovery.register_worker("by the environment")
    recovery.register_worker("told", takes=["light"])

    assert Worker.objects.get(name="by the environment").takes == ["heavy", "network"]
    assert Worker.objects.get(name="told").takes == ["light"]
