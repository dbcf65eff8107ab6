"""The control: without the fence an old result passes for fresh, and the oracle notices."""

import json

import pytest

from tests.faults.oracle import differences, tables_as_told
from worktables.editing import edit_cell
from worktables.queue import draining, recovery, settling
from worktables.queue.claiming import claim
from worktables.queue.draining import batch_size, drain, work_through


def take_off_the_fence(monkeypatch):
    """Let whoever settles keep what it claimed, whatever has become of it."""
    still_ours = settling._still_ours
    monkeypatch.setattr(settling, "_still_ours", lambda batch: still_ours(batch) | set(batch.claims))


@pytest.mark.parametrize("fenced", [True, False])
def test_without_the_fence_an_old_result_would_pass_for_fresh(family, owner, work, monkeypatch, fenced):
    """The control: what the comparison above is worth.

    A slow worker reads its inputs; an edit comes; another worker computes the new value; then the slow one writes.
    """
    work()
    edit_cell(family.fields, 2, family.fields.column("x"), 4.0, seen=3.0, editor=owner)
    slow, read, prompt = recovery.register_worker("slow"), draining.read_step_inputs, []

    def read_and_be_overtaken(batch, works):
        read(batch, works)
        if not prompt:
            prompt.append(recovery.register_worker("prompt"))
            edit_cell(family.fields, 2, family.fields.column("x"), 1.0, seen=4.0, editor=owner)
            drain(prompt[0])

    monkeypatch.setattr(draining, "read_step_inputs", read_and_be_overtaken)
    if not fenced:
        take_off_the_fence(monkeypatch)
    accepted = work_through(claim(slow.token, batch_size), slow)
    monkeypatch.undo()
    drain(slow)

    assert accepted == (0 if fenced else 1)
    wrong = differences(json.loads(json.dumps(tables_as_told())))
    assert wrong == ([] if fenced else ["fields 2: total is 4.0, and should be 1.0"])


@pytest.mark.parametrize("fenced", [True, False])
def test_without_the_fence_a_late_worker_would_be_accepted_too(family, owner, work, monkeypatch, fenced):
    """The other control: a worker is given up, its unit is computed by another one, and then it comes back."""
    work()
    edit_cell(family.fields, 2, family.fields.column("x"), 4.0, seen=3.0, editor=owner)
    late = recovery.register_worker("late")
    batch = claim(late.token, batch_size)
    recovery.Worker.objects.filter(pk=late.pk).update(pid=2**22 + 1)
    recovery.sweep()
    drain(recovery.register_worker("prompt"))

    if not fenced:
        take_off_the_fence(monkeypatch)
        monkeypatch.setattr(draining, "recall", lambda project_id, fingerprints: {})
        monkeypatch.setattr(draining, "_verify", lambda works: None)
    accepted = work_through(batch, late)

    assert accepted == (0 if fenced else 1)
    wrong = differences(json.loads(json.dumps(tables_as_told())))
    assert wrong == ([] if fenced else ["1 units have two accepted runs"])
