"""Deciding who works on a project, or on a single table of it, and in which role.

Everything here takes "a thing": a `Project`, or a model of another package that declares the same
permissions, belongs to a `project`, and has a queryset that answers `permitted(user, codename)`.
"""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from projects.errors import LastOwner, UnknownMember, UnknownRole
from projects.permissions import ROLES, demand, role_of, role_with, roles_of

__all__ = [
    "ROLES",
    "Member",
    "find_member",
    "members_of",
    "role_of",
    "roles_of",
    "share_with",
    "withdraw_from",
]


@dataclass(frozen=True)
class Member:
    """A person or a group that was given a role on something."""

    who: object
    kind: str
    role: str

    @property
    def name(self):
        """What they are called: a user name, or the name of the group."""
        return str(self.who)


@transaction.atomic
def share_with(thing, who, role, by):
    """Give a person or a group this role on `thing`, in place of the one they had.

    Parameters
    ----------
    thing : Project or a model with the same permissions
    who : User or Group
    role : str
        One of `ROLES`.
    by : User
        Whoever decides; must hold `share`.

    Raises
    ------
    PermissionDenied
        If `by` may not share the thing.
    UnknownRole
        If there is no such role.
    LastOwner
        If this would leave it without an owner.
    """
    demand(by, "share", thing)
    if role not in ROLES:
        raise UnknownRole(role, ROLES)

    lock(thing)
    grant(thing, who, role)
    keep_an_owner(thing, who)


@transaction.atomic
def withdraw_from(thing, who, by):
    """Take every permission on `thing` from a person or group; whoever likes may leave by themselves.

    Raises
    ------
    PermissionDenied
        If `by` may not share the thing, and is not leaving.
    LastOwner
        If this would leave it without an owner.
    """
    if who != by:
        demand(by, "share", thing)

    lock(thing)
    grants_to(who, thing).delete()
    keep_an_owner(thing, who)


def members_of(thing):
    """Return everybody who was given a role on `thing` itself: people first, each by name."""
    return [
        *members(thing, get_user_obj_perms_model(thing), "user"),
        *members(thing, get_group_obj_perms_model(thing), "group"),
    ]


def find_member(name, kind="user"):
    """Return the active user, or the group, of that name.

    Raises
    ------
    UnknownMember
        If there is none.
    """
    try:
        if kind == "group":
            return Group.objects.get(name=name)
        people = get_user_model().objects.filter(is_active=True)
        return people.get(**{people.model.USERNAME_FIELD: name})
    except (Group.DoesNotExist, get_user_model().DoesNotExist):
        raise UnknownMember(name, "group" if kind == "group" else "person") from None


def grant(thing, who, role):
    """Write the permissions of a role and remove those beyond it; whether that is right was asked before."""
    kept = ROLES[role]
    grants_to(who, thing).exclude(permission__codename__in=kept).delete()
    model = grants_to(who, thing).model
    content_type = ContentType.objects.get_for_model(thing)
    model.objects.bulk_create(
        [
            model(permission=permission, content_object=thing, **{kind_of(who): who})
            for permission in Permission.objects.filter(content_type=content_type, codename__in=kept)
        ],
        ignore_conflicts=True,
    )


def grants_to(who, thing):
    """Return the permissions that a person or a group was given on `thing` itself."""
    model = get_group_obj_perms_model(thing) if isinstance(who, Group) else get_user_obj_perms_model(thing)
    return model.objects.filter(content_object=thing, **{kind_of(who): who})


def kind_of(who):
    """Return “group” or “user”."""
    return "group" if isinstance(who, Group) else "user"


def members(thing, model, kind):
    """Return the members among people, or among groups, from one query."""
    order = f"user__{get_user_model().USERNAME_FIELD}" if kind == "user" else "group__name"
    given = {}
    for row in model.objects.filter(content_object=thing).select_related(kind, "permission").order_by(order):
        given.setdefault(getattr(row, kind), set()).add(row.permission.codename)
    return [
        Member(who, kind, role_with(codenames)) for who, codenames in given.items() if role_with(codenames)
    ]


def lock(thing):
    """Let two owners who withdraw each other at the same moment come one after the other."""
    type(thing).objects.select_for_update().get(pk=thing.pk)


def keep_an_owner(thing, who):
    """Raise `LastOwner` unless an active person still owns `thing`; a project owns what belongs to it."""
    if hasattr(thing, "project"):
        return
    owners = get_user_model().objects.filter(is_active=True)
    people = get_user_obj_perms_model(thing).objects.filter(
        content_object=thing, permission__codename="share"
    )
    groups = get_group_obj_perms_model(thing).objects.filter(
        content_object=thing, permission__codename="share"
    )
    if not (
        owners.filter(pk__in=people.values("user")).exists()
        or owners.filter(groups__in=groups.values("group")).exists()
    ):
        raise LastOwner(who, thing)
