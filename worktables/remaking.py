"""Evicting files that steps can make again, and making them again when somebody opens them.

The record of an evicted file stays, with the run that made it. Whoever opens it has the step of that run executed on
its recorded inputs; only if the same bytes come out are they kept.
"""

import threading
from contextlib import contextmanager
from hashlib import sha256 as new_sha256
from io import BytesIO

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from archive.errors import BeingMade, FileLost, NotRemade
from archive.models import Product
from archive.storage import name_of, put, remove, sync_folders
from pipelines.context import ProjectContext
from pipelines.errors import UnknownStep
from pipelines.executing import Call, execute
from pipelines.models import Run, StepVersion
from pipelines.registry import all_steps, get_step
from pipelines.writing import update_many
from projects.models import Project
from worktables.queue.turns import CLASS_OF_RUNS, alone
from worktables.storage.rows import in_ids
from worktables.storage.values import from_json

AT_ONCE = 500  # in one transaction
HASHED = ("product", "catalogue")
PATIENCE = 30.0  # seconds for which a request waits for what another has made again

# A file goes with the first run that made it by code that is present. What that run read was there before, so it
# was made by an earlier run or by none; where a later one would have to make it, the file stays.
EVICTABLE = """
    WITH made AS (
        SELECT e.value AS sha256, MIN(r.id) AS run_id FROM pipelines_run r CROSS JOIN {each}(r.outputs) e
        WHERE r.project_id = %s AND r.outcome = 'ok' AND {versions} AND LENGTH(e.value) = 64
        GROUP BY e.value
    )
    SELECT p.id, p.sha256, p.size, m.run_id FROM archive_product p JOIN made m ON m.sha256 = p.sha256
    WHERE p.project_id = %s AND p.evicted_at IS NULL AND p.created_at < %s
    AND NOT EXISTS (
        SELECT 1 FROM pipelines_run r CROSS JOIN {each}(r.inputs) e JOIN made i ON i.sha256 = e.value
        LEFT JOIN archive_product source ON source.project_id = r.project_id AND source.sha256 = e.value
        WHERE r.id = m.run_id AND COALESCE(source.made_by_run, i.run_id) >= m.run_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM archive_product other WHERE other.sha256 = p.sha256 AND other.project_id <> p.project_id
        AND other.evicted_at IS NULL
    )
    ORDER BY m.run_id, p.id
"""


def evictable_products(project, *, before=None):
    """Return (id, sha256, size, run) of the files of a project that can go and be made again.

    Those are the ones that a deterministic step made whose code is present, from inputs that are recorded in full.
    Files of the archive, uploads, and what another project shares are none of them.

    Parameters
    ----------
    project : Project
    before : datetime, optional
        Only what was kept before.
    """
    versions, values = in_ids("r.step_version_id", _versions_present())
    on_postgresql = connection.vendor == "postgresql"
    sql = EVICTABLE.format(
        each="jsonb_each_text" if on_postgresql else "json_each",
        versions=versions,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk, *values, project.pk, before or timezone.now()])
        return cursor.fetchall()


def _versions_present():
    """Return the ids of the step versions that are registered now and can make their files again."""
    steps = [
        step
        for step in all_steps()
        if step.deterministic
        and not any(port.many for port in step.inputs)  # a run says how many there were, not which
        and any(port.kind in HASHED for port in step.outputs)
    ]
    known = StepVersion.objects.filter(step__in=[step.name for step in steps])
    present = {(step.name, step.code_fingerprint) for step in steps}
    return [version.pk for version in known if (version.step, version.code_fingerprint) in present]


def evict_products(project, *, before=None):
    """Take the bytes of files that can be made again out of the store; their records stay.

    Parameters
    ----------
    project : Project
    before : datetime, optional
        Only of what was kept before.

    Returns
    -------
    (int, int)
        How many files, and how many bytes.
    """
    going = evictable_products(project, before=before)
    for start in range(0, len(going), AT_ONCE):
        part = going[start : start + AT_ONCE]
        # The record first: between the two, a file is there though it counts as evicted, which harms nobody.
        with transaction.atomic():
            update_many(
                "archive_product",
                "id",
                {"made_by_run": "bigint"},
                [(run_id, pk) for pk, _, _, run_id in part],
                {"evicted_at": timezone.now()},
            )
        for _, sha256, _, _ in part:
            remove(sha256)
    return len(going), sum(size for _, _, size, _ in going)


