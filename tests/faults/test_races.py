"""Random edits while workers compute and are killed: in the end every cell says what follows from the inputs."""

import itertools
import json
import os
import random
import threading
import time

import pytest

from tests.faults.family import differences, tables_as_told
from tests.faults.scratch import ScratchPortal
from worktables.editing import edit_cell
from worktables.queue import draining, recovery, settling
from worktables.queue.claiming import claim
from worktables.queue.draining import batch_size, drain, work_through

FAMILY = "tests.faults.family"
EDITORS, EDITS, KILLS = 2, 120, 8


@pytest.fixture
def portal(tmp_path):
    """The family in a portal of its own."""
    portal = ScratchPortal(tmp_path / "family", tmp_path / "archive", os.environ.get("STOA_DATABASE_URL", ""))
    try:
        portal.create().do(FAMILY, "build")
        yield portal
    finally:
        portal.remove()


def test_random_edits_and_kills_leave_no_wrong_cell(portal):
    rng, seeds, refusals, enough = random.Random(3), itertools.count(), [], threading.Event()
    portal.start(FAMILY, "work")

    def keep_editing():
        """Change EDITS cells and more, until the last worker is killed: there is always one at work."""
        while True:
            refusals.append(int(portal.do(FAMILY, "edit", str(next(seeds)), str(EDITS))))
            if enough.is_set():
                return

    editors = [threading.Thread(target=keep_editing) for _ in range(EDITORS)]
    for editor in editors:
        editor.start()

    try:
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.1, 0.6))
            portal.kill_one_at_work(rng)
    finally:
        enough.set()
    for editor in editors:
        editor.join()
    assert len(refusals) >= EDITORS, "every editor made all its changes"
    portal.wait_until_settled()
    told = portal.told(FAMILY)

    assert portal.count("worktables_change WHERE action = 'edit'") > len(refusals) * EDITS / 2
    assert differences(told) == []


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
