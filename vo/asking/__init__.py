"""Asking the database what somebody else wrote: as a reader that can do nothing but read, for a limited time."""

from dataclasses import replace

from django.db import connection

from vo.adql.tables import Column
from worktables.formats.fields import Packed


def ask(translation, brought, *, seconds, stopped=lambda: False, format=""):
    """Run a translated query, and yield what it finds, batch by batch, as it is at one moment.

    Parameters
    ----------
    translation : vo.adql.Translation
    brought : list of BroughtTable
        Tables that come with the query, to be there while it runs.
    seconds : float
        After which it is stopped.
    stopped : callable
        Asked now and then; when it says yes, the query ends.

    format : str, optional
        What the answer is written as: some lines the database writes itself.

    Yields
    ------
    list of tuple, Packed or Written

    Raises
    ------
    QueryStopped, QueryFailed
        Also between two batches.
    """
    if connection.vendor == "postgresql":
        from vo.asking.postgresql import read
    else:
        from vo.asking.sqlite import read
    return read(translation, brought, seconds, stopped, format)


def count(translation, brought, *, seconds, stopped=lambda: False):
    """Return how many rows a query finds."""
    counting = replace(
        translation, sql=f"SELECT count(*) FROM ({translation.sql}) AS q", columns=(Column("n", "int"),)
    )
    (batch,) = ask(counting, brought, seconds=seconds, stopped=stopped)
    return int(batch.columns[0][0] if isinstance(batch, Packed) else batch[0][0])
