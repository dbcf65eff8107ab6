"""From ADQL to the SQL of a database."""

import re
from dataclasses import dataclass

from sqlglot import exp

from vo.adql import aggregates, casting, geometry  # noqa: F401  (they register what they compile)
from vo.adql.arranging import limits
from vo.adql.backends import BACKENDS
from vo.adql.compiling import Compiler, Context
from vo.adql.errors import AdqlError
from vo.adql.parsing import parse
from vo.adql.queries import compile_query, subquery
from vo.adql.scopes import Scope
from vo.adql.tables import Column, Table, Tables


@dataclass(frozen=True)
class Translation:
    """A query as a database understands it.

    Attributes
    ----------
    sql : str
        One SELECT with all values written into it; it has to be executed without parameters, for a `%` in it is a `%`.
    columns : tuple of Column
        What it answers, in this order (in `sql` they are called c1, c2, …), each with a name of its own.
    tables : frozenset of Table
        All that it reads.
    n_rows : int or None
        How many rows it finds, where that is known without asking: it is all of a table that does not change.
    """

    sql: str
    columns: tuple[Column, ...]
    tables: frozenset[Table]
    n_rows: int | None = None


def translate(query: str, tables: Tables, backend: str, *, limit: int | None = None) -> Translation:
    """Translate a query for ``sqlite`` or ``postgresql``.

    Parameters
    ----------
    query : str
        ADQL 2.1.
    tables : Tables
        All that may be read; nothing else exists.
    backend : str
    limit : int, optional
        How many rows are wanted at most, whatever TOP says.

    Raises
    ------
    AdqlError
        If the query cannot be answered as it is written.
    """
    tree, numbers = parse(query)
    compiler = Compiler(tables, BACKENDS[backend](), numbers, subquery=subquery)
    try:
        compiled = compile_query(Context(compiler, Scope()), None, tree, limit)
    except RecursionError:
        raise AdqlError("The query is nested too deeply", hint="take it apart with WITH") from None
    if backend == "sqlite":
        check_depth(compiled.sql)
    read = frozenset(compiler.read)
    n_rows = None if compiled.single else known_number(tree, read, limit)
    return Translation(compiled.sql, compiled.columns, read, n_rows)


WHOLE = {"expressions", "from_", "limit", "order"}


def known_number(tree: exp.Expr, read: frozenset[Table], limit: int | None) -> int | None:
    """Return how many rows a SELECT finds that leaves none out of one immutable table, but for TOP; else None."""
    if not isinstance(tree, exp.Select) or {name for name, given in tree.args.items() if given} - WHOLE:
        return None
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.args.get("joins") or len(read) != 1:
        return None
    (table,) = read
    if not table.immutable or table.size is None:
        return None
    count, _ = limits(tree, limit)
    return table.size if count is None else min(table.size, count)


BRACKETS = re.compile(r"'[^']*'|\"[^\"]*\"|\(SELECT\b|\(WITH\b|\w\(|\(|\)|\bCASE\b|\bEND\b")
# SQLite's parser remembers 100 symbols that are not complete yet; so many are in front of what each of these opens.
WEIGHTS = {"(SELECT": 10, "(WITH": 10, "(": 3, "CASE": 6}
OF_FUNCTION = 5
HEAVIEST = 94


def check_depth(sql: str) -> None:
    """Refuse what SQLite's parser could not hold."""
    stack: list[int] = []
    weight = 6
    for match in BRACKETS.finditer(sql):
        text = match.group()
        if text in WEIGHTS or text[-1] == "(":
            stack.append(WEIGHTS.get(text, OF_FUNCTION))
            weight += stack[-1]
            if weight > HEAVIEST:
                raise AdqlError("The query is nested too deeply for SQLite", hint="take it apart with WITH")
        elif text in (")", "END"):
            weight -= stack.pop()
