"""SELECT and what is made of several of them: the shape of a query."""

from sqlglot import exp

from vo.adql.arranging import check_grouped, grouping, limits, ordering, ordinal
from vo.adql.compiling import ALONE, MOST_SELECTS, Context, Query, check_arguments, not_adql
from vo.adql.errors import AdqlError, did_you_mean
from vo.adql.parsing import position_of
from vo.adql.scopes import Scope, unmerged
from vo.adql.setting import set_operation
from vo.adql.sources import Named, from_clause, marked
from vo.adql.tables import Column
from vo.adql.values import Value, named

MOST_COLUMNS = 1000


def subquery(context: Context, node: exp.Expr, what: str) -> Query:
    """Compile a query inside of an expression or of FROM; the latter does not see its neighbours."""
    parent = context.scope.parent if what == "FROM" else context.scope
    holder = Scope(parent, ctes=context.scope.ctes) if what == "FROM" else context.scope
    query = compile_query(context, holder, node)
    if what == "IN" and len(query.columns) != 1:
        raise AdqlError(
            f"The subquery after IN has {len(query.columns)} columns", position_of(node), "select one"
        )
    return query


def compile_query(context: Context, parent: Scope | None, node: exp.Expr, limit: int | None = None) -> Query:
    """Compile a query of any shape; `limit` is how many rows it may have at most."""
    while isinstance(node, exp.Subquery):
        check_arguments(node, frozenset(("this", "order", "limit", "offset")))
        if any(node.args.get(name) for name in ("order", "offset")):
            raise AdqlError("ORDER BY and OFFSET stand inside of the parentheses", position_of(node))
        node = node.this
    context.compiler.n_selects += 1
    if context.compiler.n_selects > MOST_SELECTS:
        raise AdqlError(
            f"The query has more than {MOST_SELECTS} SELECTs", position_of(node), "ask in several queries"
        )
    scope = Scope(parent)
    own = Context(context.compiler, scope)
    if isinstance(node, exp.SetOperation):
        return set_query(own, node, limit)
    if not isinstance(node, exp.Select):
        raise not_adql(node)
    return select(own, node, limit)


def with_clause(context: Context, node: exp.Expr) -> str:
    """Compile WITH; each of its queries sees those before it."""
    clause = node.args.get("with_")
    if clause is None:
        return ""
    check_arguments(clause, frozenset(("expressions",)))
    texts = []
    for each in clause.expressions:
        check_arguments(each, frozenset(("this", "alias")))
        name = each.args["alias"].this
        query = compile_query(context, context.scope, each.this)
        columns = [column.name for column in each.args["alias"].args.get("columns") or []]
        if columns:
            if len(columns) != len(query.columns):
                raise AdqlError(
                    f"“{name.name}” names {len(columns)} of {len(query.columns)} columns", position_of(name)
                )
            renamed = tuple(named(column, new) for column, new in zip(query.columns, columns, strict=True))
            query = Query(query.sql, renamed)
        if name.name.lower() in context.scope.ctes:
            raise AdqlError(f"WITH names “{name.name}” twice", position_of(name))
        alias = context.compiler.alias("w")
        context.scope.ctes[name.name.lower()] = Named(alias, query)
        texts.append(f"{alias} AS ({query.sql})")
    return f"WITH {', '.join(texts)} "


def select(context: Context, node: exp.Select, limit: int | None) -> Query:
    check_arguments(
        node,
        frozenset(
            (
                "with_",
                "expressions",
                "distinct",
                "limit",
                "from_",
                "joins",
                "where",
                "group",
                "having",
                "order",
                "offset",
            )
        ),
    )
    scope, distinct = context.scope, node.args.get("distinct")
    if distinct is not None:
        check_arguments(distinct, frozenset())
    head = with_clause(context, node)
    tail = from_and_where(context, node)
    group = node.args.get("group")
    if group is not None:
        tail += f" GROUP BY {', '.join(grouping(context, group, node))}"
    scope.clause = "SELECT"
    items = projections(context, node)
    having = node.args.get("having")
    if having is not None:
        scope.clause = "HAVING"
        if group is None:
            scope.aggregated = True
        tail += f" HAVING {context.condition(having.this).sql}"
    scope.clause = "ORDER BY"
    order = ordering(context, node.args.get("order"), items, distinct is not None)
    if group is not None or scope.aggregated:
        check_grouped(scope)
    columns = unique_names(items)
    listed = ", ".join(
        f"{context.backend.ordered(value)} AS c{number}" for number, (_, value) in enumerate(items, start=1)
    )
    count, offset = limits(node, limit)
    start = f"{head}SELECT {'DISTINCT ' if distinct is not None else ''}{listed}"
    sql = f"{start}{tail}{order}{context.backend.limit(count, offset)}"
    simple = not (head or order or count is not None or offset)
    single = (scope.aggregated and group is None) or count in (0, 1)
    return Query(sql, columns, simple, single)


