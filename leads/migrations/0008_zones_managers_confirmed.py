"""A zone that a manager confirmed is one that a manager agrees to."""

from django.conf import settings
from django.db import migrations
from django.db.models import F


def agree(apps, schema_editor):
    user_model = apps.get_model(settings.AUTH_USER_MODEL)
    managers = user_model.objects.filter(role__in=["manager", "admin"])
    apps.get_model("leads", "Lead").objects.filter(zone_confirmed_by__in=managers).update(
        zone_agreed_at=F("zone_confirmed_at"), zone_agreed_by=F("zone_confirmed_by")
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_zone_agreed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(agree, migrations.RunPython.noop)]
