"""Who may do what to a worktable: one question, asked by every function that changes something."""

from django.core.exceptions import PermissionDenied

from worktables.models import Worktable

WORDS = {
    "view": "see",
    "annotate": "flag or comment on",
    "run": "edit or run",
    "share": "share",
}


def may(user, codename, worktable):
    """Say whether `user` holds `codename` on this table, through its project or on the table itself."""
    return Worktable.objects.permitted(user, codename).filter(pk=worktable.pk).exists()


def require(user, codename, worktable):
    """Refuse with a sentence unless `user` holds `codename` on this table.

    Raises
    ------
    PermissionDenied
        Naming the user, the deed and the table.
    """
    if not may(user, codename, worktable):
        raise PermissionDenied(f"{user} may not {WORDS[codename]} “{worktable.name}”")