def from_and_where(context: Context, node: exp.Select) -> str:
    scope, text = context.scope, ""
    scope.clause = "ON"
    first = node.args.get("from_")
    if first is not None:
        check_arguments(first, frozenset(("this",)))
        text = f" FROM {from_clause(context, first.this, list(node.args.get('joins') or []))}"
    elif node.args.get("where") is not None or node.args.get("joins"):
        raise AdqlError("FROM is missing", position_of(node))
    if node.args.get("where") is not None:
        scope.clause = "WHERE"
        where = context.condition(node.args["where"].this, filtering=ALONE).sql
        text = f"{with_conditions(scope, text)} WHERE {where}"
    scope.loose.clear()
    return text


def with_conditions(scope: Scope, text: str) -> str:
    """Put into the subqueries after FROM what must hold for their rows."""
    for source in scope.sources:
        if source.within and text.count(marked(source.alias)) == 1:  # a text of the query may look like it
            text = text.replace(marked(source.alias), "".join(f" AND {one}" for one in source.within))
    return text


def projections(context: Context, node: exp.Select) -> list[tuple[str, Value]]:
    """Compile what is selected: names and values."""
    items: list[tuple[str, Value]] = []
    for each in node.expressions:
        if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
            star = each if isinstance(each, exp.Star) else each.this
            check_arguments(star, frozenset())
            starred = all_columns(context, each)
            context.scope.loose.extend(
                (value, each) for value in starred if value.sql not in context.scope.grouped
            )
            items.extend((value.about.name, value) for value in starred[: MOST_COLUMNS + 1])
        else:
            name, expression = "", each
            if isinstance(each, exp.Alias):
                check_arguments(each, frozenset(("this", "alias")))
                name, expression = each.args["alias"].name, each.this
            items.append((name or own_name(expression), context.value(expression)))
        if len(items) > MOST_COLUMNS:
            raise AdqlError(
                f"More than {MOST_COLUMNS} columns are selected", position_of(each), "select fewer"
            )
    if not items:
        raise AdqlError("Nothing is selected", position_of(node), "name columns after SELECT, or *")
    return items


def own_name(node: exp.Expr) -> str:
    """Return the name that a column has without AS: its own, or that of its function."""
    if isinstance(node, exp.Column):
        return node.name
    return (
        node.name.lower() if isinstance(node, exp.Anonymous) else "cast" if isinstance(node, exp.Cast) else ""
    )


def all_columns(context: Context, node: exp.Expr) -> list[Value]:
    """Return what * stands for."""
    scope = context.scope
    if isinstance(node, exp.Star):
        if not scope.sources:
            raise AdqlError("“*” needs a FROM", position_of(node))
        return unmerged(scope)
    table = node.args.get("table")
    check_arguments(node, frozenset(("this", "table", "db")))
    found = scope.named(table, node.args.get("db")) if isinstance(table, exp.Identifier) else []
    if not found:
        hint = (
            did_you_mean(table.name, [source.name for source in scope.sources]) if table is not None else ""
        )
        raise AdqlError(
            f"There is no table “{table.name if table is not None else ''}” after FROM",
            position_of(node),
            hint,
        )
    return found[0].columns


def unique_names(items: list[tuple[str, Value]]) -> tuple[Column, ...]:
    """Return the columns of the answer; a name that comes again gets a number."""
    taken: set[str] = set()
    columns = []
    for number, (name, value) in enumerate(items, start=1):
        wanted = unique = name or f"col{number}"
        again = 2
        while unique.lower() in taken:
            unique, again = f"{wanted}_{again}", again + 1
        taken.add(unique.lower())
        about = value.about if value.kind != "null" else Column("", "text")
        columns.append(named(about, unique))
    return tuple(columns)


def set_query(context: Context, node: exp.SetOperation, limit: int | None) -> Query:
    """Compile UNION, INTERSECT or EXCEPT with its own ORDER BY, TOP and OFFSET."""
    head = with_clause(context, node)
    query = set_operation(context, node, compile_query)
    values = [(column.name, Value(f"c{at}", column)) for at, column in enumerate(query.columns, start=1)]
    order = node.args.get("order")
    for each in order.expressions if order is not None else []:
        if ordinal(each.this, values) is None:
            raise AdqlError(
                "ORDER BY after UNION and its like takes names or numbers of columns",
                position_of(each),
                did_you_mean(each.this.name, [name for name, _ in values]),
            )
    ordered = ordering(context, order, values, True)
    count, offset = limits(node, limit)
    return Query(
        head + query.sql + ordered + context.backend.limit(count, offset), query.columns, simple=False
    )
