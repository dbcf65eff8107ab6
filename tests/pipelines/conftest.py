"""A place to run steps without a database."""

from hashlib import sha256

import numpy as np
import pytest

from archive.catalogues import read_catalogue, write_catalogue
from basc.simulate import observe, write_fits


class Desk:
    """A context whose files are kept in a folder; what a notebook would use."""

    def __init__(self, folder):
        self.folder = folder / "data"
        self.folder.mkdir(exist_ok=True)
        self.store = folder / "store"
        self.store.mkdir(exist_ok=True)
        self.lines, self.names, self.headers = [], {}, {}

    def log(self, text):
        self.lines.append(text)

    def progress(self, fraction, text=""):
        pass

    def path(self, digest):
        return self.store / digest

    def open(self, digest):
        return self.path(digest).open("rb")

    def keep(self, data, name, media_type="application/fits", header=None):
        digest = sha256(data).hexdigest()
        self.path(digest).write_bytes(data)
        self.names[digest], self.headers[digest] = name, header
        return digest

    def keep_catalogue(self, table, name):
        return self.keep(write_catalogue(table), name)

    def catalogue(self, digest):
        return read_catalogue(self.path(digest).read_bytes())


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


PRODUCT_FOLDER = "survey/science_goal.uid_A/group.uid_B/member.uid_C/product"


@pytest.fixture
def simulated(desk):
    """A calibrator with a faint neighbour and a third source, in an ALMA-like folder of `desk`."""
    sources = [(64.0, 64.0, 0.40), (70.5, 66.0, 0.02), (50.0, 80.25, 0.05)]
    field = observe(
        sources, rng=np.random.default_rng(7), pixels=128, noise=1e-3, frequency=97.5e9, name="J0538-4405"
    )
    write_fits(field, desk.folder / PRODUCT_FOLDER, "J0538.band3")
    return field
