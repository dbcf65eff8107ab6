"""A project reads the archive folder of its name; choosing a name is no way to somebody else's files."""

import pytest
from django.urls import reverse

from archive.claiming import OWNERS, name_owner
from archive.errors import FolderOfOthers
from projects.editing import create_project
from projects.errors import SlugTaken
from projects.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings, tmp_path):
    """A delivery that lies in the archive before anybody has made a project of it."""
    settings.STOA_ARCHIVE_ROOT = tmp_path
    folder = tmp_path / "embargoed"
    folder.mkdir()
    (folder / "map.dirty.fits").write_bytes(b"SIMPLE")
    return folder


def test_an_existing_folder_is_not_had_for_the_asking(folder, stranger):
    with pytest.raises(FolderOfOthers, match="curator"):
        create_project("embargoed", "Mine now", creator=stranger)

    assert not Project.objects.filter(slug="embargoed").exists()


def test_a_link_that_leads_nowhere_yet_is_a_folder_too(folder, stranger):
    (folder.parent / "promised").symlink_to(folder.parent / "not_mounted")

    with pytest.raises(FolderOfOthers):
        create_project("promised", "Mine soon", creator=stranger)


def test_a_name_without_a_folder_is_free(folder, stranger):
    assert create_project("coma", "Coma", creator=stranger).slug == "coma"


@pytest.mark.parametrize("facts", [{"is_staff": True}, {"is_superuser": True}])
def test_a_curator_may_claim_any_folder(folder, make_user, facts):
    assert create_project("embargoed", "For the team", creator=make_user("chief", **facts)).pk


def test_whom_the_folder_names_may_claim_it(folder, make_user):
    (folder / OWNERS).write_text("# the team of 2019.1\nvera\n\nannie\n")

    with pytest.raises(FolderOfOthers):
        create_project("embargoed", "Mine", creator=make_user("ver"))
    assert create_project("embargoed", "Ours", creator=make_user("annie")).pk


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"#stranger\n"])
def test_a_list_that_names_nobody_opens_nothing(folder, stranger, content):
    (folder / OWNERS).write_bytes(content)

    with pytest.raises(FolderOfOthers):
        create_project("embargoed", "Mine", creator=stranger)


def test_naming_an_owner_keeps_the_others(folder):
    name_owner(folder, "vera")
    name_owner(folder, "annie")

    assert (folder / OWNERS).read_text() == "annie\nvera\n"


def test_the_form_says_what_to_do(client, folder, stranger):
    client.force_login(stranger, "django.contrib.auth.backends.ModelBackend")

    page = client.post(reverse("new-project"), {"slug": "embargoed", "title": "Mine"}).content.decode()

    assert "a curator makes it" in page
    assert OWNERS in page
    assert 'value="embargoed"' in page
    assert "only a curator" in client.get(reverse("new-project")).content.decode()


def test_programs_are_told_the_same(client, folder, stranger):
    client.force_login(stranger, "django.contrib.auth.backends.ModelBackend")

    answer = client.post("/api/projects/", {"slug": "embargoed", "title": "Mine"}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "folder-of-others")
    assert str(folder.parent) not in answer.json()["detail"]


def test_a_taken_name_is_taken_whether_or_not_there_is_a_folder(folder, curator, stranger):
    create_project("embargoed", "For the team", creator=curator)

    with pytest.raises(SlugTaken):
        create_project("embargoed", "Mine", creator=stranger)
