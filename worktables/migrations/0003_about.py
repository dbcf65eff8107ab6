"""Keep of which other tables the words of a unit speak; of those that are there, nobody knows."""

from django.db import migrations, models

ABOUT = "the other tables that the reason speaks of; null is not known"


class Migration(migrations.Migration):

    dependencies = [
        ("worktables", "0002_progress"),
    ]

    operations = [
        migrations.AddField("unit", "about", models.JSONField(help_text=ABOUT, null=True)),
        migrations.AlterField("unit", "about", models.JSONField(default=list, help_text=ABOUT, null=True)),
    ]
