import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, TextField
from django.db.models.functions import Cast, Length

BESIDE_OUTPUTS = 200


def measure(apps, schema_editor):
    """Say of what is remembered already how large it is, and that it was last taken when it was made."""
    apps.get_model('pipelines', 'Memo').objects.update(
        used_at=F('made_at'), size=Length(Cast('outputs', TextField())) + BESIDE_OUTPUTS
    )


class Migration(migrations.Migration):

    dependencies = [
        ('pipelines', '0004_lighter_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='memo',
            name='size',
            field=models.BigIntegerField(default=0, help_text='bytes in the database'),
        ),
        migrations.AddField(
            model_name='memo',
            name='used_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='when it was last taken, to the day'),
        ),
        migrations.RunPython(measure, migrations.RunPython.noop),
    ]
