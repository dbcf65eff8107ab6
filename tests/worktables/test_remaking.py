"""Evicted files: they go only if they can come back, and come back only as they were."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from archive.errors import FileLost, NotRemade
from archive.keeping import keep_product
from archive.models import Product
from archive.storage import incoming_folder, open_blob, path_of, size_of
from pipelines.contract import Port
from pipelines.models import Pipeline, Run, StepVersion
from pipelines.registry import forget_step, step
from projects.sharing import share_with
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.models import Todo
from worktables.operating import present_stores
from worktables.remaking import evict_products, evictable_products, remake
from worktables.rows import add_rows
from worktables.signals import runs_written
from worktables.storage import layout_of

pytestmark = pytest.mark.django_db
SHADE = ["grey"]
drawn = []


@pytest.fixture(autouse=True)
def steps():
    """Three steps of files: one draws, one crops what was drawn, one is never the same."""
    SHADE[:], drawn[:] = ["grey"], []

    @step("toy_draw", [Port("x", "int")], [Port("drawing", "product")])
    def toy_draw(inputs, parameters, context):
        drawn.append(("draw", inputs["x"]))
        return {"drawing": context.keep(f"{inputs['x']} {SHADE[0]}".encode(), "drawing.txt", "text/plain")}

    @step("toy_crop", [Port("drawing", "product")], [Port("crop", "product"), Port("again", "product")])
    def toy_crop(inputs, parameters, context):
        with context.open(inputs["drawing"]) as file:
            data = file.read()
        drawn.append(("crop", data))
        return {
            "crop": context.keep(b"crop of " + data, "crop.txt", "text/plain"),
            "again": inputs["drawing"],
        }

    @step("toy_now", [Port("x", "int")], [Port("moment", "product")], deterministic=False)
    def toy_now(inputs, parameters, context):
        return {"moment": context.keep(f"moment {inputs['x']}".encode(), "moment.txt", "text/plain")}

    yield
    for name in ("toy_draw", "toy_crop", "toy_now"):
        forget_step(name)


@pytest.fixture
def drawings(project, owner, work):
    """Two rows of drawing → crop, and a moment, all computed; and an uploaded file."""
    graph = {
        "steps": [
            {"name": "draw", "step": "toy_draw", "inputs": {"x": "x"}, "outputs": {"drawing": "drawing"}},
            {
                "name": "crop",
                "step": "toy_crop",
                "inputs": {"drawing": "drawing"},
                "outputs": {"crop": "crop", "again": "again"},
            },
            {"name": "now", "step": "toy_now", "inputs": {"x": "x"}, "outputs": {"moment": "moment"}},
        ]
    }
    pipeline = Pipeline.objects.create(name="drawings", title="Drawings", graph=graph)
    table = create_worktable(project, "drawings", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1}, {"x": 2}], by=owner)
    keep_product(project, b"uploaded", "mine.txt", by=owner)
    work()
    drawn.clear()
    return table


def there():
    """Return the contents of the files whose bytes are in the store."""
    found = set()
    for product in Product.objects.filter(evicted_at=None):
        with open_blob(product.sha256) as file:
            found.add(file.read())
    return found


def kept(content):
    """Return the record of a file with this content."""
    from hashlib import sha256

    return Product.objects.get(sha256=sha256(content).hexdigest())


def names(project):
    """Return what the files are called that could go."""
    ids = [pk for pk, *_ in evictable_products(project)]
    return sorted(Product.objects.filter(pk__in=ids).values_list("name", flat=True))


def test_only_what_a_present_deterministic_step_made_can_go(drawings):
    assert evict_products(drawings.project) == (4, 2 * len(b"1 grey") + 2 * len(b"crop of 1 grey"))

    assert there() == {b"moment 1", b"moment 2", b"uploaded"}
    assert evict_products(drawings.project) == (0, 0), "once"


def test_opening_makes_it_again_from_inputs_that_are_made_again_too(drawings):
    before = kept(b"crop of 1 grey")
    evict_products(drawings.project)

    with open_blob(before.sha256) as file:
        assert file.read() == b"crop of 1 grey"

    assert drawn == [("draw", 1), ("crop", b"1 grey")]
    assert kept(b"crop of 1 grey").evicted_at is None
    assert kept(b"1 grey").evicted_at is None
    assert kept(b"crop of 2 grey").evicted_at is not None, "what nobody opened stays away"
    drawn.clear()
    assert path_of(before.sha256).read_bytes() == b"crop of 1 grey"
    assert size_of(before.sha256) == before.size
    assert drawn == [], "it is there now"


def test_a_step_that_gives_something_else_replaces_nothing_and_is_named(drawings):
    crop, run = kept(b"crop of 1 grey"), Run.objects.get(step_name="draw", row_id=1)
    evict_products(drawings.project)
    SHADE[0] = "black"

    with pytest.raises(NotRemade) as refused:
        open_blob(kept(b"1 grey").sha256)

    said = str(refused.value)
    assert f"“toy_draw” of run {run.pk}" in said
    assert f"code {run.step_version.code_fingerprint[:8]}" in said
    assert "gives another file now" in said
    assert not Product.objects.filter(evicted_at=None, name__in=["drawing.txt", "crop.txt"]).exists()
    assert Product.objects.count() == 7
    with pytest.raises(NotRemade, match=r"toy_crop.*fails now.*cannot be made again as it was; download"):
        open_blob(crop.sha256)


def test_a_step_that_is_gone_or_fails_is_named_with_its_code(drawings):
    evict_products(drawings.project)
    drawing = kept(b"1 grey")
    forget_step("toy_draw")

    with pytest.raises(NotRemade, match=r"“toy_draw” of run .* whose code was .* and is not there any more"):
        open_blob(drawing.sha256)


def test_code_that_is_not_present_makes_nothing_evictable(drawings):
    StepVersion.objects.filter(step="toy_crop").update(code_fingerprint="f" * 32)

    assert names(drawings.project) == ["drawing.txt", "drawing.txt"]


def test_a_file_that_is_passed_on_belongs_to_whoever_made_it_first(drawings):
    """“again” of the second step is the drawing itself; to make it from that would go round in a circle."""
    evict_products(drawings.project)

    assert Run.objects.get(pk=kept(b"1 grey").made_by_run).step_name == "draw"


def test_a_file_that_could_only_be_made_from_itself_stays_and_so_does_what_needs_it(drawings):
    Run.objects.filter(step_name="draw").delete()

    assert names(drawings.project) == []


def test_what_needs_itself_is_refused_not_followed_for_ever(drawings):
    evict_products(drawings.project)
    crop = Run.objects.get(step_name="crop", row_id=1)
    Product.objects.filter(pk=kept(b"1 grey").pk).update(made_by_run=crop.pk)

    with pytest.raises(NotRemade):
        open_blob(kept(b"1 grey").sha256)


def test_what_another_project_keeps_too_stays(drawings, make_project, stranger):
    theirs = make_project("coma", stranger)
    keep_product(theirs, b"1 grey", "drawing.txt")

    evict_products(drawings.project)

    assert b"1 grey" in there()


def test_only_what_is_older_goes_if_one_says_so(drawings):
    Product.objects.filter(name="crop.txt").update(created_at=timezone.now() - timedelta(days=40))

    n, _ = evict_products(drawings.project, before=timezone.now() - timedelta(days=30))

    assert n == 2
    assert b"1 grey" in there()


def test_nothing_becomes_stale_and_a_row_that_runs_again_takes_what_it_needs(drawings, work, owner):
    evict_products(drawings.project)
    assert work() == []
    assert set(layout_of(drawings).rows.values_list("state", flat=True)) == {0}

    edit_cell(drawings, 1, drawings.column("x"), 5, seen=1, editor=owner)
    work()

    assert b"crop of 5 grey" in there()


def test_what_a_step_makes_anew_is_there_again(drawings, owner):
    evict_products(drawings.project)

    keep_product(drawings.project, b"2 grey", "drawing.txt")

    assert kept(b"2 grey").evicted_at is None
    assert b"2 grey" in there()


def test_a_file_that_vanished_though_it_was_not_evicted_comes_back_if_a_run_is_known(drawings, settings):
    evict_products(drawings.project)
    open_blob(kept(b"1 grey").sha256).close()
    shutil.rmtree(settings.MEDIA_ROOT)

    with open_blob(kept(b"1 grey").sha256) as file:
        assert file.read() == b"1 grey"
    with pytest.raises(FileLost, match="is not in the file store"):
        open_blob(kept(b"uploaded").sha256)
    assert not remake("a" * 64)


def test_pages_and_programs_get_the_file_all_the_same(drawings, client, owner):
    client.force_login(owner)
    for name in ("row-file", "api-cell-file"):
        evict_products(drawings.project)

        answer = client.get(reverse(name, args=[drawings.pk, 1, "crop"]))

        assert answer.status_code == 200
        assert b"".join(answer.streaming_content) == b"crop of 1 grey"


def test_of_a_file_that_comes_out_differently_a_reader_of_the_table_alone_learns_no_run(
    drawings, client, owner, stranger
):
    share_with(drawings, stranger, "reader", by=owner)
    evict_products(drawings.project)
    SHADE[0] = "black"
    for name in ("row-file", "api-cell-file"):
        address = reverse(name, args=[drawings.pk, 1, "drawing"])
        client.force_login(owner)
        told = client.get(address)
        client.force_login(stranger)
        kept_back = client.get(address)

        assert told.status_code == 409
        assert "toy_draw" in told.content.decode()
        assert kept_back.status_code == 404
        assert "toy_draw" not in kept_back.content.decode()


def test_the_page_of_the_row_says_that_a_file_cannot_be_shown_and_not_whose_run_it_was(
    drawings, client, owner
):
    evict_products(drawings.project)
    SHADE[0] = "black"
    client.force_login(owner)

    page = client.get(reverse("row", args=[drawings.pk, 1]), {"image": "drawing"})

    assert page.status_code == 200
    assert "was evicted and cannot be made again" in page.content.decode()
    assert "“toy_draw” of run" not in page.content.decode()


def test_more_files_take_no_more_statements(drawings, owner, work):
    with CaptureQueriesContext(connection) as few:
        evict_products(drawings.project)
    add_rows(drawings, [{"x": number} for number in range(10, 40)], by=owner)
    work()

    with CaptureQueriesContext(connection) as many:
        n, _ = evict_products(drawings.project)

    assert n == 60
    if connection.vendor == "postgresql":  # SQLite updates one by one, in a prepared statement
        assert len(many) == len(few)


def test_whoever_looks_after_the_machines_sees_what_is_evicted(drawings, curator):
    evict_products(drawings.project)

    (store,) = present_stores(curator)

    assert (store.files, store.evicted, store.evicted_bytes) == (3, 4, 40)


def test_the_command_says_what_went_and_what_would_go(drawings, capsys):
    call_command("evict_files", "virgo", "--dry-run")
    assert capsys.readouterr().out == "virgo: 4 files of 40 bytes can be made again; they would go\n"
    assert len(there()) == 7

    call_command("evict_files", "virgo")
    assert (
        capsys.readouterr().out
        == "virgo: 4 files of 40 bytes are evicted; whoever opens one has it made again\n"
    )
    assert len(there()) == 3


def test_files_and_their_names_are_on_the_disk_before_a_cell_names_them(drawings, owner, work, monkeypatch):
    fsync, written, batches = os.fsync, [], []

    def noted(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        written.append(("folder" if path.is_dir() else "file", path))
        fsync(descriptor)

    def committing(sender, *, step, runs, **_):
        batches.append((step.name, [path_of(run.outputs["drawing"]) for run in runs], written.copy()))
        written.clear()

    monkeypatch.setattr(os, "fsync", noted)
    ids = add_rows(drawings, [{"x": number} for number in range(10, 15)], by=owner)
    Todo.objects.exclude(step__name="draw").delete()
    runs_written.connect(committing)
    try:
        work()
    finally:
        runs_written.disconnect(committing)

    drawn_files = [path for _, paths, _ in batches for path in paths]
    assert len(drawn_files) == len(ids)
    for _, paths, before in batches:
        kinds = [kind for kind, _ in before]
        assert kinds == sorted(kinds)  # the folders once, after all files
        assert kinds.count("file") == len(paths)
        assert {path.parent for kind, path in before if kind == "file"} == {
            Path(incoming_folder())
        }  # and not yet named
        assert {path.parent for path in paths} <= {path for kind, path in before if kind == "folder"}
