"""An answer as a worktable: all of it or nothing, with what was asked, of which versions, and when."""

from dataclasses import replace

from django.conf import settings

from projects.permissions import demand
from vo.adql import Table
from vo.asking import ask
from vo.catalogue import schemas_for
from vo.errors import VoError
from vo.tap.answering import Counted, as_values, prepare
from vo.tap.asking import TapQuery
from vo.tap.fields import field_of
from vo.tap.schema import table_name
from worktables.creating import check_free
from worktables.formats import FORMATS, TableInfo
from worktables.formats.reading import read_table
from worktables.importing import import_table

MOST_ROWS = 50_000


class TooManyRows(VoError):
    """An answer is too large to become a worktable."""

    code = "too-many-rows"

    def __init__(self, most):
        self.most = most
        super().__init__(
            f"the query finds more than {most:,} rows, which is too much for a worktable made from a page; "
            "narrow it, or download the result and import the file with `stoa import`"
        )


def keep_as_worktable(text, project, name, *, title="", creator, now, base=""):
    """Ask a query, and make a worktable of all it finds.

    Parameters
    ----------
    text : str
        ADQL.
    project : Project
        In which the creator may make tables.
    name, title : str
        Of the worktable.
    creator : User
        Who asks, and sees what they may see.
    now : datetime
    base : str
        Address of the portal as the creator reaches it.

    Returns
    -------
    Worktable

    Raises
    ------
    PermissionDenied, TooManyRows, vo.adql.AdqlError, VoError
    worktables.errors.WorktableError, worktables.formats.FormatError
    """
    demand(creator, "run", project)
    check_free(project, name)
    schemas = schemas_for(creator, base)
    translation, brought = prepare(TapQuery(text, None, "", MOST_ROWS, {}, base), creator, schemas)
    counted = Counted(ask(translation, brought, seconds=settings.VO["SYNC_SECONDS"]), MOST_ROWS)
    info = TableInfo(name, "", tuple(field_of(column) for column in translation.columns))
    data = b"".join(FORMATS["votable"].writer(info, as_values(translation.columns, counted)))
    if counted.more:
        raise TooManyRows(MOST_ROWS)
    read = read_table(data, name)
    about = description_of(text, versions_of(translation.tables, schemas), creator, now)
    return import_table(project, name, replace(read, title=title, description=about), creator)


def versions_of(tables, schemas) -> list[str]:
    """Return the names of tables, each with the number of its version where it has one."""
    numbered: dict[str, Table] = {}
    for schema in schemas:
        for table in schema.tables:
            if table.immutable and table.sql in {one.sql for one in tables}:
                known = numbered.get(table.sql)
                if known is None or len(table.name) > len(known.name):  # `sources` is `sources_v3`, too
                    numbered[table.sql] = table
    return sorted({table_name(numbered.get(table.sql, table)) for table in tables})


def description_of(text, versions, creator, now):
    """Return what is said of the table: what was asked, of what, when and by whom."""
    read = f" of {', '.join(versions)}" if versions else ""
    moment = now.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"Result of a query{read}, asked {moment} by {creator.get_username()}:\n\n{text.strip()}"
