"""A batch of folders, as an archive delivers them: what came of it is said as the first portal said it."""

import numpy as np
import pytest

from archive.folders import project_folder
from basc.simulate import observe, write_fits
from pipelines.standard import install_pipelines
from projects.models import Project
from worktables.batches import summarise
from worktables.creating import create_worktable
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db
N = 74
WITHOUT_IMAGE, CORRUPT, WITHOUT_BEAM, MISSING = (7, 40), (11, 12, 63), (25,), (50,)


@pytest.fixture
def folders(project, settings, tmp_path):
    """Write small simulated folders, some of them broken; return the rows that name them."""
    settings.STOA_ARCHIVE_ROOT = tmp_path / "archive"
    settings.MEDIA_ROOT = tmp_path / "files"
    root = project_folder(Project(slug=project.slug))
    rows = []
    for number in range(N):
        folder = root / f"member{number}" / "product"
        rows.append({"folder": f"member{number}/product", "group": "field"})
        if number in MISSING:
            continue
        rng = np.random.default_rng(number)
        place = 30 + 4 * rng.random(2)
        field = observe([(*place, 1.0)], rng=rng, pixels=64, noise=0.02, frequency=97.5e9, cell=0.1)
        paths = write_fits(field, folder, "field")
        if number in WITHOUT_IMAGE:
            paths["dirty"].unlink()
        if number in CORRUPT:
            paths["dirty"].write_bytes(paths["dirty"].read_bytes()[: 3000 + number])
        if number in WITHOUT_BEAM:
            paths["psf"].unlink()
    return rows


def test_a_batch_of_74_folders_ends_in_a_summary_grouped_by_reason(folders, project, owner):
    pipeline = install_pipelines()["characterise"]
    table = create_worktable(project, "observations", creator=owner, pipeline=pipeline)
    ids = add_rows(table, folders, by=owner)
    drain(register_worker("tester"))

    summary = summarise(table.batches.select_related("worktable").get(), owner)
    found = [
        (group.state, group.step, group.n, {ids.index(row) for row in group.rows}) for group in summary.groups
    ]
    assert summary.over
    assert summary.sentence() == "74 processed: 67 ok, 6 failed, 1 empty"
    assert found == [
        ("failed", "products", 3, set(CORRUPT)),
        ("failed", "products", 2, set(WITHOUT_IMAGE)),
        ("failed", "products", 1, set(MISSING)),
        ("empty", "beam", 1, set(WITHOUT_BEAM)),
    ]
    assert "not a readable FITS file" in summary.groups[0].line
