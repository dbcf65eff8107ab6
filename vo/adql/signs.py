"""The signs of ADQL, and what to write instead of those that are none."""

from sqlglot.tokens import TokenType

SIGNS = {
    "<=": TokenType.LTE,
    ">=": TokenType.GTE,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "||": TokenType.DPIPE,
    "-": TokenType.DASH,
    "+": TokenType.PLUS,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    "<": TokenType.LT,
    ">": TokenType.GT,
    "=": TokenType.EQ,
    ";": TokenType.SEMICOLON,
}
AFTER_LISTS = {
    *(
        TokenType.FROM,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.HAVING,
        TokenType.ORDER_BY,
        TokenType.OFFSET,
    ),
    *(TokenType.R_PAREN, TokenType.COMMA, TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT),
}
TYPOGRAPHIC = {
    **dict.fromkeys("‘’‚‛′`´", "write ' around texts"),
    **dict.fromkeys("“”„‟″«»", "write \" around names and ' around texts"),
    **dict.fromkeys("−–—", "write - for minus"),
    "×": "write *",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write <>",
}
OTHER_SIGNS = {
    "%": "write MOD(a, b)",
    "[": 'names are quoted with "',
    "]": 'names are quoted with "',
    ":": "write CAST(value AS type)",
    "$": "write ' around texts",
    "^": "write POWER(a, b)",
    "!": "write <> or NOT",
    "{": "there are no braces in ADQL",
    "&": "write AND",
    "|": "write OR, or || to join texts",
    "\\": "write ' around texts and double it inside of them",
    "?": "values are written into the query",
    "@": "there are no variables in ADQL",
    "#": "comments begin with --",
}
