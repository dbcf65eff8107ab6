"""Keep of which other tables the words of a run speak; of those that are there, nobody knows."""

from django.db import migrations, models

ABOUT = "the other tables it read or filled; null is not known"


class Migration(migrations.Migration):

    dependencies = [
        ("pipelines", "0002_initial"),
    ]

    operations = [
        migrations.AddField("run", "about", models.JSONField(help_text=ABOUT, null=True)),
        migrations.AlterField("run", "about", models.JSONField(default=list, help_text=ABOUT, null=True)),
    ]
