from datetime import UTC, datetime
from typing import Any

from django.db import migrations

from touchpoints import talk, talk_defaults


def create(apps: Any, schema_editor: Any) -> None:
    """One track for everybody in each language, in use, which anybody's own track comes before."""
    born = datetime(2026, 11, 21, tzinfo=UTC)
    tracks = apps.get_model("touchpoints", "TalkTrack").objects
    for language, script in talk_defaults.SCRIPTS.items():
        tracks.get_or_create(
            key=f"{talk_defaults.KEY}-{language}",
            defaults={
                "name": talk_defaults.NAME,
                "language": language,
                "position": talk_defaults.POSITION,
                "drafted_at": born,
                "approved_at": born,
                **talk.as_kept(script),
            },
        )


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0013_talk_tracks")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
