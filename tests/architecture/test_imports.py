"""The floor plan as a test: who may import whom, and what runs without Django."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A floor may import those after it. `basc` is a stranger to all of them but the steps.
FLOORS = ["portal", "vo", "provenance", "worktables", "pipelines", "archive", "projects"]
HOUSE = [*FLOORS, "basc"]

# What must run in a notebook, without Django.
PURE = [
    "basc",
    "archive.alma",
    "archive.headers",
    "pipelines.contract",
    "pipelines.executing",
    "pipelines.fingerprints",
    "pipelines.graph",
    "pipelines.planning",
    "pipelines.registry",
    "worktables.formats",
    "portal.supervising",
    "vo.adql",
    "vo.querying.explaining",
    "vo.querying.filling",
    "vo.querying.meaning",
    "vo.querying.plotting_sky",
    "vo.querying.reading",
]


def modules():
    """Find every module of the house, by its dotted name."""
    for floor in HOUSE:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(source, module, is_package=False):
    """Name what a module imports, at the top and inside functions, by statement or by `import_module("…")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            package = module.split(".")[: None if is_package else -1]
            base = package[: len(package) - node.level + 1]
            yield ".".join([*base, *filter(None, [node.module])])
        elif isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__", "import_string", "importorskip"):
                yield str(node.args[0].value)


def may_import(importer, imported):
    """Decide by the floor plan; whoever is not of the house may always be imported."""
    here, there = importer.split(".")[0], imported.split(".")[0]
    if there not in HOUSE or here == there:
        return True
    if here == "basc":
        return False
    if there == "basc":
        # Steps call it, the demo simulates with it, and whoever starts workers warms its kernels.
        return here == "portal" or importer.startswith("pipelines.steps")
    return FLOORS.index(there) > FLOORS.index(here)


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("worktables.editing", "pipelines.graph", True),
        ("worktables.editing", "projects", True),
        ("worktables.editing", "django.db", True),
        ("projects.sharing", "worktables.models", False),
        ("pipelines.steps.sources", "basc", True),
        ("pipelines.executing", "basc", False),
        ("archive.storage", "basc", False),
        ("basc.images", "archive", False),
        ("vo.tap.query", "portal.errors", False),
    ],
)
def test_the_floor_plan_reads_from_left_to_right(importer, imported, allowed):
    assert may_import(importer, imported) is allowed


def test_imports_are_found_wherever_they_hide():
    source = """
import a.b
from c import d
from . import e
from ..f import g
def inside():
    import h
    import_module("i.j")
"""

    assert set(imports_of(source, "house.room.module")) == {"a.b", "c", "house.room", "house.f", "h", "i.j"}
    assert "house.room.module" in set(imports_of("from . import e", "house.room.module", is_package=True))


@pytest.mark.parametrize("floor", HOUSE)
def test_a_floor_imports_only_what_lies_below(floor):
    broken = [
        f"{module} imports {imported}"
        for module, path in modules()
        if module.split(".")[0] == floor
        for imported in imports_of(path.read_text(), module, path.name == "__init__.py")
        if not may_import(module, imported)
    ]

    assert broken == []


@pytest.mark.parametrize("module", PURE)
def test_pure_hearts_run_without_django(module):
    program = f"""
import sys
class NoDjango:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "rest_framework", "celery"):
            raise ImportError(f"{{name}} is not installed here")
sys.meta_path.insert(0, NoDjango())
import {module}
"""

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
