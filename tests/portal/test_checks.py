"""An installation that will lose data says so."""

import pytest
from django.core.checks.registry import registry
from django.db import connection

from portal import checks


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """Pretend these are the mounted file systems."""
    file = tmp_path / "mounts"
    monkeypatch.setattr(checks, "MOUNTS", file)

    def pretend(*lines):
        file.write_text("".join(f"device {line} rw 0 0\n" for line in lines))

    return pretend


def test_the_deepest_mount_above_a_folder_counts(mounts, tmp_path):
    mounts("/ ext4", f"{tmp_path} nfs4", f"{tmp_path}/local xfs", f"{tmp_path}/local2 cifs")

    assert checks.file_system_of(tmp_path / "home") == "nfs4"
    assert checks.file_system_of(tmp_path / "local" / "home") == "xfs"


def test_of_two_file_systems_on_one_point_the_later_counts(mounts, tmp_path):
    mounts("/ ext4", f"{tmp_path} autofs", f"{tmp_path} nfs")

    assert checks.file_system_of(tmp_path) == "nfs"


def test_a_mount_point_with_a_blank_is_understood(mounts, tmp_path):
    mounts("/ ext4", rf"{tmp_path}/my\040disk nfs")

    assert checks.file_system_of(tmp_path / "my disk") == "nfs"


def test_a_system_that_does_not_tell_its_mounts_is_not_suspected(mounts, tmp_path):
    assert checks.file_system_of(tmp_path) == ""


@pytest.mark.parametrize(("kind", "warnings"), [("nfs", ["portal.W001"]), ("ext4", [])])
def test_sqlite_on_a_network_file_system_is_warned_about(mounts, settings, tmp_path, kind, warnings):
    if connection.vendor != "sqlite":
        warnings = []
    settings.STOA_HOME = tmp_path
    mounts("/ ext4", f"{tmp_path} {kind}")

    assert [warning.id for warning in checks.check_that_sqlite_is_on_a_local_disk(None)] == warnings


@pytest.mark.django_db
@pytest.mark.parametrize(("headroom", "warnings"), [(10**9, ["portal.W002"]), (1, [])])
def test_a_postgresql_with_more_tables_than_it_can_lock_is_warned_about(monkeypatch, headroom, warnings):
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL")
    monkeypatch.setattr(checks, "HEADROOM", headroom)

    found = checks.check_that_postgresql_can_lock_many_tables(None, ["default"])

    assert [warning.id for warning in found] == warnings


def test_the_checks_are_registered():
    names = {check.__name__ for check in registry.get_checks()}

    assert "check_that_sqlite_is_on_a_local_disk" in names
    assert "check_that_postgresql_can_lock_many_tables" in names
