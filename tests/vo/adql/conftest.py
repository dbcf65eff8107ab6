import psycopg2
import pytest
from django.db import connection

from tests.vo.adql.sky import fill, sqlite_sky
from vo.adql.postgresql import FUNCTIONS


@pytest.fixture(scope="module")
def sky(django_db_setup):
    """The small sky in the database under test, in a connection of its own; nothing of it is kept."""
    if connection.vendor == "sqlite":
        made = sqlite_sky()
        yield made
        made.connection.close()
        return
    parameters = connection.get_connection_params()
    names = {"dbname", "user", "password", "host", "port"}
    own = psycopg2.connect(**{name: value for name, value in parameters.items() if name in names})
    try:
        own.cursor().execute(FUNCTIONS)
        yield fill("postgresql", own)
    finally:
        own.rollback()
        own.close()