# ------------------------------------------------------------------ making them again

_at_it = threading.local()


def remake(sha256):
    """Make an evicted file again and keep it; return whether any run is known to have made it.

    One does what all others who ask for it meanwhile, in whichever process, wait for. It goes on when the client whose
    request it is has left.

    Raises
    ------
    NotRemade
        If the step gives something else now.
    BeingMade
        If somebody else takes longer than whoever asks may wait.
    """
    product = (
        Product.objects.filter(sha256=sha256).exclude(made_by_run=None).select_related("project").first()
    )
    if product is None:
        return False
    under_way = _at_it.__dict__.setdefault("runs", [])
    run = Run.objects.select_related("step_version").filter(pk=product.made_by_run).first()
    if run is None:
        return False
    if run.pk in under_way:
        raise _refusal(product, run, "needs the file itself to make it")
    with alone(CLASS_OF_RUNS, run.pk, _at_it.__dict__.get("patience")) as mine:
        if not mine:
            raise BeingMade(sha256)
        if default_storage.exists(name_of(sha256)):  # by whoever was first
            return True
        under_way.append(run.pk)
        try:
            made = _make(product, run)
        finally:
            under_way.pop()
        _keep_again(product, made)
    return True


def _make(product, run):
    """Execute the step of a run on what it read; return the files it makes, {sha256: bytes}."""
    try:
        step = get_step(run.step_version.step)
    except UnknownStep:
        raise _refusal(product, run, "is not there any more") from None
    context = TryingContext(product.project)
    inputs = {port.name: from_json(port.kind, run.inputs.get(port.name)) for port in step.inputs}
    parameters = {each.name: from_json(each.kind, run.parameters.get(each.name)) for each in step.parameters}
    (result,) = execute(step, [Call(inputs, parameters, context)])
    if result.outputs is None:
        raise _refusal(product, run, f"fails now ({result.error})")
    if product.sha256 not in context.made:
        port = next((name for name, value in run.outputs.items() if value == product.sha256), "")
        instead = result.outputs.get(port)
        raise _refusal(product, run, f"gives another file now ({instead[:8] if instead else 'none'})")
    return context.made


def _refusal(product, run, problem):
    version = run.step_version
    try:
        present = get_step(version.step).code_fingerprint
    except UnknownStep:
        present = ""
    return NotRemade(
        product.sha256, product.name, version.step, run.pk, version.code_fingerprint, present, problem
    )


def _keep_again(product, made):
    """Keep what a step made again: the file that was asked for, and others that it makes at the same time."""
    wanted = Product.objects.filter(sha256__in=list(made), project=product.project).exclude(evicted_at=None)
    for sha256 in {product.sha256, *wanted.values_list("sha256", flat=True)}:
        put(made[sha256])
        sync_folders()
        Product.objects.filter(sha256=sha256).update(evicted_at=None)


class TryingContext(ProjectContext):
    """Where a step runs whose files are only looked at: what it keeps stays in memory."""

    __slots__ = ("made",)

    def __init__(self, project):
        super().__init__(project)
        self.made = {}

    def keep(self, data, name, media_type="application/fits", header=None):
        """Note a file and return its sha256."""
        sha256 = new_sha256(data).hexdigest()
        self.made[sha256] = bytes(data)
        self.kept.append(sha256)
        return sha256

    def open(self, sha256):
        """Open a kept file, or one that was noted."""
        return BytesIO(self.made[sha256]) if sha256 in self.made else super().open(sha256)


@contextmanager
def told_to(user, project_id):
    """Open files for somebody who waits for an answer.

    Who finds a file being made again by somebody else waits for it, but not for ever. Of a file that cannot be made
    again they are told what they may know; of its run, who sees the project.
    """
    _at_it.patience = PATIENCE
    try:
        yield
    except NotRemade as error:
        if Project.objects.visible_to(user).filter(pk=project_id).exists():
            raise
        raise FileLost(error.sha256) from None
    finally:
        _at_it.patience = None
