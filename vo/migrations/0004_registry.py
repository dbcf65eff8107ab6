
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vo', '0003_products'),
    ]

    operations = [
        migrations.CreateModel(
            name='ServiceRecord',
            fields=[
                ('key', models.CharField(help_text='of its identifier, after the authority', max_length=20, primary_key=True, serialize=False)),
                ('digest', models.CharField(help_text='of what it says', max_length=64)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
            ],
        ),
    ]
