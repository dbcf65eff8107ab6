"""New code of a step makes its rows stale, by nobody but whoever adopts it; old code never fills cells."""

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from pipelines.contract import Parameter, Port
from pipelines.models import Run
from pipelines.registry import forget_step, get_step, step
from pipelines.versions import version_of
from tests.worktables import toys
from worktables.adopting import adopt_code, pin_step, unpin_step
from worktables.editing import edit_cell
from worktables.errors import NoSuchStep, NoSuchVersion
from worktables.models import Change, State, Todo, Unit, Worker
from worktables.queue import code
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.queue.settling import settle


def add_by(version, offset=0.0):
    """Register another version of the step that adds."""

    @step(
        "toy_add",
        inputs=[Port("x", "float"), Port("y", "float", required=False)],
        outputs=[Port("total", "float")],
        parameters=[Parameter("factor", "float", 1.0, minimum=-100, maximum=100)],
        version=version,
    )
    def newer(inputs, parameters, context):
        toys.ran.append(("add", inputs["x"]))
        return {"total": (inputs["x"] + (inputs["y"] or 0.0)) * parameters["factor"] + offset}

    return newer.step


@pytest.fixture
def second():
    """Return a function that registers version 2 of the step, which adds nothing (or something) more."""
    yield lambda offset=0.0: add_by("2", offset)
    forget_step("toy_add", "2")


@pytest.fixture
def without_code():
    """Return a function that takes version 1 away, as an upgrade does that replaces it."""
    first = get_step("toy_add")

    yield lambda: forget_step("toy_add", "1")
    from pipelines.registry import _steps

    _steps.setdefault("toy_add", {})["1"] = first


def units(worktable, name):
    """Return {row: (state, reason)} of a step."""
    found = Unit.objects.filter(worktable=worktable, step__name=name).order_by("row_id")
    return {unit.row_id: (State(unit.state).label, unit.reason) for unit in found}


def x_of(worktable, row_id, value, seen, owner):
    edit_cell(worktable, row_id, worktable.column("x"), value, seen=seen, editor=owner)


def test_a_table_knows_the_code_that_it_runs_by(worktable):
    assert worktable.steps.get(name="add").version == version_of(get_step("toy_add"))


def test_new_code_makes_all_rows_stale_with_both_versions_named(worktable, work, second):
    work()
    old = version_of(get_step("toy_add"))
    new = version_of(second())

    assert adopt_code() == [f"fields: “add” has new code: {old.in_words} → {new.in_words}"]

    codes = [version.code_fingerprint[:8] for version in (old, new)]
    reason = "“add” of fields has new code: version 1 ({}) → version 2 ({})".format(*codes)
    assert units(worktable, "add") == dict.fromkeys((1, 2, 3), ("stale", reason))
    assert units(worktable, "sign") == dict.fromkeys((1, 2, 3), ("stale", reason))
    assert Change.objects.filter(subject="the code of “add”").get().by is None
    assert adopt_code() == []


def test_what_comes_out_the_same_goes_no_further(worktable, work, second):
    work()
    second()
    adopt_code()

    assert work() == [("add", -5.0), ("add", 1.0), ("add", 3.0)]  # and no sign

    assert set(units(worktable, "add").values()) == {("fresh", "re-made, same content")}


def test_nobody_adopts_by_computing(worktable, work, cells, owner, second):
    work()
    second(100.0)
    x_of(worktable, 1, 4.0, 1.0, owner)

    work()

    assert cells(worktable, "total")[1] == (6.0,)  # by version 1, which is still registered


def test_a_worker_of_other_code_leaves_the_units_to_others_and_says_so(
    worktable, work, second, without_code, owner, caplog
):
    work()
    second(100.0)
    without_code()
    x_of(worktable, 1, 4.0, 1.0, owner)

    ran = work()  # by a process in which only version 2 is left, while the table runs by 1

    assert ran == []
    assert list(Todo.objects.filter(step__name="add").values_list("row_id", "owner")) == [(1, None)]
    assert Worker.objects.get().lacks == "has another “toy_add” than the tables ask for; update this host"
    assert "update this host" in caplog.text
    adopt_code()
    work()
    assert Worker.objects.get().lacks == ""
    assert Run.objects.filter(step_name="add").latest("id").step_version.declared_version == "2"


def test_what_is_computed_while_code_is_adopted_is_refused(worktable, work, cells, second, owner):
    from worktables.queue import draining
    from worktables.queue.claiming import claim

    work()
    x_of(worktable, 1, 4.0, 1.0, owner)
    batch = claim(register_worker("slow").token, lambda node: 1)
    works = draining.read_works(batch)
    draining._read(batch, works)
    second(100.0)
    adopt_code()
    todo = list(works.values())
    draining._take_results(
        batch,
        todo,
        draining.execute(code.step_of(batch.node), draining._calls(batch, todo)),
        Worker.objects.get(name="slow"),
    )

    accepted = settle(batch, todo)

    assert accepted == 0
    refused = Run.objects.latest("id")
    assert (refused.accepted, refused.step_version.declared_version) == (False, "1")
    assert cells(worktable, "total")[1] == (3.0,)
    work()
    assert cells(worktable, "total")[1] == (106.0,)


def test_a_pinned_step_keeps_its_version(worktable, work, cells, owner, second):
    work()
    pin_step(worktable, "add", version_of(get_step("toy_add")), by=owner)
    second(100.0)

    assert adopt_code() == []

    assert set(units(worktable, "add").values()) == {("fresh", "")}
    x_of(worktable, 1, 4.0, 1.0, owner)
    work()
    assert cells(worktable, "total")[1] == (6.0,)


