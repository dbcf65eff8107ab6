"""DataJoint on PostgreSQL: a table per step, filled by ``populate()`` in one process, without its table of jobs."""

from contextlib import contextmanager
from urllib.parse import urlsplit

import datajoint as dj

from benchmarks.engine.peers.measuring import measure


class Chain:
    def __init__(self, name, numbers):
        self.numbers, self.ran = numbers, 0
        self.servers = {"PostgreSQL": dj.conn().query("SHOW server_version").fetchone()[0].split()[0]}
        self.number, *self.steps = declare(dj.Schema(f"peer_{name}"), self)

    def compute(self):
        self.number.insert({"row": row, "x": number} for row, number in enumerate(self.numbers))
        self.look()
        return self.steps[-1].to_arrays("c", order_by="row").tolist()

    def look(self):
        for step in self.steps:
            step.populate()

    def edit(self, index, number):
        self.numbers[index] = number
        # An update would not be noticed: what depends on a row goes only when the row itself goes.
        (self.number & {"row": index}).delete(prompt=False)
        self.number.insert1({"row": index, "x": number})
        self.look()
        return (self.steps[-1] & {"row": index}).fetch1("c")


def declare(schema, chain):
    @schema
    class Number(dj.Manual):
        definition = """
        row : int32
        ---
        x : float64
        """

    @schema
    class PlusOne(dj.Computed):
        definition = """
        -> Number
        ---
        a : float64
        """

        def make(self, key):
            chain.ran += 1
            self.insert1({**key, "a": (Number & key).fetch1("x") + 1})

    @schema
    class Twice(dj.Computed):
        definition = """
        -> PlusOne
        ---
        b : float64
        """

        def make(self, key):
            chain.ran += 1
            self.insert1({**key, "b": (PlusOne & key).fetch1("a") * 2})

    @schema
    class MinusThree(dj.Computed):
        definition = """
        -> Twice
        ---
        c : float64
        """

        def make(self, key):
            chain.ran += 1
            self.insert1({**key, "c": (Twice & key).fetch1("b") - 3})

    return Number(), PlusOne(), Twice(), MinusThree()


@contextmanager
def datajoint(folder, server):
    url = urlsplit(server)
    dj.config["database.backend"] = "postgresql"
    dj.config["database.host"], dj.config["database.port"] = url.hostname, url.port
    dj.config["database.user"], dj.config["database.password"] = url.username, "unused"
    dj.config["database.name"] = url.path.strip("/")
    dj.config["safemode"] = False
    dj.logger.setLevel("WARNING")  # else it tells of every row it deletes
    yield Chain


if __name__ == "__main__":
    measure(["datajoint"], datajoint)
