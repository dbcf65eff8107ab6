"""Asking the database what somebody else wrote: as a reader that can do nothing but read, for a limited time."""

from django.db import connection


def ask(translation, brought, *, seconds, stopped=lambda: False):
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

    Yields
    ------
    list of tuple

    Raises
    ------
    QueryStopped, QueryFailed
        Also between two batches.
    """
    if connection.vendor == "postgresql":
        from vo.asking.postgresql import read
    else:
        from vo.asking.sqlite import read
    return read(translation, brought, seconds, stopped)
