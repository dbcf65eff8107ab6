"""What somebody may do with a project, or with anything that carries the same permissions."""

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef

ROLES = {
    "owner": ("view", "annotate", "run", "share"),
    "collaborator": ("view", "annotate"),
    "reader": ("view",),
}
CODENAMES = ROLES["owner"]
VERBS = {
    "view": "see",
    "annotate": "flag or comment in",
    "run": "change or run",
    "share": "decide who works on",
}


def may(user, codename, thing):
    """Say whether `user` holds `codename` on `thing`: directly, through a group, or through its project."""
    return type(thing).objects.permitted(user, codename).filter(pk=thing.pk).exists()


def demand(user, codename, thing):
    """Raise `PermissionDenied`, in words for the person, unless `user` holds `codename` on `thing`."""
    if not may(user, codename, thing):
        raise PermissionDenied(f"{user} may not {VERBS[codename]} “{thing}”; an owner can grant that.")


def role_of(user, thing):
    """Return the role in which `user` meets `thing`: a key of `ROLES`, or None for a stranger."""
    return roles_of(user, type(thing).objects.filter(pk=thing.pk)).get(thing.pk)


def roles_of(user, things):
    """Return the role of `user` on each of these things, as a dictionary by id, with one query."""
    everything = things.model.objects
    held = {
        f"may_{codename}": Exists(everything.permitted(user, codename).filter(pk=OuterRef("pk")))
        for codename in CODENAMES
    }
    rows = things.order_by().annotate(**held).values_list("pk", *held)
    roles = {
        pk: role_with({name for name, has in zip(CODENAMES, has_each, strict=True) if has})
        for pk, *has_each in rows
    }
    return {pk: role for pk, role in roles.items() if role}


def role_with(codenames):
    """Return the first role all of whose permissions are among these, or None."""
    return next((role for role, needed in ROLES.items() if codenames.issuperset(needed)), None)
