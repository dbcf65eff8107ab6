"""The cast: the fixtures are the roles."""

import pytest
from django.contrib.auth import get_user_model

from projects.editing import create_project
from projects.sharing import share_with


@pytest.fixture
def make_user(db):
    """Make somebody with an account; their password is their name."""

    def make(username, **facts):
        return get_user_model().objects.create_user(username, password=username, **facts)

    return make


@pytest.fixture
def owner(make_user):
    return make_user("owner")


@pytest.fixture
def collaborator(make_user, project, owner):
    user = make_user("collaborator")
    share_with(project, user, "collaborator", by=owner)
    return user


@pytest.fixture
def reader(make_user, project, owner):
    user = make_user("reader")
    share_with(project, user, "reader", by=owner)
    return user


@pytest.fixture
def stranger(make_user):
    return make_user("stranger")


@pytest.fixture
def curator(make_user):
    return make_user("curator", is_staff=True, is_superuser=True)


@pytest.fixture
def make_project(db):
    """Make a project of that slug, titled like it."""

    def make(slug, creator, description=""):
        return create_project(slug, slug.capitalize(), description, creator=creator)

    return make


@pytest.fixture
def project(owner):
    return create_project("virgo", "Virgo", "The cluster next door.", creator=owner)
