from django.db import migrations


def create(apps, schema_editor):
    """Hand-raises that belong to nobody need a pool from the first day on."""
    apps.get_model("accounts", "Team").objects.create(name="Everyone", is_default=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
