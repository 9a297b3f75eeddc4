from django.db import migrations

from leads.guard_defaults import DEFAULT_GUARD_RULES


def create(apps, schema_editor):
    apps.get_model("leads", "Workspace").objects.create(pk=1)
    rule = apps.get_model("leads", "GuardRule")
    rule.objects.bulk_create(rule(**row) for row in DEFAULT_GUARD_RULES)


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
