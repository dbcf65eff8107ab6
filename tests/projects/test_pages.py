"""The HTML door to projects: 404 for strangers, 403 for the wrong role, and forms that keep what was typed."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from projects.models import Project
from projects.sharing import role_of

SETTINGS = "/projects/virgo/settings/"
WRITES = [
    ("project-settings", {"title": "Mine"}),
    ("project-share", {"kind": "user", "name": "stranger", "role": "owner"}),
    ("project-withdraw", {"kind": "user", "name": "owner"}),
    ("project-delete", {}),
]


@pytest.fixture
def signed_in(client, request):
    """Sign somebody of the cast in."""

    def sign_in(name):
        client.force_login(request.getfixturevalue(name))
        return client

    return sign_in


def test_a_new_project_belongs_to_its_maker(signed_in, stranger):
    answer = signed_in("stranger").post(
        reverse("new-project"), {"title": "Coma", "slug": "coma", "description": "Farther."}
    )

    assert answer.url == "/projects/coma/"
    assert role_of(stranger, Project.objects.get()) == "owner"


@pytest.mark.parametrize("slug", ["virgo", "No Name", ""])
def test_a_refused_name_keeps_what_was_typed(signed_in, project, slug):
    answer = signed_in("stranger").post(reverse("new-project"), {"title": "My survey", "slug": slug})

    assert answer.context["form"].errors.keys() == {"slug"}
    assert 'value="My survey"' in answer.content.decode()
    assert Project.objects.count() == 1


@pytest.mark.parametrize(("name", "data"), WRITES)
@pytest.mark.parametrize(("who", "status"), [("collaborator", 403), ("reader", 403), ("stranger", 404)])
def test_only_owners_write(signed_in, project, stranger, who, status, name, data):
    answer = signed_in(who).post(reverse(name, args=["virgo"]), data)

    assert answer.status_code == status
    project.refresh_from_db()
    assert (project.title, project.deleted_at) == ("Virgo", None)
    assert role_of(stranger, project) is None


@pytest.mark.parametrize(("name", "data"), WRITES)
def test_nobody_writes_without_signing_in(client, project, name, data):
    assert client.post(reverse(name, args=["virgo"]), data).url.startswith(reverse("login"))


@pytest.mark.parametrize("name", ["project-share", "project-withdraw", "project-delete", "project-restore"])
def test_looking_changes_nothing(signed_in, project, name):
    assert signed_in("owner").get(reverse(name, args=["virgo"])).status_code == 405


def test_readers_see_who_works_here_but_no_forms(signed_in, project, collaborator):
    page = signed_in("reader").get(SETTINGS).content.decode()

    assert "collaborator" in page
    assert f'action="{reverse("project-share", args=["virgo"])}"' not in page
    assert reverse("project-delete", args=["virgo"]) not in page


def test_an_owner_invites_a_person_and_a_group(signed_in, project, stranger):
    group = Group.objects.create(name="team")
    client = signed_in("owner")

    client.post("/projects/virgo/members/", {"kind": "user", "name": "stranger", "role": "collaborator"})
    client.post("/projects/virgo/members/", {"kind": "group", "name": "team", "role": "reader"})

    assert role_of(stranger, project) == "collaborator"
    assert [member.who for member in client.get(SETTINGS).context["members"]][-1] == group


def test_a_misspelt_member_keeps_what_was_typed(signed_in, project):
    answer = signed_in("owner").post(
        "/projects/virgo/members/", {"kind": "user", "name": "nobdoy", "role": "collaborator"}
    )

    page = answer.content.decode()
    assert "no person named “nobdoy”" in page
    assert 'value="nobdoy"' in page


def test_the_last_owner_is_told_why_not(signed_in, project, owner):
    client = signed_in("owner")

    demoted = client.post("/projects/virgo/members/", {"kind": "user", "name": "owner", "role": "reader"})
    left = client.post(
        reverse("project-withdraw", args=["virgo"]), {"kind": "user", "name": "owner"}, follow=True
    )

    for answer in (demoted, left):
        assert "last owner of “Virgo”" in answer.content.decode()
    assert role_of(owner, project) == "owner"


def test_a_member_with_a_closed_account_can_be_withdrawn(signed_in, project, reader):
    reader.is_active = False
    reader.save()

    signed_in("owner").post(reverse("project-withdraw", args=["virgo"]), {"kind": "user", "name": "reader"})

    assert "reader" not in {member.name for member in signed_in("owner").get(SETTINGS).context["members"]}


def test_whoever_leaves_comes_home(signed_in, project):
    answer = signed_in("reader").post(
        reverse("project-withdraw", args=["virgo"]), {"kind": "user", "name": "reader"}
    )

    assert answer.url == "/"


def test_into_the_trash_and_back(signed_in, project):
    client = signed_in("owner")

    client.post(reverse("project-delete", args=["virgo"]))
    assert client.get(SETTINGS).status_code == 404
    assert "Virgo" in client.get(reverse("project-trash")).content.decode()
    client.post(reverse("project-restore", args=["virgo"]))

    assert client.get(SETTINGS).status_code == 200


@pytest.mark.parametrize("who", ["collaborator", "reader", "stranger"])
def test_only_an_owner_brings_it_back(signed_in, project, who):
    signed_in(who)
    Project.objects.update(deleted_at="2026-01-01T00:00Z")

    client = signed_in(who)

    assert client.post(reverse("project-restore", args=["virgo"])).status_code == 404
    assert "Virgo" not in client.get(reverse("project-trash")).content.decode()


def test_a_title_is_text_not_markup(signed_in, project):
    client = signed_in("owner")

    client.post(SETTINGS, {"title": "<script>alert(1)</script>", "description": ""})

    assert "<script>alert" not in client.get("/").content.decode()


@pytest.mark.parametrize("address", ["", "?q=virgo", "?trash=no", "?trash=yes"])
def test_the_curator_finds_projects(signed_in, project, address):
    client = signed_in("curator")

    assert ("Virgo" in client.get(f"/admin/projects/project/{address}").content.decode()) is (
        "yes" not in address
    )
    assert (
        "owner (user): owner" in client.get(f"/admin/projects/project/{project.pk}/change/").content.decode()
    )


def test_the_curator_throws_away_and_brings_back(signed_in, project):
    client = signed_in("curator")
    for action, gone in (("put_in_trash", True), ("bring_back", False)):
        client.post("/admin/projects/project/", {"action": action, "_selected_action": [project.pk]})
        project.refresh_from_db()
        assert bool(project.deleted_at) is gone
