"""Who works on what: roles given to people and groups, on projects and on single tables."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from projects.errors import LastOwner, UnknownMember, UnknownRole
from projects.models import Project, ProjectUserPermission
from projects.permissions import demand, may
from projects.sharing import find_member, members_of, role_of, roles_of, share_with, withdraw_from
from worktables.models import Worktable


@pytest.fixture
def group(db):
    return Group.objects.create(name="virgo-team")


@pytest.fixture
def table(project):
    return Worktable.objects.create(project=project, name="galaxies")


def test_each_role_holds_exactly_its_permissions(project, owner, collaborator, reader, stranger):
    held = {
        str(user): [
            codename for codename in ("view", "annotate", "run", "share") if may(user, codename, project)
        ]
        for user in (owner, collaborator, reader, stranger)
    }

    assert held == {
        "owner": ["view", "annotate", "run", "share"],
        "collaborator": ["view", "annotate"],
        "reader": ["view"],
        "stranger": [],
    }


def test_the_role_is_told_back(project, owner, collaborator, reader, stranger, curator):
    assert role_of(owner, project) == "owner"
    assert role_of(collaborator, project) == "collaborator"
    assert role_of(reader, project) == "reader"
    assert role_of(stranger, project) is None
    assert role_of(curator, project) == "owner"


def test_a_group_gives_its_role_to_everybody_in_it(project, owner, stranger, group):
    share_with(project, group, "collaborator", by=owner)
    assert role_of(stranger, project) is None

    stranger.groups.add(group)

    assert role_of(stranger, project) == "collaborator"
    assert project in Project.objects.visible_to(stranger)


def test_the_better_of_two_roles_counts(project, owner, reader, group):
    reader.groups.add(group)
    share_with(project, group, "collaborator", by=owner)

    assert role_of(reader, project) == "collaborator"


def test_a_new_role_replaces_the_old_one(project, owner, collaborator):
    share_with(project, collaborator, "reader", by=owner)

    assert role_of(collaborator, project) == "reader"
    assert not may(collaborator, "annotate", project)


def test_giving_the_same_role_twice_changes_nothing(project, owner, reader):
    share_with(project, reader, "reader", by=owner)

    assert ProjectUserPermission.objects.filter(user=reader).count() == 1


@pytest.mark.parametrize("name", ["collaborator", "reader", "stranger"])
def test_only_an_owner_shares(request, project, stranger, name):
    user = request.getfixturevalue(name)

    with pytest.raises(PermissionDenied, match=f"{name} may not decide who works on “Virgo”"):
        share_with(project, user, "owner", by=user)
    assert role_of(user, project) != "owner"


def test_an_unknown_role_is_refused_by_name(project, owner, reader):
    with pytest.raises(
        UnknownRole, match="“emperor” is not a role; choose one of owner, collaborator, reader"
    ):
        share_with(project, reader, "emperor", by=owner)
    assert role_of(reader, project) == "reader"


def test_a_withdrawn_member_sees_nothing(project, owner, reader):
    withdraw_from(project, reader, by=owner)

    assert role_of(reader, project) is None
    assert project not in Project.objects.visible_to(reader)


def test_whoever_likes_may_leave(project, reader):
    withdraw_from(project, reader, by=reader)

    assert role_of(reader, project) is None


def test_the_last_owner_stays(project, owner, curator):
    with pytest.raises(LastOwner, match="owner is the last owner of “Virgo”"):
        withdraw_from(project, owner, by=owner)
    with pytest.raises(LastOwner):
        share_with(project, owner, "reader", by=curator)
    assert role_of(owner, project) == "owner"


def test_an_owner_who_has_company_may_go(project, owner, collaborator):
    share_with(project, collaborator, "owner", by=owner)

    withdraw_from(project, owner, by=owner)

    assert [member.name for member in members_of(project)] == ["collaborator"]


def test_neither_an_empty_group_nor_a_closed_account_is_company(project, owner, stranger, group):
    share_with(project, group, "owner", by=owner)
    stranger.groups.add(group)
    stranger.is_active = False
    stranger.save()

    with pytest.raises(LastOwner):
        withdraw_from(project, owner, by=owner)


def test_a_group_with_somebody_in_it_is_company(project, owner, stranger, group):
    share_with(project, group, "owner", by=owner)
    stranger.groups.add(group)

    withdraw_from(project, owner, by=owner)

    assert role_of(owner, project) is None


def test_having_made_a_project_grants_nothing(project, owner, collaborator):
    share_with(project, collaborator, "owner", by=owner)
    withdraw_from(project, owner, by=collaborator)

    assert project.created_by == owner
    assert not Project.objects.visible_to(owner).exists()


def test_members_are_people_then_groups(
    project, owner, collaborator, reader, group, django_assert_num_queries
):
    share_with(project, group, "reader", by=owner)

    with django_assert_num_queries(2):
        members = [(member.kind, member.name, member.role) for member in members_of(project)]

    assert members == [
        ("user", "collaborator", "collaborator"),
        ("user", "owner", "owner"),
        ("user", "reader", "reader"),
        ("group", "virgo-team", "reader"),
    ]


def test_roles_on_many_projects_take_one_query(make_project, owner, reader, django_assert_num_queries):
    others = [make_project(f"field_{number}", owner) for number in range(5)]
    share_with(others[0], reader, "collaborator", by=owner)

    with django_assert_num_queries(1):
        roles = roles_of(reader, Project.objects.all())

    assert sorted(roles.values()) == ["collaborator", "reader"]


def test_a_table_inherits_from_its_project(table, owner, collaborator, stranger):
    assert role_of(owner, table) == "owner"
    assert role_of(collaborator, table) == "collaborator"
    assert role_of(stranger, table) is None


def test_a_single_table_can_be_shared(table, project, owner, stranger):
    share_with(table, stranger, "collaborator", by=owner)

    assert role_of(stranger, table) == "collaborator"
    assert role_of(stranger, project) is None
    assert [member.name for member in members_of(table)] == ["stranger"]


def test_withdrawing_from_a_table_needs_no_owner_of_its_own(table, owner, stranger):
    share_with(table, stranger, "owner", by=owner)

    withdraw_from(table, stranger, by=owner)

    assert role_of(stranger, table) is None


def test_a_refusal_says_who_what_and_where(project, reader):
    with pytest.raises(PermissionDenied, match="reader may not change or run “Virgo”"):
        demand(reader, "run", project)


def test_a_closed_account_holds_nothing(project, reader):
    reader.is_active = False
    reader.save()

    assert role_of(reader, project) is None


def test_a_misspelt_name_is_said(db):
    with pytest.raises(UnknownMember, match="no person named “nobdoy”"):
        find_member("nobdoy")
    with pytest.raises(UnknownMember, match="no group named “team”"):
        find_member("team", "group")
