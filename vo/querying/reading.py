"""Reading ADQL back into a form, as far as it says no more than a form can."""

from sqlglot import exp

from vo.adql.errors import AdqlError
from vo.adql.parsing import parse
from vo.adql.tables import Table, Tables
from vo.querying.conditions import BeyondForm, column_of, constraints_of
from vo.querying.forming import Form

PARTS = {
    "with_": "it begins with WITH",
    "distinct": "it leaves out what comes twice (DISTINCT)",
    "joins": "it joins tables",
    "group": "it counts by groups (GROUP BY)",
    "having": "it has a HAVING",
    "offset": "it skips rows (OFFSET)",
}
KNOWN = {"expressions", "from_", "where", "order", "limit", *PARTS}


def form_of(query: str, tables: Tables) -> Form:
    """Read a query into the form that says the same.

    Parameters
    ----------
    query : str
        ADQL.
    tables : Tables

    Raises
    ------
    BeyondForm, AdqlError
    """
    tree, lists = parse(query)
    if lists:
        raise BeyondForm("it compares with a long list of numbers")
    if not isinstance(tree, exp.Select):
        raise BeyondForm("it is made of several queries")
    for name, argument in tree.args.items():
        if argument and name not in KNOWN:
            raise BeyondForm(f"it has a part that no form has ({name.strip('_')})")
        if argument and name in PARTS:
            raise BeyondForm(PARTS[name])
    table = _table(tree, tables)
    order, descending = _order(tree, table)
    return Form(
        table.schema,
        table.name,
        _columns(tree, table),
        constraints_of(tree.args.get("where"), table),
        order,
        descending,
        _top(tree),
    )


def _table(tree: exp.Select, tables: Tables) -> Table:
    clause = tree.args.get("from_")
    source = clause.this if clause is not None else None
    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        raise BeyondForm("it does not ask one table")
    if any(argument for name, argument in source.args.items() if name not in ("this", "db")):
        raise BeyondForm("it gives the table another name, or asks more than one")
    found = tables.find(source.name, source.db)
    if len(found) != 1:
        raise AdqlError(f"There is no table “{source.name}”", hint="choose one from the list")
    return found[0]


def _columns(tree: exp.Select, table: Table) -> tuple[str, ...]:
    if len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Star):
        if any(tree.expressions[0].args.values()):
            raise BeyondForm("it shows more than columns")
        return ()
    found = tuple(column_of(each, table, "it shows more than columns").name for each in tree.expressions)
    if len(set(found)) < len(found):
        raise BeyondForm("it shows a column twice")
    return found


def _top(tree: exp.Select) -> int | None:
    limit = tree.args.get("limit")
    return None if limit is None else int(limit.expression.name)


def _order(tree: exp.Select, table: Table) -> tuple[str, bool]:
    clause = tree.args.get("order")
    if clause is None:
        return "", False
    if len(clause.expressions) != 1:
        raise BeyondForm("it sorts by more than one column")
    ordered = clause.expressions[0]
    return column_of(ordered.this, table, "it sorts by more than a column").name, bool(
        ordered.args.get("desc")
    )
