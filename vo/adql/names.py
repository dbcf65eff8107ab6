"""Names in ADQL: which must stand in quotes."""

import re

from vo.adql.words import FUNCTION_WORDS, KEYWORDS, RESERVED

REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NOT_BARE = frozenset({*KEYWORDS, *FUNCTION_WORDS, *RESERVED})


def adql_name(name: str) -> str:
    """Return a name as it must be written in a query: in quotes where ADQL would read it as something else."""
    if REGULAR.fullmatch(name) and name.upper() not in NOT_BARE:
        return name
    return '"' + name.replace('"', '""') + '"'
