"""What would the draft do to whom? The counts with names, and a sample of leads before and after, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.utils.translation import gettext

from leads.models import Lead, LeadList

from . import engine, rule_effect
from .icebreaker import in_words
from .models import TemperatureOverride
from .reasons import facts_of
from .warmth import OverrideValue, Warmth, effective, sentence, warmth

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from .models import WarmthRuleset
    from .rule_effect import Effect

MOST_ROWS = 12


@dataclass(frozen=True)
class Breakdown:
    title: str
    rows: list[dict[str, Any]]
    left_out: int


@dataclass(frozen=True)
class Shown:
    """One lead of the sample: `was` and `becomes` are {temperature, until, why}."""

    lead: Lead
    was: dict[str, Any]
    becomes: dict[str, Any]


@dataclass(frozen=True)
class Preview:
    effect: Effect
    breakdowns: list[Breakdown]
    sample: list[Shown]


def preview(draft: WarmthRuleset, *, user: Any, now: datetime) -> Preview:
    """What publishing now would do, for everybody; the sample holds only leads this user may see."""
    effect = rule_effect.effect_of(draft, now=now, visible=Lead.objects.visible_to(user))
    return Preview(
        effect, _breakdowns(effect), _sample(draft, effect.sample, zone=ZoneInfo(user.time_zone), now=now)
    )


def _breakdowns(effect: Effect) -> list[Breakdown]:
    lists = dict(
        LeadList.objects.filter(pk__in=[pk for pk in effect.by["list"] if pk]).values_list("pk", "name")
    )
    people = {
        one.pk: one.get_full_name() or one.get_username()
        for one in get_user_model().objects.filter(pk__in=[pk for pk in effect.by["owner"] if pk])
    }
    sources = dict(LeadList.Source.choices)
    return [
        _breakdown(
            gettext("List"), effect.by["list"], lambda key: lists.get(key, "–") if key else gettext("no list")
        ),
        _breakdown(
            gettext("Source of the list"),
            effect.by["source"],
            lambda key: str(sources.get(key, gettext("no list"))),
        ),
        _breakdown(
            gettext("Owner"),
            effect.by["owner"],
            lambda key: people.get(key, "–") if key else gettext("pool or nobody"),
        ),
    ]


def _breakdown(title: str, counts: dict[Any, tuple[int, int]], label: Callable[[Any], str]) -> Breakdown:
    rows = [{"label": label(key), "warm": warm, "cool": cool} for key, (warm, cool) in counts.items()]
    rows.sort(key=lambda row: (-row["warm"] - row["cool"], row["label"]))
    return Breakdown(title, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _sample(draft: WarmthRuleset, ids: list[int], *, zone: tzinfo, now: datetime) -> list[Shown]:
    leads = Lead.objects.select_related("company").in_bulk(ids)
    touches = engine.touches_of(ids)
    published, drafted = (engine.rules_for(ids, row, now=now) for row in (engine.published(), draft))
    overrides = {
        row.lead_id: OverrideValue(row.temperature, row.until)
        for row in TemperatureOverride.objects.filter(lead__in=ids, ended_at=None)
    }
    found: dict[int, list[Warmth]] = {
        pk: [
            warmth(map(engine.touch_of, touches[pk]), rules[pk], now=now, cooled_at=leads[pk].cooled_at)
            for rules in (published, drafted)
        ]
        for pk in ids
        if pk in leads
    }
    facts = facts_of([touch.pk for rows in touches.values() for touch in rows])
    words = {pk: in_words(fact) for pk, fact in facts.items()}

    def told(pk: int, one: Warmth) -> dict[str, Any]:
        temperature, until = effective(one.warm_until, overrides.get(pk), now=now)
        why = sentence(temperature, until, one.evidence, words, now=now, zone=zone)
        return {"temperature": temperature, "until": until, "why": why}

    return [Shown(leads[pk], told(pk, was), told(pk, becomes)) for pk, (was, becomes) in found.items()]
