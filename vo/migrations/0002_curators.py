"""The group whose members decide who sees what is published."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

PERMISSIONS = ("decide_scope", "view_publishedversion", "view_publication")


def make_group(apps, schema_editor):
    for app in apps.get_app_configs():
        if app.label == "vo":  # permissions are otherwise made only once all migrations are done
            app.models_module = True
            create_permissions(app, apps=apps, verbosity=0, using=schema_editor.connection.alias)
            app.models_module = None
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="curators")
    found = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="vo", codename__in=PERMISSIONS)
    group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("vo", "0001_published"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop)]
