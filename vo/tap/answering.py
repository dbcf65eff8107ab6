"""Answering a query: translated, asked, and written in the format wanted, while it is read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from django.conf import settings

from vo.adql import translate
from vo.adql.tables import Tables
from vo.asking import ask, count
from vo.asking.brought import bring
from vo.catalogue import TAP_SCHEMA, schemas_for
from vo.tap.fields import SHAPES, field_of
from vo.tap.schema import rows_of
from vo.tap.uploads import read_upload
from vo.uws.limits import most
from worktables.formats import TableInfo
from worktables.storage.arrays import TYPES


@dataclass(frozen=True)
class Answer:
    """An answer that is made while it is read."""

    media_type: str
    suffix: str
    pieces: Iterator[bytes]


def answer(query, user, *, seconds=None, stopped=lambda: False, described=lambda column: column):
    """Answer a query as this user may have it answered.

    The first rows are asked for before this returns, so that what is wrong with the query is known before anything
    is sent.

    Parameters
    ----------
    query : TapQuery
    user : User or AnonymousUser
    seconds : float, optional
        After which it is given up; the limit of synchronous queries unless said.
    stopped : callable
        Asked now and then; when it says yes, the query ends.
    described : callable
        Makes of a column of the answer what is said of it.

    Raises
    ------
    vo.adql.AdqlError, VoError
    """
    query = replace(query, maxrec=min(query.maxrec, most("MAXREC_HARD", user.is_authenticated)))
    translation, brought = prepare(query, user)
    limits = {"seconds": seconds or settings.VO["SYNC_SECONDS"], "stopped": stopped}
    n_rows = None
    if query.format.needs_count and is_countable(translation):
        known = translation.n_rows
        n_rows = min(query.maxrec, count(translation, brought, **limits) if known is None else known)
    found = ask(translation, brought, format=query.format.name, **limits)
    counted = Counted(found, query.maxrec)
    batches = as_values(translation.columns, counted)
    first = next(batches, [])
    info = TableInfo(
        "result",
        "",
        tuple(field_of(described(column)) for column in translation.columns),
        n_rows=n_rows,
        infos=(("QUERY_STATUS", "OK", ""), ("QUERY", query.text, "")),
        infos_after=counted.infos,
    )
    pieces = query.format.writer(info, chain([first], batches))
    return Answer(query.media_type, query.format.suffix, pieces)


def prepare(query, user, schemas=None):
    """Translate a query for this user.

    Parameters
    ----------
    query : TapQuery
    user : User or AnonymousUser
    schemas : list of Schema, optional
        What this user may ask, where it is known already.

    Returns
    -------
    Translation, list of BroughtTable
        What to ask, and the tables that must be there meanwhile.

    Raises
    ------
    vo.adql.AdqlError, VoError
    """
    schemas = schemas_for(user, query.base) if schemas is None else schemas
    uploads = {name.lower(): read_upload(name, data) for name, data in query.uploads.items()}
    tables, rows = _with_rows(schemas, uploads)
    translation = translate(query.text, tables, backend(), limit=query.maxrec + 1)
    read = sorted(translation.tables, key=lambda one: one.full_name)
    return translation, [rows[table.sql]() for table in read if table.sql in rows]


def is_countable(translation):
    """Say whether a query finds the same number of rows when it is asked again, and that number is all FITS needs."""
    return (
        all(column.kind in ("bool", "int", "float", "time") for column in translation.columns)
        and all(table.immutable for table in translation.tables)
        and "rand" not in translation.sql
    )


def backend():
    """Return which database there is, as `translate` names it."""
    from django.db import connection

    return connection.vendor


def _with_rows(schemas, uploads):
    """Return all tables, and for those that come with the query how to bring them, by what stands for them in SQL."""
    own, bringing = [], {}

    def add(table, rows):
        number = len(bringing)
        named = bring(table, (), number).table
        own.append(named)
        bringing[named.sql] = lambda: bring(table, rows(), number)

    for schema in schemas:
        for table in schema.tables:
            if table.schema == TAP_SCHEMA:
                add(table, lambda name=table.name: rows_of(name, schemas))
            else:
                own.append(table)
    for table, rows in uploads.values():
        add(table, lambda rows=rows: rows)
    return Tables.of(own), bringing


class Counted:
    """Batches of rows up to a number of them, and whether there would have been more."""

    def __init__(self, batches, most):
        self.batches, self.left, self.more = batches, most, False

    def __iter__(self):
        for batch in self.batches:
            if len(batch) > self.left:
                self.more = True
                batch = batch[: self.left]
            self.left -= len(batch)
            if batch:
                yield batch
            if self.more:
                return

    def infos(self):
        """Say that rows were left out (TAP 1.1, section 2.7.4)."""
        if not self.more:
            return ()
        return (("QUERY_STATUS", "OVERFLOW", "there are more rows than MAXREC lets through"),)


def as_values(columns, batches):
    """Turn what the database gives into values: shapes and arrays into numbers, and SQLite's numbers into truths."""
    turns = {i: turn for i, column in enumerate(columns) if (turn := _turn(column))}
    for batch in batches:
        if not turns:
            yield batch
            continue
        by_column = list(zip(*batch, strict=True))
        for i, turn in turns.items():
            by_column[i] = [None if value is None else turn(value) for value in by_column[i]]
        yield list(zip(*by_column, strict=True))


def _turn(column):
    if column.kind in SHAPES:
        return lambda text: [float(number) for number in text.split()[1:]]
    if backend() != "sqlite":
        return None
    if column.kind == "bool":
        return bool
    if column.kind == "array":
        if column.element not in TYPES:
            return json.loads
        dtype = TYPES[column.element][1]
        return lambda data: np.frombuffer(data, dtype)
    return None
