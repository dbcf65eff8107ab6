"""A table of number counts in a live portal, as the demo has one; it belongs to vera."""

from types import SimpleNamespace

import pytest

AREA = 1800.0  # of each detection, in square arcminutes
PREPARE = f"""
from django.contrib.auth import get_user_model
from pipelines.models import Pipeline
from projects.editing import create_project
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.linking import collect
from worktables.rows import add_rows
vera = get_user_model().objects.get(username="vera")
project = create_project("counting", "Counting", creator=vera)
found = create_worktable(project, "detections", creator=vera, columns=[
    NewColumn("band"), NewColumn("flux", "float", unit="Jy"), NewColumn("area", "float", unit="arcmin2")])
outputs = ("n", "area", "n_per_deg2", "n_per_deg2_error")
pipeline = Pipeline.objects.create(name="number_counts", title="Number counts", graph={{"steps": [{{
    "name": "count", "step": "count", "outputs": dict(zip(outputs, outputs)),
    "inputs": {{"flux_min": "flux_min", "fluxes": "sources.flux", "areas": "observations.area"}}}}]}})
counts = create_worktable(project, "counts", creator=vera, pipeline=pipeline, columns=[NewColumn("band")])
for name in ("sources", "observations"):
    collect(found, counts, name=name, match={{"band": "band"}}, by=vera)
add_rows(found, [{{"band": "3", "flux": 0.01 * n, "area": {AREA}}} for n in range(1, 5)], by=vera)
open({{path!r}}, "w").write(str(counts.pk))
"""


@pytest.fixture(scope="session")
def counts(live, tmp_path_factory):
    """Return the address of the table's jobs, and how to sign requests to them."""
    path = tmp_path_factory.mktemp("counting") / "pk"
    live.stoa("manage", "shell", "-v", "0", "-c", PREPARE.replace("{path!r}", repr(str(path))))
    number = path.read_text()
    return SimpleNamespace(
        number=number,
        jobs=f"{live.address}/worktables/{number}/jobs",
        signed={"Authorization": f"Bearer {live.token}"},
    )
