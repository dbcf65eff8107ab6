"""Making, describing, throwing away and bringing back projects."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from projects.editing import (
    create_project,
    delete_project,
    describe_project,
    rename_project,
    restore_project,
)
from projects.errors import SlugTaken
from projects.models import Project
from projects.sharing import role_of


def test_whoever_makes_a_project_owns_it(stranger):
    project = create_project("coma", " Coma ", "Farther.", creator=stranger)

    assert role_of(stranger, project) == "owner"
    assert (project.title, project.description) == ("Coma", "Farther.")


@pytest.mark.parametrize(
    "slug", ["", "Virgo", "1virgo", "vir go", "a" * 64, "virgo;drop table x", "../etc", "é"]
)
def test_a_name_must_fit_in_a_query(stranger, slug):
    with pytest.raises(ValidationError) as refusal:
        create_project(slug, "Title", creator=stranger)

    assert "slug" in refusal.value.message_dict
    assert not Project.objects.exists()


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_is_needed_and_not_endless(project, owner, title):
    with pytest.raises(ValidationError):
        rename_project(project, title, by=owner)

    project.refresh_from_db()
    assert project.title == "Virgo"


def test_a_taken_name_is_refused_even_in_the_trash(project, owner, stranger):
    delete_project(project, by=owner)

    with pytest.raises(SlugTaken, match="“virgo” exists already; choose another"):
        create_project("virgo", "Mine", creator=stranger)
    assert Project.objects.count() == 1


def test_the_owner_renames_and_describes(project, owner):
    rename_project(project, "Virgo cluster", by=owner)
    describe_project(project, description="", by=owner)

    project.refresh_from_db()
    assert (project.slug, project.title, project.description) == ("virgo", "Virgo cluster", "")


@pytest.mark.parametrize("name", ["collaborator", "reader", "stranger"])
@pytest.mark.parametrize("verb", [rename_project, delete_project, restore_project])
def test_others_change_nothing(request, project, stranger, name, verb):
    arguments = ("Mine",) if verb is rename_project else ()

    with pytest.raises(PermissionDenied):
        verb(project, *arguments, by=request.getfixturevalue(name))

    project.refresh_from_db()
    assert (project.title, project.deleted_at) == ("Virgo", None)


def test_a_deleted_project_is_in_the_trash_of_its_owners_only(project, owner, reader):
    delete_project(project, by=owner)

    assert not Project.objects.visible_to(owner).exists()
    assert list(Project.objects.restorable_by(owner)) == [project]
    assert not Project.objects.restorable_by(reader).exists()


def test_a_restored_project_is_as_it_was(project, owner, reader):
    delete_project(project, by=owner)

    restore_project(project, by=owner)

    assert list(Project.objects.visible_to(reader)) == [project]
    assert role_of(reader, project) == "reader"
