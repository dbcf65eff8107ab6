"""From the text of a query to its tokens: ADQL's own and no others, so that other dialects' have no way in."""

import re

from sqlglot.tokens import Token, TokenType

from vo.adql.errors import AdqlError
from vo.adql.signs import AFTER_LISTS, OTHER_SIGNS, SIGNS, TYPOGRAPHIC
from vo.adql.words import BEFORE_JOIN, FOREIGN, FUNCTION_WORDS, KEYWORDS, RESERVED, STATEMENTS, TYPES

LONGEST_QUERY = 100_000  # bytes
DEEPEST = 100  # parentheses and CASEs inside one another

NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
TOKEN = re.compile(
    rf"""(?P<space>[\s\ufeff]+|--[^\n]*)
    |(?P<numbers>(?<![\w"])[iI][nN]\s*\(\s*[+-]?{NUMBER}(?:\s*,\s*[+-]?{NUMBER}){{8,}}\s*\))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>{NUMBER})
    |(?P<string>'[^']*(?:''[^']*)*')
    |(?P<quoted>"[^"]*(?:""[^"]*)*")
    |(?P<sign><=|>=|<>|!=|\|\||[-+*/(),.<>=;])""",
    re.VERBOSE,
)


class Lexed(list[Token]):
    """The tokens of a query, and the long lists of numbers that were folded into one token each.

    Attributes
    ----------
    numbers : dict of str to list of str
        By the text of the token that stands for them, which no query can contain.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, list[str]] = {}


class Lexer:
    """Cuts one query into tokens."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens = Lexed()
        self.line, self.line_start, self.place = 1, 0, 0
        self.open: list[tuple[str, tuple[int, int]]] = []
        self.awaited = ""  # the second half of a keyword of two words
        self.counting = ""  # TOP or OFFSET, when its number has to follow

    def position(self, at: int) -> tuple[int, int]:
        """Return line and column of a place in what is being read."""
        lines = self.query.count("\n", self.place, at)
        start = self.query.rfind("\n", self.place, at) + 1 if lines else self.line_start
        return self.line + lines, at - start + 1

    def run(self) -> Lexed:
        """Return the tokens; raise `AdqlError` at what is none."""
        query = check_text(self.query)
        while self.place < len(query):
            match = TOKEN.match(query, self.place)
            if match is None:
                raise self.strange(self.place)
            kind, text = match.lastgroup, match.group()
            if kind != "space":
                if kind != "word":
                    self.awaited = ""
                if self.counting and (kind != "number" or not text.isdigit()):
                    raise self.uncounted()
                self.counting = ""
                getattr(self, f"read_{kind}")(text, self.place, match.end())
            if newlines := text.count("\n"):
                self.line += newlines
                self.line_start = self.place + text.rindex("\n") + 1
            self.place = match.end()
        if self.counting:
            raise self.uncounted()
        if self.open:
            sign, position = self.open[-1]
            raise AdqlError(f"The {sign} is never closed", position, f"add {')' if sign == '(' else 'END'}")
        return self.tokens

    def uncounted(self) -> AdqlError:
        """Say that TOP or OFFSET is followed by something else than a number; the parser would try in vain and long."""
        place = (self.tokens[-1].line, self.tokens[-1].col)
        return AdqlError(f"{self.counting} takes a whole number", place, f"write {self.counting} 10")

    def add(self, kind: TokenType, text: str, start: int, end: int) -> None:
        line, column = self.position(start)
        if self.tokens and self.tokens[-1].token_type == TokenType.COMMA and kind in AFTER_LISTS:
            raise AdqlError(f"A comma stands before {text.upper()}", (line, column), "leave one of them out")
        self.tokens.append(Token(kind, text, line, column, start, end - 1))

    def read_word(self, word: str, start: int, end: int) -> None:
        upper = word.upper()
        follows = self.query[end : end + 1]
        if follows == "'":
            raise AdqlError(
                f"“{word}” stands before a text without a space", self.position(start), "texts have no prefix"
            )
        if not self.tokens and upper in STATEMENTS:
            raise AdqlError(
                f"{upper} is not answered here",
                self.position(start),
                "only queries that begin with SELECT or WITH are",
            )
        previous = self.tokens[-1].text.upper() if self.tokens else ""
        if self.awaited:
            awaited, self.awaited = self.awaited, ""
            if upper == awaited:
                return
            if awaited == "BY":
                raise AdqlError(
                    f"BY is missing after {previous}", self.position(start), f"write {previous} BY"
                )
        self.awaited = {"GROUP": "BY", "ORDER": "BY", "DOUBLE": "PRECISION"}.get(upper, "")
        kind = KEYWORDS.get(upper, TokenType.VAR)
        if kind == TokenType.VAR and (upper in FOREIGN or upper in RESERVED) and upper not in FUNCTION_WORDS:
            hint = FOREIGN.get(upper) or f'to use it as a name, quote it: "{word}"'
            if upper in FOREIGN and upper not in RESERVED and not self.looks_like_clause(end):
                hint = ""
            if hint:
                raise AdqlError(f"“{word}” is a reserved word or no part of ADQL", self.position(start), hint)
        if kind in TYPES and previous != "AS":
            # A parser that meets types elsewhere tries and retries, twice as long with each.
            raise AdqlError(
                f"{upper} is a type", self.position(start), f"write CAST(… AS {upper}), or quote a name"
            )
        self.nest(upper, start)
        if upper in ("TOP", "OFFSET"):
            self.counting = upper
        if upper == "JOIN" and previous not in BEFORE_JOIN:
            self.add(TokenType.INNER, "INNER", start, start)
        self.add(kind, word, start, end)

    def looks_like_clause(self, end: int) -> bool:
        """Say whether a word that may be a name is used like a clause of another dialect."""
        before = self.tokens[-1].token_type if self.tokens else None
        after = self.query[end:].lstrip()[:1]
        return after == "(" or (
            before not in (TokenType.DOT, TokenType.COMMA, TokenType.SELECT) and after not in (",", ".", "")
        )

    def nest(self, sign: str, start: int) -> None:
        """Follow what is opened and closed, so that nothing is too deep for whoever reads the tokens."""
        if sign in ("(", "CASE"):
            self.open.append((sign, self.position(start)))
            if len(self.open) > DEEPEST:
                raise AdqlError(
                    f"The query is nested more than {DEEPEST} levels deep",
                    self.position(start),
                    "take it apart with WITH",
                )
        elif sign in (")", "END"):
            if not self.open or self.open[-1][0] != {")": "(", "END": "CASE"}[sign]:
                opened = (
                    f"the {self.open[-1][0]} before it is still open"
                    if self.open
                    else "nothing is open there"
                )
                raise AdqlError(f"The {sign} closes nothing", self.position(start), opened)
            self.open.pop()

    def read_numbers(self, text: str, start: int, end: int) -> None:
        opening = text.index("(")
        key = f"\0{len(self.tokens.numbers)}"
        self.tokens.numbers[key] = [number.strip() for number in text[opening + 1 : -1].split(",")]
        self.add(TokenType.IN, "IN", start, start + 2)
        self.add(TokenType.L_PAREN, "(", start + opening, start + opening + 1)
        self.add(TokenType.NUMBER, key, start + opening + 1, end - 1)
        self.add(TokenType.R_PAREN, ")", end - 1, end)

    def read_number(self, text: str, start: int, end: int) -> None:
        if re.match(r"[\w.'\"]", self.query[end : end + 1]):
            whole = re.match(r"[\w.]*", self.query[start:])
            raise AdqlError(
                f"“{whole.group() if whole else text}” is neither a number nor a name",
                self.position(start),
                "numbers are decimal, and names begin with a letter",
            )
        if text.isdigit() and len(text) > 18:
            text += ".0"
        self.add(TokenType.NUMBER, text, start, end)

    def read_string(self, text: str, start: int, end: int) -> None:
        if self.query[end : end + 1].isalnum():
            raise AdqlError(
                "A word touches the end of a text", self.position(end), "double a ' inside of a text"
            )
        self.add(TokenType.STRING, text[1:-1].replace("''", "'"), start, end)

    def read_quoted(self, text: str, start: int, end: int) -> None:
        if text == '""':
            raise AdqlError("A quoted name is empty", self.position(start), "write ' around texts")
        self.add(TokenType.IDENTIFIER, text[1:-1].replace('""', '"'), start, end)

    def read_sign(self, sign: str, start: int, end: int) -> None:
        if sign == ";":
            rest = self.query[end:]
            while rest and (match := TOKEN.match(rest)) and match.lastgroup == "space":
                rest = rest[match.end() :]
            if rest.strip("; \t\r\n"):
                raise AdqlError(
                    "A second statement follows the semicolon",
                    self.position(start),
                    "send one query at a time",
                )
            return
        if sign == "/" and self.query[end : end + 1] == "*":
            raise AdqlError("“/*” opens no comment in ADQL", self.position(start), "comments begin with --")
        self.nest(sign, start)
        self.add(SIGNS[sign], sign, start, end)

    def strange(self, place: int) -> AdqlError:
        """Say what is wrong with a character that begins no token."""
        sign, position = self.query[place], self.position(place)
        if sign in "'\"":
            what = "text" if sign == "'" else "quoted name"
            return AdqlError(
                f"The {sign} opens a {what} that is never closed", position, f"add {sign} at its end"
            )
        if sign in TYPOGRAPHIC:
            return AdqlError(f"{sign} is a typographic sign", position, TYPOGRAPHIC[sign])
        if sign.isalpha():
            return AdqlError(f"“{sign}” cannot be in a name", position, 'quote the name with "')
        shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
        return AdqlError(f"“{shown}” has no meaning in ADQL", position, OTHER_SIGNS.get(sign, ""))


def check_text(query: str) -> str:
    """Return the query; raise `AdqlError` if no database could read it."""
    if "\0" in query:
        raise AdqlError("The query contains a NUL character", hint="leave it out")
    try:
        size = len(query.encode())
    except UnicodeEncodeError as error:
        raise AdqlError(
            f"The query contains half a character, U+{ord(query[error.start]):04X}", hint="leave it out"
        ) from None
    if size > LONGEST_QUERY:
        raise AdqlError(
            f"The query is {size} bytes long, and {LONGEST_QUERY} are read",
            hint="upload long lists as a table",
        )
    return query


def lex(query: str) -> Lexed:
    """Return the tokens of a query."""
    return Lexer(query).run()
