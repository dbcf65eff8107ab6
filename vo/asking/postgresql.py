"""Asking PostgreSQL: in a transaction that cannot write, as a role that can do nothing but read what is published."""

import io
import logging
import time
from contextlib import closing

import psycopg2
from django.db import connection
from psycopg2 import errors, sql

from vo.asking.copying import LINES, can_copy, copied, written
from vo.asking.copying_rows import copied_rows
from vo.asking.errors import DatabaseRefuses, QueryFailed, QueryStopped, ReaderMissing
from vo.halting import halted_by
from vo.publishing.storage import reader_role

log = logging.getLogger(__name__)


def read(translation, brought, seconds, stopped, format=""):
    """Yield batches of rows."""
    deadline = time.monotonic() + seconds
    with closing(_connected()) as reader, halted_by(reader.cancel):
        try:
            _prepare(reader, translation, brought, seconds)
            for batch in _batches(reader, translation, format):
                yield batch
                if stopped():
                    raise QueryStopped
                if time.monotonic() > deadline:
                    raise QueryStopped(seconds)
        except (errors.UndefinedObject, errors.InsufficientPrivilege) as error:
            if "role" in str(error):
                raise ReaderMissing(reader_role(), connection.settings_dict["USER"]) from None
            raise QueryFailed(_in_words(error)) from None
        except errors.QueryCanceled:
            raise QueryStopped(seconds) from None
        except psycopg2.OperationalError as error:
            if error.pgcode is None or error.pgcode.startswith("57P"):  # it went away, or is about to
                log.warning("a query lost its connection: %s", _in_words(error))
                raise DatabaseRefuses from None
            raise QueryFailed(_in_words(error)) from None
        except psycopg2.Error as error:
            raise QueryFailed(_in_words(error)) from None


def _connected():
    parameters = connection.get_connection_params()
    parameters.pop("context", None)
    try:
        return psycopg2.connect(**parameters)
    except psycopg2.OperationalError as error:
        log.warning("no connection for a query: %s", _in_words(error))
        raise DatabaseRefuses from None


def _batches(reader, translation, format):
    if can_copy(translation.columns):
        with reader.cursor() as cursor:
            if format in LINES:
                yield from written(cursor, translation.sql, translation.columns, format)
                return
            yield from copied(cursor, translation.sql, translation.columns)
        return
    with reader.cursor() as cursor:
        yield from copied_rows(cursor, translation.sql, translation.columns)


def _prepare(reader, translation, brought, seconds):
    role = sql.Identifier(reader_role())
    with reader.cursor() as cursor:
        _open(cursor, frozenset().union(*(table.reads for table in translation.tables)))
        for one in brought:
            cursor.execute(f"CREATE TEMP TABLE {one.bare} ({one.definitions})")
            if one.rows:
                cursor.copy_expert(f"COPY {one.bare} FROM STDIN", io.StringIO("".join(map(_line, one.rows))))
            cursor.execute(f"ANALYZE {one.bare}")
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(one.bare), role))
    reader.commit()
    reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with reader.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
        cursor.execute("SET LOCAL statement_timeout = %s", [max(1, int(seconds * 1000))])
        cursor.execute("SET LOCAL search_path = pg_catalog")
        cursor.execute("SET LOCAL work_mem = '32MB'")
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than most queries
        cursor.execute("SET LOCAL standard_conforming_strings = on")  # as the translation writes texts


def _open(cursor, tables):
    """Let the role read tables that it could not yet: live ones, when they are first asked."""
    closed = [table for table in sorted(tables) if not _may_read(cursor, table)]
    if not closed:
        return
    # One at a time: PostgreSQL refuses two grants of the same table at once.
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vo.asking'))")
    for table in closed:
        if not _may_read(cursor, table):
            cursor.execute(
                sql.SQL("GRANT SELECT ON public.{} TO {}").format(
                    sql.Identifier(table), sql.Identifier(reader_role())
                )
            )


def _may_read(cursor, table):
    cursor.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [reader_role(), f"public.{table}"])
    return cursor.fetchone()[0]


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row):
    """Return a row as COPY reads it."""
    return "\t".join("\\N" if value is None else str(value).translate(ESCAPES) for value in row) + "\n"


def _in_words(error):
    return (getattr(error, "diag", None) and error.diag.message_primary) or " ".join(str(error).split())
