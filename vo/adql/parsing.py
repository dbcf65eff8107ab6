"""From tokens to a tree, with sqlglot's parser taught to know nothing but ADQL."""

from typing import Any, ClassVar

from sqlglot import exp, parser
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError
from sqlglot.tokens import TokenType

from vo.adql.errors import AdqlError
from vo.adql.lexing import Lexed, lex
from vo.adql.words import TYPES


class Adql(Dialect):
    """ADQL 2.1. Every function is anonymous to the parser; which ones exist is said in `functions`."""

    class Parser(parser.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS = {"CAST": parser.Parser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
        STATEMENT_PARSERS: ClassVar[dict[Any, Any]] = {}
        TYPE_TOKENS = TYPES


def parse(query: str) -> tuple[exp.Expr, dict[str, list[str]]]:
    """Return the tree of a query and the numbers of its long lists; raise `AdqlError` where it has no sense."""
    tokens = lex(query)
    if not tokens:
        raise AdqlError("The query is empty", hint="begin with SELECT")
    if tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise AdqlError("This is not a query", (tokens[0].line, tokens[0].col), "begin with SELECT or WITH")
    grammar = Adql().parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        trees = grammar.parse(tokens, query)
    except ParseError as error:
        raise explained(error, tokens) from None
    except RecursionError:
        raise AdqlError("The query is nested too deeply", hint="take it apart with WITH") from None
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, AssertionError):
        # What other dialects would do with such tokens; none of it is ADQL.
        raise AdqlError("The query cannot be understood", (tokens[0].line, tokens[0].col)) from None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, (exp.Select, exp.SetOperation, exp.Subquery)):
        raise AdqlError("This is not a query", (tokens[0].line, tokens[0].col), "begin with SELECT or WITH")
    return tree, tokens.numbers


def explained(error: ParseError, tokens: Lexed) -> AdqlError:
    """Say where the parser stumbled, in our words."""
    facts: dict[str, Any] = error.errors[0] if error.errors else {}
    what = str(facts.get("highlight") or "").strip()
    description = str(facts.get("description") or "")
    position = (facts["line"], facts["col"]) if facts.get("line") else None
    last = tokens[-1]
    if position == (last.line, last.col) and "Unexpected" not in description:
        return AdqlError(
            f"The query ends too early, after “{last.text}”", position, "something is missing there"
        )
    if "Expecting )" in description:
        hint = "a comma or a parenthesis may be missing before it"
    else:
        hint = "a comma, an operator or a quote may be missing before it"
    return AdqlError(f"The query cannot be understood at “{what}”", position, hint)


def position_of(node: exp.Expr) -> tuple[int, int] | None:
    """Return line and column where a part of the query begins, as far as the parser kept it."""
    return min(
        ((part.meta["line"], part.meta["col"]) for part in node.walk() if "line" in part.meta), default=None
    )
