"""A table from a file is a worktable with all it says about itself, or it is nothing at all."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from django.core.exceptions import PermissionDenied
from django.db import connection

from worktables.errors import TooLarge, UnfitName, UnfitValue
from worktables.exporting import field_of
from worktables.formats.errors import (
    DuplicateColumns,
    FormatError,
    NotATable,
    TruncatedFile,
    UnknownUnit,
    WrongNumberOfCells,
)
from worktables.formats.fields import Field
from worktables.formats.raw import ReadTable
from worktables.importing import import_file, import_table
from worktables.models import Change, Column, Worktable
from worktables.storage import layout_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.django_db


def rows_of(worktable):
    layout = layout_of(worktable)
    return [
        tuple(layout.value(column, row) for column in layout.columns) for row in layout.rows.order_by("id")
    ]


@pytest.fixture
def votable(tmp_path):
    """Three sources, with everything a VOTable can say of a column."""
    table = Table(
        {
            "SourceName": ["3C 273", "", "M 87"],
            "ra": np.array([187.27791, 187.7, 187.7059]),
            "dec": np.array([2.05239, 12.4, 12.3911]),
            "S_peak": MaskedColumn([3.5, np.inf, 0.0], mask=[False, False, True]),
            "n": MaskedColumn(np.array([2**53 + 1, 0, 5]), mask=[False, True, False]),
        }
    )
    table["S_peak"].unit = "Jy/beam"
    table["S_peak"].description = "peak brightness"
    table["S_peak"].meta["ucd"] = "phot.flux.density;em.radio"
    for name in ("ra", "dec"):
        table[name].unit = "deg"
        table[name].meta["ucd"] = f"pos.eq.{name};meta.main"
    path = tmp_path / "sources.vot"
    table.write(path, format="votable", tabledata_format="binary2")
    return path


def test_a_votable_becomes_a_worktable_with_units_ucds_and_nulls(votable, project, owner):
    worktable = import_file(votable, project, "sources", owner)

    assert worktable.n_rows == 3
    assert [column.name for column in worktable.columns.all()] == ["sourcename", "position", "s_peak", "n"]
    peak = worktable.column("s_peak")
    assert (peak.unit, peak.ucd, peak.role) == ("Jy/beam", "phot.flux.density;em.radio", "input")
    assert "peak brightness" in peak.description
    assert rows_of(worktable) == [
        ("3C 273", (187.27791, 2.05239), 3.5, 2**53 + 1),
        ("", (187.7, 12.4), math.inf, None),
        ("M 87", (187.7059, 12.3911), None, 5),
    ]


def test_an_import_is_in_the_history_and_under_its_importers_name(votable, project, owner):
    worktable = import_file(votable, project, "sources", owner)

    assert worktable.created_by == owner
    added = Change.objects.get(worktable=worktable, action="add_rows")
    assert (added.by, added.new) == (owner, {"rows": [1, 3], "n": 3})


def test_a_fits_table_comes_in(tmp_path, project, owner):
    path = tmp_path / "sources.fits"
    Table({"flux": [1.0, 2.0], "name": ["a", "b"]}, units={"flux": "mJy"}).write(path)

    worktable = import_file(path, project, "sources", owner)

    assert worktable.column("flux").unit == "mJy"
    assert rows_of(worktable) == [(1.0, "a"), (2.0, "b")]


def broken_files():
    """Files that are no tables: how they look, and what is said about each."""
    image = fits.HDUList([fits.PrimaryHDU(np.zeros((4, 4)))])
    return {
        "short.csv": (b"a,b\n1,2\n3\n", WrongNumberOfCells, "line 3 has too few cells: 1 found, 2 expected"),
        "twice.csv": (b"a,a\n1,2\n", DuplicateColumns, "“a”"),
        "unit.ecsv": (
            b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: flux, unit: Jansky_per_potato, datatype: float64}\n"
            b"flux\n1.0\n",
            UnknownUnit,
            "“flux” has the unknown unit “Jansky_per_potato”",
        ),
        "page.html": (b"<!doctype html><title>Sign in</title>", NotATable, "web page"),
        "noise.bin": (bytes(range(256)) * 20, NotATable, "noise.bin"),
        "image.fits": (fits_bytes(image), FormatError, "image.fits"),
        "empty.csv": (b"", FormatError, "no columns"),
    }


def fits_bytes(hdus):
    from io import BytesIO

    buffer = BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", broken_files())
def test_a_broken_file_leaves_nothing_behind(name, tmp_path, project, owner):
    content, error, said = broken_files()[name]
    (tmp_path / name).write_bytes(content)
    before = connection.introspection.table_names()

    with pytest.raises(error, match=said):
        import_file(tmp_path / name, project, "broken", owner)

    assert not Worktable.objects.exists()
    assert not Column.objects.exists()
    assert connection.introspection.table_names() == before


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".vot", ".fits"])
def test_a_cut_off_file_is_said_to_be_cut_off(tmp_path, project, owner, suffix, kept):
    path = tmp_path / f"whole{suffix}"
    table = Table({"flux": np.arange(1000.0), "name": [f"source {n}" for n in range(1000)]})
    table.write(path, format="fits" if suffix == ".fits" else "votable")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(TruncatedFile, match=f"“whole{suffix}” is cut off"):
        import_file(path, project, "whole", owner)

    assert not Worktable.objects.exists()


def test_a_row_that_does_not_fit_takes_the_whole_table_with_it(project, owner):
    read = ReadTable([Field("n", "int")], [(1,), (2**63,)])
    before = connection.introspection.table_names()

    with pytest.raises(UnfitValue, match="line 2, column “n”"):
        import_table(project, "numbers", read, owner)

    assert not Worktable.objects.exists()
    assert connection.introspection.table_names() == before


@pytest.mark.parametrize("name", ["drop table wt_1", "../../etc/passwd", "", "Sources", "x;--", "a" * 64])
def test_a_name_that_queries_could_not_take_is_refused(votable, project, owner, name):
    with pytest.raises(UnfitName, match="cannot be used as a name"):
        import_file(votable, project, name, owner)


def test_a_column_name_that_is_sql_is_a_name(tmp_path, project, owner):
    path = tmp_path / "evil.csv"
    path.write_text('"x""); DROP TABLE accounts_user; --",../../etc/passwd,select\n1,2,3\n')

    worktable = import_file(path, project, "evil", owner)

    names = [column.name for column in worktable.columns.all()]
    assert names == ["x_drop_table_accounts_user", "etc_passwd", "select"]
    assert "DROP TABLE" in worktable.columns.first().description
    assert rows_of(worktable) == [(1, 2, 3)]


def test_what_only_looks_like_a_file_of_ours_is_text(project, owner):
    read = ReadTable([Field("image", "product")], [("ab" * 32,)])

    worktable = import_table(project, "stolen", read, owner)

    assert field_of(worktable.column("image")).kind == "text"


def test_only_who_may_edit_the_project_imports_into_it(votable, project, reader, collaborator, stranger):
    for user in (reader, collaborator, stranger):
        with pytest.raises(PermissionDenied):
            import_file(votable, project, "sources", user)

    assert not Worktable.objects.exists()


def test_a_taken_name_is_refused_before_the_file_is_read(votable, project, owner):
    import_file(votable, project, "sources", owner)

    with pytest.raises(UnfitName, match="already a table of this project"):
        import_file(votable.with_name("absent.vot"), project, "sources", owner)


def test_a_file_beyond_the_limit_is_not_read(votable, project, owner, monkeypatch):
    monkeypatch.setattr("worktables.importing.LARGEST_FILE", 100)

    with pytest.raises(TooLarge, match="100 is the most"):
        import_file(votable, project, "sources", owner)


def test_many_rows_are_inserted_by_few_statements(project, owner, django_assert_max_num_queries):
    read = ReadTable(
        [Field("n", "int"), Field("place", "position")], [(n, (n / 100, 1.0)) for n in range(3000)]
    )

    with django_assert_max_num_queries(60):
        worktable = import_table(project, "many", read, owner)

    assert worktable.n_rows == 3000
    assert rows_of(worktable)[2999] == (2999, (29.99, 1.0))


# The command line


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A portal of its own, with a project and its owner."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
    environment = {**kept, "STOA_HOME": str(home)}
    program = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from portal.accounts.models import User
from projects.editing import create_project
create_project("virgo", "Virgo", creator=User.objects.create_user("owner"))
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        check=True,
    )
    return environment


def stoa(installation, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "portal.command", *arguments],
        cwd=ROOT,
        env=installation,
        capture_output=True,
        text=True,
        **options,
    )


def test_one_command_loads_a_table(installation, votable):
    done = stoa(installation, "import", str(votable), "--project", "virgo", "--name", "sources")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "“sources” is in project “virgo”, with 3 rows.\n"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"a,b\n1\n", "cut", "line 2 has too few cells"),
        (b"a,b\n1,2\n", "drop table x", "cannot be used as a name"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture", "is not a table we can read"),
        (None, "absent", "No such file"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(installation, tmp_path, content, name, said):
    path = tmp_path / "table.dat"
    if content is not None:
        path.write_bytes(content)

    done = stoa(installation, "import", str(path), "--project", "virgo", "--name", name)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("stoa: ")
    assert done.stderr.count("\n") == 1


def test_the_command_names_the_projects_there_are(installation, votable):
    done = stoa(installation, "import", str(votable), "--project", "../virgo", "--name", "x")

    assert (done.returncode, done.stderr) == (2, "stoa: no project “../virgo”; there are: virgo\n")