def test_unpinning_adopts_the_present_code(worktable, work, cells, owner, second):
    work()
    pin_step(worktable, "add", version_of(get_step("toy_add")), by=owner)
    second(100.0)

    unpin_step(worktable, "add", by=owner)
    _, reason = units(worktable, "add")[1]
    work()

    assert reason.startswith("“add” of fields was unpinned by owner: version 1 (")
    assert cells(worktable, "total") == {1: (103.0,), 2: (95.0,), 3: (103.0,)}


def test_pinning_back_takes_the_old_results_without_computing(worktable, work, cells, owner, second):
    first = version_of(get_step("toy_add"))
    work()
    second(100.0)
    adopt_code()
    work()

    pin_step(worktable, "add", first, by=owner)
    ran = work()

    assert ran == []
    assert cells(worktable, "total") == {1: (3.0,), 2: (-5.0,), 3: (3.0,)}


def test_pinned_to_code_that_is_gone_what_is_known_stays_and_what_must_run_is_blocked(
    worktable, work, cells, owner, second, without_code
):
    first = version_of(get_step("toy_add"))
    work()
    second(100.0)
    adopt_code()
    without_code()
    Worker.objects.update(codes=[])

    pin_step(worktable, "add", first, by=owner)
    x_of(worktable, 1, 4.0, 1.0, owner)
    ran = work()

    assert ran == []
    found = units(worktable, "add")
    assert found[1] == (
        "blocked",
        f"needs “toy_add” version 1 ({first.code_fingerprint[:8]}), which is not installed here; "
        "unpin it in the table's versions, or install it",
    )
    assert [found[row][0] for row in (2, 3)] == ["fresh", "fresh"]
    assert cells(worktable, "total")[3] == (3.0,)


def test_code_that_is_installed_again_unblocks_what_waited(
    worktable, work, cells, owner, second, without_code
):
    first, kept = version_of(get_step("toy_add")), get_step("toy_add")
    work()
    second(100.0)
    without_code()
    Worker.objects.update(codes=[])
    pin_step(worktable, "add", first, by=owner)
    x_of(worktable, 1, 4.0, 1.0, owner)
    work()
    from pipelines.registry import _steps

    _steps["toy_add"]["1"] = kept

    assert adopt_code() == [f"fields: “toy_add” {first.in_words} is installed again"]
    work()

    assert cells(worktable, "total")[1] == (6.0,)


def test_code_that_another_worker_has_is_left_to_that(worktable, work, owner, second, without_code):
    first = version_of(get_step("toy_add"))
    work()
    pin_step(worktable, "add", first, by=owner)
    second(100.0)
    without_code()
    there = register_worker("elsewhere")
    Worker.objects.filter(pk=there.pk).update(codes=[code.code_of("toy_add", first.code_fingerprint)])
    x_of(worktable, 1, 4.0, 1.0, owner)

    work()

    assert units(worktable, "add")[1][0] == "stale"
    assert Todo.objects.filter(row_id=1, step__name="add", owner=None).exists()


def test_a_port_that_the_new_code_lacks_fails_with_a_remedy(worktable, work, owner):
    @step("toy_add", inputs=[Port("x", "float")], outputs=[Port("total", "float")], version="3")
    def narrower(inputs, parameters, context):
        return {"total": inputs["x"]}

    work()
    adopt_code()
    work()
    forget_step("toy_add", "3")

    assert units(worktable, "add")[1] == (
        "failed",
        "“toy_add” version 3 has no input “y”, to which this table ties a column; "
        "pin the table to an earlier version, or make a new table",
    )


def test_a_table_from_before_versions_is_checked_once(worktable, work):
    work()
    worktable.steps.update(version=None)

    [said] = [line for line in adopt_code() if "“add”" in line]
    ran = work()

    assert said.startswith("fields: “add” has new code: it is now version 1 (")
    assert ran == []
    assert {state for state, _ in units(worktable, "add").values()} == {"fresh"}


def test_adopting_costs_the_same_for_any_number_of_rows(
    worktable, work, second, owner, django_assert_max_num_queries
):
    from worktables.rows import add_rows

    add_rows(worktable, [{"x": float(n), "y": 1.0} for n in range(20, 320)], by=owner)
    work()
    second()

    with django_assert_max_num_queries(40):
        adopt_code()


def test_only_who_may_run_pins(worktable, collaborator, owner):
    version = version_of(get_step("toy_add"))

    with pytest.raises(PermissionDenied):
        pin_step(worktable, "add", version, by=collaborator)
    with pytest.raises(PermissionDenied):
        unpin_step(worktable, "add", by=collaborator)
    with pytest.raises(NoSuchStep, match="no step “sub”; its steps are add, sign"):
        pin_step(worktable, "sub", version, by=owner)
    with pytest.raises(NoSuchVersion, match="“sign” has had no version toy_add 1"):
        pin_step(worktable, "sign", version, by=owner)


def test_a_command_adopts_for_deploys(worktable, second, capsys):
    second()

    call_command("adopt_code")
    call_command("adopt_code")

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("fields: “add” has new code")
    assert said[1].startswith("All tables run by the present code")


def test_two_workers_of_which_one_has_the_code(worktable, second, without_code, owner):
    """The worker that has the code of the table computes; nothing is lost by the other having come first."""
    first = register_worker("first")

    drain(first)

    assert Unit.objects.filter(worktable=worktable).exclude(state=State.FRESH).count() == 0
