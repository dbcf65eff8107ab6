"""The five kinds of link by their names: which settings each takes, and how one is checked."""

from worktables.errors import LinkRefused
from worktables.linking.collecting import draft_collect
from worktables.linking.expanding import draft_each, draft_expand
from worktables.linking.looking_up import draft_latest_valid_at, draft_nearest

DRAFTS = {
    "each": draft_each,
    "expand": draft_expand,
    "nearest": draft_nearest,
    "latest-valid-at": draft_latest_valid_at,
    "collect": draft_collect,
}
OPTIONS = {  # those a kind needs, and those it may have
    "each": (set(), {"carry"}),
    "expand": ({"item", "fields"}, {"carry", "key", "sky", "within", "radius"}),
    "nearest": ({"of", "position", "radius", "lookup"}, {"separation"}),
    "latest-valid-at": ({"date", "valid_from", "lookup"}, {"valid_to", "match", "scope"}),
    "collect": (set(), {"match", "policy"}),
}


def draft_link(kind, source, target, *, name, by, known=None, **options):
    """Check a link of any kind, and return its draft; nothing is written.

    Parameters
    ----------
    known : Link, optional
        The link that is changed; without, one that does not exist yet.
    options
        As the verb of the kind takes them.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    if kind not in DRAFTS:
        raise LinkRefused(f"“{kind}” is not a kind of link; choose {', '.join(DRAFTS)}")
    needed, possible = OPTIONS[kind]
    if lacking := sorted(needed - set(options)):
        raise LinkRefused(f"a link of kind {kind} needs {', '.join(lacking)}")
    if strange := sorted(set(options) - needed - possible):
        has = ", ".join(sorted(needed | possible))
        raise LinkRefused(f"a link of kind {kind} has no {', '.join(strange)}; it has {has}")
    return DRAFTS[kind](source, target, name=name, by=by, known=known, **options)
