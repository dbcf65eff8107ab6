"""What emptied an empty answer: which condition removes everything, found by asking again without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot.tokens import Token, TokenType

from vo.adql.errors import AdqlError
from vo.adql.lexing import lex

MOST_CONDITIONS = 12
ENDS = {TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.OFFSET}
SETS = {TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT}


@dataclass(frozen=True)
class Where:
    """The conditions after WHERE, of which all must hold, and where they stand in the query.

    `start` is where WHERE begins, `places` are start and end of each condition.
    """

    query: str
    start: int
    places: tuple[tuple[int, int], ...]

    @property
    def conditions(self) -> list[str]:
        """The conditions as they are written."""
        return [self.query[start:end] for start, end in self.places]

    def without(self, number: int) -> str:
        """Return the query without one of the conditions."""
        if len(self.places) == 1:
            return self.bare()
        if number + 1 < len(self.places):
            return self.query[: self.places[number][0]] + self.query[self.places[number + 1][0] :]
        return self.query[: self.places[number - 1][1]] + self.query[self.places[number][1] :]

    def only(self, number: int) -> str:
        """Return the query with one of the conditions."""
        return self.query[: self.places[0][0]] + self.conditions[number] + self.query[self.places[-1][1] :]

    def bare(self) -> str:
        """Return the query without any condition."""
        return self.query[: self.start] + self.query[self.places[-1][1] :]


def where_of(query: str) -> Where | None:
    """Return the conditions of a query; None where it has none, or is made of several queries."""
    last = 0
    between, either, ended = False, False, False
    start: int | None = None  # of WHERE
    begun: int | None = None  # of the condition one is in
    places: list[tuple[int, int]] = []
    for token, is_outside in outside(query):
        kind = token.token_type if is_outside else None
        if kind in SETS:
            return None
        ended = ended or (start is not None and kind in ENDS)
        if ended:
            continue
        if kind == TokenType.WHERE:
            start = token.start
            continue
        if start is None:
            continue
        if kind == TokenType.AND and not between and begun is not None:
            places.append((begun, last))
            begun = None
            continue
        between = kind == TokenType.BETWEEN or (between and kind != TokenType.AND)
        either = either or kind == TokenType.OR
        begun = token.start if begun is None else begun
        last = token.end + 1
    if start is None or begun is None:
        return None
    places.append((begun, last))
    if either:  # which binds less than AND: it is one condition
        places = [(places[0][0], places[-1][1])]
    return Where(query, start, tuple(places))


def outside(query: str) -> Iterator[tuple[Token, bool]]:
    """Yield the tokens of a query, and whether each is outside of all parentheses and CASEs."""
    depth = 0
    for token in lex(query):
        if token.token_type in (TokenType.R_PAREN, TokenType.END):
            depth -= 1
        yield token, depth == 0
        if token.token_type in (TokenType.L_PAREN, TokenType.CASE):
            depth += 1


@dataclass(frozen=True)
class Reason:
    """A condition that removes everything: how many rows there would be without it, or it alone lets through."""

    condition: str
    n_rows: int
    query: str


@dataclass(frozen=True)
class Emptiness:
    """Why an answer is empty.

    Attributes
    ----------
    removing : tuple of Reason
        Conditions without any one of which there would be rows.
    hopeless : tuple of Reason
        Conditions that nothing fulfils, whatever else is asked.
    alone : tuple of Reason
        Conditions each of which alone lets rows through, where it takes more than one to remove all.
    bare : int or None
        How many rows there would be without any condition; None is not known.
    in_time : bool
        Whether all could be asked in the time there was.
    """

    removing: tuple[Reason, ...] = ()
    hopeless: tuple[Reason, ...] = ()
    alone: tuple[Reason, ...] = ()
    bare: int | None = None
    in_time: bool = True


def explain(query: str, count: Callable[[str], int | None]) -> Emptiness:
    """Find out why a query finds nothing.

    Parameters
    ----------
    query : str
        ADQL that was answered, without a row.
    count : callable
        Given a query, how many rows it finds; None if that cannot be known in time.
    """
    try:
        where = where_of(query)
    except AdqlError:
        return Emptiness()
    if where is None:
        return Emptiness(bare=None if "WHERE" in query.upper() else 0)
    bare = count(where.bare())
    if not bare:
        return Emptiness(bare=bare, in_time=bare is not None)
    conditions = where.conditions[:MOST_CONDITIONS]
    all_known = len(where.conditions) <= MOST_CONDITIONS
    removing, known = _asked(conditions, where.without, count)
    removing = [reason for reason in removing if reason.n_rows]
    if removing:
        return Emptiness(tuple(removing), bare=bare, in_time=known)
    alone, also_known = _asked(conditions, where.only, count)
    hopeless = tuple(reason for reason in alone if not reason.n_rows)
    return Emptiness(
        hopeless=hopeless,
        alone=() if hopeless else tuple(alone),
        bare=bare,
        in_time=known and also_known and all_known,
    )


def _asked(conditions, query_for, count) -> tuple[list[Reason], bool]:
    """Ask a query for each condition; say whether all were answered."""
    found, known = [], True
    for number, condition in enumerate(conditions):
        query = query_for(number)
        n_rows = count(query)
        if n_rows is None:
            known = False
            continue
        found.append(Reason(condition, n_rows, query))
    return found, known
