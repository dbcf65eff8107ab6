"""What comes after FROM: tables, subqueries and their joins."""

from dataclasses import replace

from sqlglot import exp

from vo.adql.backends import quoted
from vo.adql.compiling import MOST_TABLES, TOGETHER, Context, Query, check_arguments, not_adql
from vo.adql.conditions import compared
from vo.adql.errors import AdqlError, did_you_mean
from vo.adql.parsing import position_of
from vo.adql.scopes import Source, unmerged
from vo.adql.tables import WITHIN, Table
from vo.adql.values import Value


def from_clause(context: Context, first: exp.Expr, joins: list[exp.Join]) -> str:
    """Compile all of FROM; the sources enter the scope from left to right."""
    groups = [joined(context, first, [])]
    for join in joins:
        if is_comma(join):
            groups.append(joined(context, join.this, []))
        else:
            groups[-1] = join_to(context, groups[-1], join)
    # SQLite reads commas as joins from left to right; an outer join after one is another thing then.
    if len(groups) > 1:
        groups = [
            f"({group})" if " OUTER JOIN " in group and "(" not in group[:1] else group for group in groups
        ]
    return ", ".join(groups)


def is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(name) for name in ("kind", "side", "method", "on", "using"))


def joined(context: Context, node: exp.Expr, joins: list[exp.Join]) -> str:
    """Compile one table, or several in parentheses."""
    inner = list(node.args.get("joins") or [])
    if isinstance(node, exp.Subquery) and not isinstance(node.this, (exp.Select, exp.SetOperation)):
        check_arguments(node, frozenset(("this", "joins")))
        if node.args.get("alias"):
            raise AdqlError("Tables in parentheses cannot be named together", position_of(node))
        text = f"({from_clause(context, node.this, list(node.this.args.get('joins') or []))})"
        if not isinstance(node.this, (exp.Table, exp.Subquery)):
            raise not_adql(node.this)
    else:
        text = source(context, node)
    for join in inner if isinstance(node, exp.Subquery) or not is_inside(node) else []:
        text = join_to(context, text, join)
    return text


def is_inside(node: exp.Expr) -> bool:
    """Say whether somebody else follows the joins of this table: the parentheses around it do."""
    return isinstance(node.parent, exp.Subquery)


def source(context: Context, node: exp.Expr) -> str:
    """Compile a table or a subquery, and let it enter the scope."""
    context.compiler.n_tables += 1
    if context.compiler.n_tables > MOST_TABLES:
        raise AdqlError(
            f"The query reads more than {MOST_TABLES} tables", position_of(node), "ask in several queries"
        )
    alias_node = node.args.get("alias")
    if alias_node is not None:
        if not isinstance(alias_node, exp.TableAlias) or not isinstance(alias_node.this, exp.Identifier):
            raise not_adql(alias_node)
        check_arguments(alias_node, frozenset(("this",)))
    if isinstance(node, exp.Table):
        check_arguments(node, frozenset(("this", "db", "catalog", "alias", "joins")))
        return table(context, node, alias_node)
    if isinstance(node, exp.Subquery):
        check_arguments(node, frozenset(("this", "alias", "joins")))
        query = context.subquery(node.this, "FROM")
        name = alias_node.name if alias_node is not None else ""
        return f"({query.sql}) AS {enter(context, name, query, position_of(node)).alias}"
    raise not_adql(node)


def table(context: Context, node: exp.Table, alias_node: exp.TableAlias | None) -> str:
    """Compile the name of a table, or of a query of WITH."""
    if not isinstance(node.this, exp.Identifier):
        raise not_adql(node.this)
    name, schema = node.this.name, node.args.get("db")
    if node.args.get("catalog") is not None:
        raise AdqlError(
            f"There is no table “{name}” of such a long name", position_of(node), "write schema.table"
        )
    alias_name = alias_node.name if alias_node is not None else name
    if schema is None and isinstance(cte := context.scope.cte(name), Named):
        return f"{cte.alias} AS {enter(context, alias_name, cte.query, position_of(node)).alias}"
    found = find_table(context, name, schema.name if schema is not None else "", node)
    context.compiler.read.add(found)
    alias = context.compiler.alias()
    made = Source(alias, alias_name, [], found, "" if alias_node is not None else found.schema)
    made.columns = [
        Value(f"{alias}.{quoted(column.name)}", column, column=column, source=made)
        for column in found.columns
    ]
    add(context, made, position_of(node))
    return f"{found.sql.replace(WITHIN, marked(alias))} AS {alias}"


def marked(alias: str) -> str:
    """Return what stands in a subquery until it is known which of its rows are looked for."""
    return f"/*{alias}*/"


class Named:
    """A query of WITH."""

    def __init__(self, alias: str, query: Query) -> None:
        self.alias, self.query = alias, query


def find_table(context: Context, name: str, schema: str, node: exp.Expr) -> Table:
    """Return the table of a name; what may not be seen does not exist."""
    tables = context.compiler.tables
    found = tables.find(name, schema)
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(sorted(each.full_name for each in found))
        raise AdqlError(f"There is more than one table “{name}”", position_of(node), f"write {names}")
    full = f"{schema}.{name}" if schema else name
    hint = did_you_mean(full, [each.full_name for each in tables]) or did_you_mean(
        name, [each.full_name for each in tables] + [each.name for each in tables]
    )
    raise AdqlError(
        f"There is no table “{full}”", position_of(node), hint or "TAP_SCHEMA.tables lists them all"
    )


