from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q
from django.utils.text import slugify


def name_rows(apps: Any, schema_editor: Any) -> None:
    """Every track gets the key its versions share, every answer the name of what is known by it."""
    tracks = apps.get_model("touchpoints", "TalkTrack").objects
    for track in tracks.order_by("name", "language", "-version"):
        stem = slugify(track.name, allow_unicode=True)[:60] or "track"
        track.key = f"{stem}-{track.language}"
        later = tracks.filter(key=track.key, version__gt=track.version, active=True)
        # Of several versions that were in use together the last is it.
        track.active = (
            track.active and not later.filter(approved_at__isnull=track.approved_at is None).exists()
        )
        track.questions = [_question(one) for one in track.questions]
        track.voicemail = [
            one if isinstance(one, dict) else {"text": one, "offer": ""} for one in track.voicemail
        ]
        track.save()
    answers = apps.get_model("touchpoints", "Answer").objects
    taken: dict[int, set[str]] = {}
    waiting = []
    for answer in answers.order_by("lead_id", "pk").iterator(chunk_size=2000):
        mine = taken.setdefault(answer.lead_id, set())
        stem = name = _field(answer.question)
        n = 1
        while name in mine:
            n += 1
            name = f"{stem[:55]}-{n}"
        mine.add(name)
        answer.field = name
        waiting.append(answer)
        if len(waiting) >= 2000:
            answers.bulk_update(waiting, ["field"])
            waiting.clear()
    answers.bulk_update(waiting, ["field"])


def _question(one: Any) -> dict[str, Any]:
    if not isinstance(one, dict):
        one = {"question": str(one)}
    return {"field": _field(one.get("question", "")), "tip": "", "answers": [], **one}


def _field(question: str) -> str:
    return slugify(question, allow_unicode=True)[:60].strip("-") or "question"


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("leads", "0009_workspace_trades"),
        ("touchpoints", "0012_task_desk"),
    ]

    operations = [
        migrations.AddField(
            model_name="talktrack",
            name="key",
            field=models.SlugField(allow_unicode=True, default="", max_length=80, verbose_name="key"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="talktrack",
            name="for_all",
            field=models.BooleanField(
                default=True,
                help_text="A track whose segment was deleted is for nobody.",
                verbose_name="for everybody",
            ),
        ),
        migrations.AddField(
            model_name="talktrack",
            name="position",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Of two that fit a lead, the lower one.", verbose_name="order"
            ),
        ),
        migrations.AddField(
            model_name="talktrack",
            name="intro",
            field=models.TextField(blank=True, verbose_name="who we are and why we call"),
        ),
        migrations.AddField(
            model_name="talktrack",
            name="drafted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="talktrack",
            name="drafted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="talktrack",
            name="segment",
            field=models.ForeignKey(
                blank=True,
                help_text="Only for these leads, before what is for everybody.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="talk_tracks",
                to="leads.segment",
                verbose_name="segment of leads",
            ),
        ),
        migrations.AlterField(
            model_name="talktrack",
            name="questions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="[{field, question, tip, answers: [{answer, tip}]}]",
                verbose_name="discovery questions",
            ),
        ),
        migrations.AlterField(
            model_name="talktrack",
            name="objections",
            field=models.JSONField(
                blank=True, default=list, help_text="[{objection, answer}]", verbose_name="objections"
            ),
        ),
        migrations.AlterField(
            model_name="talktrack",
            name="voicemail",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="[{text, offer}], one an attempt",
                verbose_name="voicemail",
            ),
        ),
        migrations.AlterField(
            model_name="talktrack",
            name="disclosures",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="{place: text}, * for everywhere",
                verbose_name="disclosures",
            ),
        ),
        migrations.AlterField(
            model_name="callattempt",
            name="talk_track",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="calls",
                to="touchpoints.talktrack",
            ),
        ),
        migrations.AddField(
            model_name="callattempt",
            name="disclosures",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="What the law wants said first, as it stood on the screen: [{place, text}].",
            ),
        ),
        migrations.AddField(
            model_name="callattempt",
            name="voicemail",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Which of the talk track's voicemail texts was left.", null=True
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="field",
            field=models.CharField(
                default="",
                help_text="What is known by it, whatever the wording and the language.",
                max_length=60,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="answer",
            name="question",
            field=models.CharField(help_text="As it was asked.", max_length=300),
        ),
        migrations.RemoveConstraint(model_name="talktrack", name="talk_track_version"),
        migrations.RemoveConstraint(model_name="answer", name="one_answer_a_question"),
        migrations.RunPython(name_rows, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="talktrack",
            constraint=models.UniqueConstraint(fields=("key", "version"), name="talk_track_version_once"),
        ),
        migrations.AddConstraint(
            model_name="talktrack",
            constraint=models.UniqueConstraint(
                condition=Q(("active", True), ("approved_at", None)),
                fields=("key",),
                name="one_draft_a_talk_track",
            ),
        ),
        migrations.AddConstraint(
            model_name="talktrack",
            constraint=models.UniqueConstraint(
                condition=Q(("active", True), ("approved_at__isnull", False)),
                fields=("key",),
                name="one_version_in_use_a_talk_track",
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.UniqueConstraint(fields=("lead", "field"), name="one_answer_a_field"),
        ),
    ]
