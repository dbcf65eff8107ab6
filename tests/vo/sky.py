"""Published tables of a live portal: places all over the sky."""

import numpy as np
import pytest
from astropy.table import Table

PREPARE = """
from django.contrib.auth import get_user_model
from projects.editing import create_project
from projects.sharing import share_with
users = get_user_model().objects
owner = users.create_superuser("owner", password="owner")
project = create_project("virgo", "Virgo", "Near M87.", creator=owner)
share_with(project, users.get(username="vera"), "reader", by=owner)
"""
N = 400


@pytest.fixture(scope="session")
def sky(live, tmp_path_factory):
    """Three tables for the world, and one for the project, published from the command line; return the first's rows."""
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
