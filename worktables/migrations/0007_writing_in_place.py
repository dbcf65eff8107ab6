"""Rows are written in place: no index speaks of what is written often, and pages have room."""

from django.db import migrations

from worktables.storage.ddl import ROOMY
from worktables.storage.layout import table_name


def rewrite_indexes(apps, schema_editor):
    """Bring the tables there are to the form of new ones."""
    for pk in apps.get_model("worktables", "Worktable").objects.values_list("pk", flat=True):
        table = table_name(pk)
        schema_editor.execute(f"DROP INDEX IF EXISTS {table}_state")
        schema_editor.execute(f"DROP INDEX IF EXISTS {table}_item")
        schema_editor.execute(
            f"CREATE UNIQUE INDEX {table}_item ON {table} (parent_id, item_key) WHERE parent_id IS NOT NULL"
        )
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"ALTER TABLE {table} SET ({ROOMY})")


def clean_up_often(apps, schema_editor):
    """Clean up after a hundredth of the queue has gone, not after a fifth; likewise the units that were not fresh."""
    if schema_editor.connection.vendor == "postgresql":
        for table, part in (("worktables_todo", 0.01), ("worktables_unit", 0.05)):
            schema_editor.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = {part}, "
                f"autovacuum_analyze_scale_factor = {part})"
            )


class Migration(migrations.Migration):
    dependencies = [("worktables", "0006_kept_and_durations")]

    operations = [
        migrations.RunPython(rewrite_indexes, migrations.RunPython.noop),
        migrations.RunPython(clean_up_often, migrations.RunPython.noop),
    ]
