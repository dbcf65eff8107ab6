"""Identifiers of records: a table's is ``ivo://<authority>/<schema>.<table>``, with which those of its files begin."""

import re

from django.conf import settings

TABLE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
UNREGISTERED = ".invalid"  # no registry takes what ends so (RFC 2606)


def identifier_of(key):
    """Return the identifier of the record with this key; the authority's own has none."""
    return f"ivo://{settings.STOA_AUTHORITY}/{key}" if key else f"ivo://{settings.STOA_AUTHORITY}"


def key_in(identifier):
    """Return the key in an identifier of ours, or None. Registries take no heed of case."""
    plain, own = identifier.lower(), identifier_of("").lower()
    if plain == own:
        return ""
    return plain[len(own) + 1 :] or None if plain.startswith(f"{own}/") else None


def names_in(key):
    """Return schema and name of the table that a key stands for, or None."""
    found = TABLE.fullmatch(key)
    return found.groups() if found else None


def is_registered():
    """Say whether the portal has an authority of its own."""
    return not settings.STOA_AUTHORITY.endswith(UNREGISTERED)
