"""What `stoa manage check` says about an installation before it hurts."""

from pathlib import Path

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.db import connections

# Their locks do not hold what SQLite's journal promises: https://sqlite.org/wal.html, “shared memory”.
NETWORK_FILE_SYSTEMS = {
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "smb3", "smbfs",
}  # fmt: skip
MOUNTS = Path("/proc/self/mounts")
HEADROOM = 2  # slots for locks we want for each table and index there is


@register()
def check_that_sqlite_is_on_a_local_disk(app_configs, **_):
    """A write-ahead log needs memory shared by all processes, which a network file system has not."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    kind = file_system_of(settings.STOA_HOME)
    if kind not in NETWORK_FILE_SYSTEMS:
        return []
    return [
        Warning(
            f"The database lies in {settings.STOA_HOME}, on a network file system ({kind}), where SQLite may lose "
            "what several processes write.",
            hint="Set STOA_HOME to a folder on a local disk, or STOA_DATABASE_URL to a PostgreSQL database.",
            id="portal.W001",
        )
    ]


@register(Tags.database)
def check_that_postgresql_can_lock_many_tables(app_configs, databases=None, **_):
    """Every worktable is a table with its indexes, and a dump locks all tables at once."""
    if "default" not in (databases or ()) or connections["default"].vendor != "postgresql":
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_locks_per_transaction')::bigint * current_setting('max_connections')::bigint,"
            " (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace)"
        )
        n_slots, n_relations = cursor.fetchone()
    if n_slots >= HEADROOM * n_relations:
        return []
    return [
        Warning(
            f"There are {n_relations} tables and indexes, and PostgreSQL has room for {n_slots} locks; soon pg_dump "
            "and the deletion of large projects will fail with “out of shared memory”.",
            hint="Raise max_locks_per_transaction in postgresql.conf (1024 is a good value) and restart the server.",
            id="portal.W002",
        )
    ]


def file_system_of(folder):
    """Return the type of the file system a folder is on, or nothing where the system does not tell."""
    try:
        mounts = [line.split()[:3] for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    folder = Path(folder).resolve()
    # Of the mount points above the folder the deepest counts, and of two on one point the later.
    kind, depth = "", -1
    for _, point, mounted in mounts:
        point = Path(point.encode().decode("unicode_escape"))
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = mounted, len(point.parts)
    return kind