def enter(context: Context, name: str, query: Query, position: tuple[int, int] | None) -> Source:
    """Let the columns of a query enter the scope."""
    made = Source(context.compiler.alias(), name, [])
    made.columns = [
        Value(f"{made.alias}.c{number}", column, column=column, source=made)
        for number, column in enumerate(query.columns, start=1)
    ]
    add(context, made, position)
    return made


def add(context: Context, made: Source, position: tuple[int, int] | None) -> None:
    for other in context.scope.sources:
        if (
            made.name
            and other.name.lower() == made.name.lower()
            and other.schema.lower() == made.schema.lower()
        ):
            raise AdqlError(
                f"“{made.name}” comes twice after FROM", position, "give one of them another name with AS"
            )
    context.scope.sources.append(made)


JOINS = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("LEFT", ""): "LEFT OUTER JOIN",
    ("RIGHT", ""): "RIGHT OUTER JOIN",
    ("FULL", ""): "FULL OUTER JOIN",
    ("", "CROSS"): "CROSS JOIN",
}


def join_to(context: Context, left: str, join: exp.Join) -> str:
    """Compile a join and what it joins to."""
    check_arguments(join, frozenset(("this", "side", "kind", "method", "on", "using")))
    side, kind = (str(join.args.get(name) or "").upper() for name in ("side", "kind"))
    natural = str(join.args.get("method") or "").upper() == "NATURAL"
    key = (side, "" if kind == "OUTER" else kind)
    if key not in JOINS or (kind == "OUTER" and not side) or (join.args.get("method") and not natural):
        raise AdqlError("That kind of join is no part of ADQL", position_of(join))
    on, using = join.args.get("on"), join.args.get("using")
    scope = context.scope
    before, left_columns = len(scope.sources), unmerged(scope)
    right = joined(context, join.this, [])
    new = scope.sources[before:]
    if key == ("", "CROSS"):
        if natural or on is not None or using:
            raise AdqlError("CROSS JOIN has no condition", position_of(join), "write JOIN … ON")
        return f"{left} CROSS JOIN {right}"
    if natural or using:
        if on is not None or (natural and using):
            raise AdqlError("A join has one condition, NATURAL, ON or USING", position_of(join))
        names = shared(context, left_columns, new, join) if natural else list(using or [])
        condition = " AND ".join(merge(context, name, side, left_columns, new, join) for name in names)
        return f"{left} {JOINS[key]} {right} ON {condition or context.backend.true + ' = ' + context.backend.true}"
    if on is None:
        raise AdqlError(
            "The join has no condition", position_of(join), "write ON, USING, NATURAL JOIN or CROSS JOIN"
        )
    if side == "FULL" and not has_equality(on):
        raise AdqlError(
            "A FULL JOIN needs an equality in its condition", position_of(on), "write ON a.x = b.y AND …"
        )
    # An index helps only on the side whose rows may be missing.
    scope.searched = {"LEFT": new, "RIGHT": scope.sources[:before], "FULL": []}.get(side)
    outer_clause, scope.clause = scope.clause, "ON"
    condition = context.condition(on, filtering=TOGETHER).sql
    scope.searched, scope.clause = None, outer_clause
    return f"{left} {JOINS[key]} {right} ON {condition}"


def has_equality(node: exp.Expr) -> bool:
    """Say whether a condition has an equality of two columns among what has to hold."""
    rest = [node]
    while rest:
        each = rest.pop()
        if isinstance(each, exp.And):
            rest += [each.this, each.expression]
        elif isinstance(each, exp.Paren):
            rest.append(each.this)
        elif (
            isinstance(each, exp.EQ)
            and isinstance(each.this, exp.Column)
            and isinstance(each.expression, exp.Column)
        ):
            tables = {part.table for part in (each.this, each.expression)}
            if len(tables) == 2 and "" not in tables:
                return True
    return False


def shared(context: Context, left: list[Value], new: list[Source], join: exp.Join) -> list[exp.Identifier]:
    """Return the names that are on both sides of a NATURAL JOIN, in the order of the left."""
    names = {value.about.name.lower() for source in new for value in source.columns}
    seen: dict[str, exp.Identifier] = {}
    for value in left:
        if value.about.name.lower() in names:
            seen.setdefault(value.about.name.lower(), exp.to_identifier(value.about.name))
    return list(seen.values())


def merge(
    context: Context, name: exp.Expr, side: str, left: list[Value], new: list[Source], join: exp.Join
) -> str:
    """Make one column of two of the same name, and return the condition that joins by them."""
    if isinstance(name, exp.Column):
        name = name.this
    if not isinstance(name, exp.Identifier):
        raise not_adql(name)
    lefts = [value for value in left if value.about.name.lower() == name.name.lower()]
    rights = [
        value for source in new for value in source.columns if value.about.name.lower() == name.name.lower()
    ]
    for found, where in ((lefts, "before"), (rights, "after")):
        if len(found) != 1:
            count = "no" if not found else "more than one"
            raise AdqlError(
                f"There is {count} column “{name.name}” {where} the JOIN",
                position_of(name) or position_of(join),
                "write ON",
            )
    one, other = lefts[0], rights[0]
    condition = compared(context, "=", one, other, join).within(5)
    scope = context.scope
    old = next((entry for entry in scope.merged if entry[0] is one), None)
    if old is not None:
        scope.merged.remove(old)
    if side == "FULL":
        texts = ", ".join(context.backend.ordered(value) for value in (one, other))
        kept = Value(f"coalesce({texts})", one.about)
    else:
        kept = replace(other if side == "RIGHT" else one)
    scope.merged.append((kept, (old[1] if old else frozenset((id(one),))) | {id(other)}))
    return condition
