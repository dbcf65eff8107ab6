"""Downloading a worktable: the rows that a filter leaves, as a file, row by row and as of one moment."""

import importlib.util
import itertools
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.db.models import F

from projects.permissions import demand
from worktables.formats import Field, TableInfo, flat_columns, format_named
from worktables.formats.errors import MissingLibrary
from worktables.models import Kind, State
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.snapshots import measure, snapshot
from worktables.viewing import Order, rows_wanted

BATCH = 2000
MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)

# What every row has beside its cells; downloaded only if asked for. The underscore keeps them apart from columns.
HIDDEN = (
    (Field("_id", "int", ucd="meta.id", description="number of the row in its worktable"), "id"),
    (Field("_parent", "int", ucd="meta.id.parent", description="row of the table it was expanded from"), "parent_id"),
    (Field("_state", "text", ucd="meta.code.status", description="whether its results are up to date"), "state"),
    (Field("_created", "time", "d", "time.creation", "when it was added", time_scale="UTC"), "created_at"),
    (Field("_created_by", "text", description="who added it"), "created_by"),
    (Field("_edited", "time", "d", "time.processing", "when it was last edited", time_scale="UTC"), "edited_at"),
    (Field("_edited_by", "text", description="who last edited it"), "edited_by"),
)  # fmt: skip


class Download(NamedTuple):
    """A file that does not exist yet: `pieces` makes it while it is read."""

    filename: str
    media_type: str
    pieces: object


def export(worktable, format, wanted=None, sort="", *, by, hidden=False):
    """Return a worktable as a file, streamed in constant memory from one snapshot of the database.

    Parameters
    ----------
    worktable : Worktable
    format : str
        A name of `worktables.formats.FORMATS`.
    wanted : dict
        Column name → filter text, as in `filtering`.
    sort : str
        A column name, with `-` for descending; empty is by row id. Empty cells come last.
    by : User
    hidden : bool
        Whether row id, state, and who made the row when come too.

    Returns
    -------
    Download
        Whose `pieces` is a generator of bytes. It opens a connection when the first piece is asked for, in the
        thread that asks, and gives it back when it is finished or closed.

    Raises
    ------
    PermissionDenied
    UnknownFormat, MissingLibrary, DuplicateColumns, NoSuchColumn, UnfitFilter
        Before the first byte.
    """
    demand(by, "view", worktable)
    chosen = format_named(format)
    if format == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise MissingLibrary("Parquet", "pyarrow", "parquet")
    layout = layout_of(worktable)
    order = Order(layout, sort)
    rows_wanted(worktable, wanted or {})
    hidden_columns = HIDDEN if hidden else ()
    info = TableInfo(
        worktable.name,
        worktable.description or worktable.title,
        (*(field for field, _ in hidden_columns), *(field_of(column) for column in layout.columns)),
    )
    flat_columns(info.fields)
    names = [name for _, name in hidden_columns]
    untold = set() if Sight(by, worktable.project_id).may_name_who_added(worktable) else {"created_by"}
    pieces = _pieces(worktable, layout, chosen, info, wanted or {}, order, names, untold)
    return Download(f"{worktable.name}{chosen.suffix}", chosen.media_type, pieces)


def field_of(column):
    """Return a column as the formats know it."""
    return Field(
        name=column.name,
        kind=str(column.kind),
        unit=column.unit,
        ucd=column.ucd,
        description=column.description,
        shape=column.shape,
        element=column.element,
        time_scale=column.time_scale,
    )


def _pieces(worktable, layout, chosen, info, wanted, order, hidden, untold):
    with snapshot() as alias:
        rows = rows_wanted(worktable, wanted, using=alias)
        if chosen.needs_count:
            info = _measured(info, rows, layout, hidden)
        yield from chosen.writer(info, _batches(_in_order(rows, order), layout, hidden, untold, alias))


def _measured(info, rows, layout, hidden):
    n_rows, widths, null_for = measure(rows, layout, layout.columns)
    if hidden:  # their texts are few and short
        names = max(get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD).max_length, 16)
        widths |= {"_state": 16, "_created_by": 4 * names, "_edited_by": 4 * names}
    return TableInfo(info.name, info.description, info.fields, n_rows, widths, null_for)


def _in_order(rows, order):
    if order.field == "id":
        return rows.order_by("-id" if order.descending else "id")
    field = F(order.field)
    return rows.order_by(
        field.desc(nulls_last=True) if order.descending else field.asc(nulls_last=True), "id"
    )


def _batches(rows, layout, hidden, untold, alias):
    """Yield lists of rows, each a tuple of one value for every field."""
    found = rows.values_list(*hidden, *layout.fields(layout.columns)).iterator(chunk_size=BATCH)
    spoken = _spoken(hidden, untold, alias)
    has_pairs = any(column.kind == Kind.POSITION for column in layout.columns)
    while batch := list(itertools.islice(found, BATCH)):
        if not hidden and not has_pairs:
            yield batch
            continue
        flat = iter(zip(*batch, strict=True))
        columns = [list(map(speak, next(flat))) for speak in spoken]
        for column in layout.columns:
            columns.append(_pairs(next(flat), next(flat)) if column.kind == Kind.POSITION else next(flat))
        yield list(zip(*columns, strict=True))


def _pairs(ra, dec):
    return [None if a is None or d is None else (a, d) for a, d in zip(ra, dec, strict=True)]


def _spoken(hidden, untold, alias):
    """Return, for each hidden column, the function that says its values as people know them; untold ones are empty."""
    if not hidden:
        return []
    people = get_user_model()
    names = dict(people.objects.using(alias).values_list("pk", people.USERNAME_FIELD))
    labels = {state.value: state.label for state in State}
    known = {
        "state": labels.get,
        "created_at": _mjd,
        "edited_at": _mjd,
        "created_by": names.get,
        "edited_by": names.get,
        **dict.fromkeys(untold, lambda value: None),
    }
    return [known.get(name, lambda value: value) for name in hidden]


def _mjd(moment):
    return None if moment is None else (moment - MJD_ZERO) / timedelta(days=1)
