"""doit: one process, a task per step and row; what a task gave is kept in a small database, written at the end.

Its SQLite store costs as much as the others, and is the same everywhere; the default depends on what is installed.
"""

from contextlib import contextmanager
from functools import partial

from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.tools import config_changed, result_dep

from benchmarks.engine.peers.measuring import measure


class Chain:
    def __init__(self, folder, name, numbers):
        self.numbers, self.ran, self.results = numbers, 0, [None] * len(numbers)
        self.settings = {"GLOBAL": {"dep_file": str(folder / name), "backend": "sqlite3", "reporter": "zero"}}

    def compute(self):
        self.look()
        return self.results

    def look(self):
        status = DoitMain(ModuleTaskLoader({"task_row": self.tasks}), extra_config=self.settings).run(["run"])
        assert status == 0, status

    def edit(self, index, number):
        self.numbers[index] = number
        self.look()
        return self.results[index]

    def tasks(self):
        for row, number in enumerate(self.numbers):
            yield {
                "name": f"a{row}",
                "actions": [(self.plus_one, [number])],
                "uptodate": [config_changed({"x": number})],
            }
            # The result of the step before is what makes a step stale; getargs alone would look too early.
            yield {
                "name": f"b{row}",
                "actions": [self.twice],
                "getargs": {"a": (f"row:a{row}", "a")},
                "uptodate": [result_dep(f"row:a{row}")],
            }
            yield {
                "name": f"c{row}",
                "actions": [(self.minus_three, [row])],
                "getargs": {"b": (f"row:b{row}", "b")},
                "uptodate": [result_dep(f"row:b{row}")],
            }

    def plus_one(self, x):
        self.ran += 1
        return {"a": x + 1}

    def twice(self, a):
        self.ran += 1
        return {"b": a * 2}

    def minus_three(self, row, b):
        self.ran += 1
        self.results[row] = b - 3
        return {"c": b - 3}


@contextmanager
def doit(folder, server):
    yield partial(Chain, folder)


if __name__ == "__main__":
    measure(["doit"], doit)
