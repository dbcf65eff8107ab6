"""The cast: the fixtures are the roles."""

import sys

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from projects.editing import create_project
from projects.sharing import share_with


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """End, and tell of, the connections that threads of tests have left open: PostgreSQL drops no database in use."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid), query FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for _, query in cursor.fetchall():
                print(f"a connection was left open; it last asked: {query}", file=sys.stderr)


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
