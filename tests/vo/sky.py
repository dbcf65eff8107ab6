"""Published tables of a live portal: places all over the sky."""

import numpy as np
import pytest
from astropy.table import Table

PREPARE = """
from django.contrib.auth import get_user_model
from archive.keeping import keep_product
from projects.editing import create_project
from projects.sharing import share_with
from tests.vo.observations import skies
from vo.publishing.deciding import grant
from vo.publishing.proposing import propose
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows
users = get_user_model().objects
owner = users.create_superuser("owner", password="owner")
project = create_project("virgo", "Virgo", "Near M87.", creator=owner)
share_with(project, users.get(username="vera"), "reader", by=owner)
images = create_worktable(project, "images", creator=owner, columns=[NewColumn("image", "product")])
kept = [keep_product(project, data, "map.fits", by=owner).sha256 for data in (
    skies.image(centre=(150.0, 2.2)), skies.image((3, 24, 32), centre=(150.0, 2.2)))]
add_rows(images, [{"image": sha256} for sha256 in kept], by=owner)
facts = dict.fromkeys(("title", "description", "creator", "rights", "contact"), "Images of Virgo")
grant(propose(images, facts, "world", by=owner), by=owner)
"""
N = 400


@pytest.fixture(scope="session")
def sky(live, tmp_path_factory):
    """Publish images, three tables for the world and one for the project; return the rows of the first."""
    live.stoa("manage", "shell", "-v", "0", "-c", PREPARE)
    random = np.random.default_rng(11)
    table = Table(
        {
            "name": [f"S{number}" for number in range(N)],
            "ra": random.uniform(0, 360, N),
            "dec": np.degrees(np.arcsin(random.uniform(-1, 1, N))),
            "flux": random.lognormal(size=N),
            "n": random.integers(-5, 5, N),
        }
    )
    table["flux"].unit = "mJy"
    folder = tmp_path_factory.mktemp("sky")
    table.write(folder / "sky.vot", format="votable")
    for name, scope in (
        ("sources", "world"),
        ("order", "world"),
        ("spare", "world"),
        ("secret_list", "project"),
    ):
        live.stoa("import", folder / "sky.vot", "--project", "virgo", "--name", name, "--publish", scope,
                  "--title", f"All <{name}> & more", "--description", f"What {name} holds")  # fmt: skip
    return table
