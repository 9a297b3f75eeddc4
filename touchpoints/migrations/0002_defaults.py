from datetime import UTC, datetime

from django.db import migrations

from touchpoints import defaults


def create(apps, schema_editor):
    def model(name):
        return apps.get_model("touchpoints", name)

    kind = model("TouchpointKind")
    kind.objects.bulk_create(
        kind(
            key=row.key,
            label=row.label,
            direction=row.direction,
            hand_raise=row.hand_raise,
            icon=row.icon,
            builtin=True,
            position=position,
        )
        for position, row in enumerate(defaults.DEFAULT_KINDS, start=1)
    )
    born = datetime(2026, 11, 20, tzinfo=UTC)
    ruleset = model("WarmthRuleset").objects.create(
        version=1,
        half_life_days=defaults.HALF_LIFE.days,
        status="published",
        note="Default rules",
        created_at=born,
        published_at=born,
    )
    rule = model("WarmthRule")
    rule.objects.bulk_create(
        rule(
            ruleset=ruleset,
            position=position,
            kind_id=row.key,
            warms_for_days=row.warms_for_days,
            counts_at_most=row.counts_at_most,
        )
        for position, row in enumerate(defaults.DEFAULT_KINDS, start=1)
    )
    outcome = model("Outcome")
    outcome.objects.bulk_create(
        outcome(
            key=row.key,
            hotkey=row.hotkey,
            label=row.label,
            connect=row.connect,
            reach=row.reach,
            conversation=row.conversation,
            policy=row.policy,
            params=row.params,
            ends_pursuit=row.ends_pursuit,
            sets_cooled=row.sets_cooled,
            touchpoint_kind_id=row.records_kind or None,
            dangerous=row.dangerous,
            common=row.key in ("no_answer", "voicemail_left", "callback_requested", "meeting_booked"),
            position=row.position,
        )
        for row in defaults.DEFAULT_OUTCOMES
    )
    step = model("CadenceStep")
    for row in defaults.DEFAULT_CADENCES:
        cadence = model("Cadence").objects.create(
            key=row.key,
            name=row.label,
            temperature=row.temperature,
            audience=row.audience,
            target=row.target,
            recycle_after_days=row.recycle_after_days,
            is_default=True,
        )
        step.objects.bulk_create(
            step(cadence=cadence, step=one.step, wait_days=one.wait, phase=one.phase, channel=one.channel)
            for one in row.steps
        )
    line = model("IceBreaker")
    line.objects.bulk_create(
        line(kind_id=row.kind, language=row.language, tone=row.tone, text=row.template)
        for row in defaults.DEFAULT_ICEBREAKERS
    )


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
