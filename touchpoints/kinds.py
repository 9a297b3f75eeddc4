"""Which kinds of touchpoint are there beside the built-in ones, and what is said of each on the phone?

A kind of one's own warms nobody before a rule says for how long: making one puts its rule into the draft.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext
from heroicons import IconDoesNotExist
from heroicons.templatetags.heroicons import heroicon_mini

from leads.models import AuditEvent

from . import icebreaker, rulesets
from .models import IceBreaker, TouchpointKind, WarmthRule

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser


LONGEST_LINE = IceBreaker._meta.get_field("text").max_length


class KindRefused(ValueError):
    """A change that was not made, with the field it is about and why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


def add(
    *,
    key: str,
    label: str,
    direction: str,
    hand_raise: bool = False,
    icon: str = "",
    warms_for_days: float,
    counts_at_most: int,
    by: AbstractUser | None,
    now: datetime,
) -> TouchpointKind:
    """A kind of one's own, with its rule in the draft; touchpoints of it can be recorded at once."""
    _check_icon(icon)
    with transaction.atomic():
        if TouchpointKind.objects.filter(pk=key).exists():
            raise KindRefused(
                "key", gettext("There is a kind with the key “%(key)s” already.") % {"key": key}
            )
        latest = TouchpointKind.objects.aggregate(Max("position"))["position__max"] or 0
        kind = TouchpointKind.objects.create(
            key=key,
            label=label,
            direction=direction,
            hand_raise=hand_raise,
            icon=icon,
            position=latest + 1,
        )
        rulesets.add_rule(
            rulesets.draft(by=by, now=now),
            {"kind_id": key, "warms_for_days": warms_for_days, "counts_at_most": counts_at_most},
        )
        _audit("kind_added", kind, {}, by=by, now=now)
    return kind


def change(kind: TouchpointKind, values: dict[str, Any], *, by: AbstractUser | None, now: datetime) -> None:
    """Change a kind's words and settings. What a built-in kind means stays: only its label, icon and use may change."""
    if "icon" in values:
        _check_icon(values["icon"])
    if kind.builtin and {"direction", "hand_raise"} & {
        name for name in values if getattr(kind, name) != values[name]
    }:
        raise KindRefused("hand_raise", gettext("What a built-in kind means cannot be changed."))
    before = {name: getattr(kind, name) for name in values}
    for name, value in values.items():
        setattr(kind, name, value)
    with transaction.atomic():
        kind.save(update_fields=list(values))
        _audit("kind_changed", kind, before, by=by, now=now)


def remove(kind: TouchpointKind, *, by: AbstractUser | None, now: datetime) -> None:
    """Delete a kind of one's own that nothing rests on; else it can only be put out of use."""
    if kind.builtin:
        raise KindRefused("key", gettext("Built-in kinds cannot be deleted; put it out of use instead."))
    try:
        with transaction.atomic():
            WarmthRule.objects.filter(kind=kind, ruleset__status="draft").delete()
            _audit("kind_removed", kind, {"label": kind.label}, by=by, now=now)
            kind.delete()
    except ProtectedError:
        raise KindRefused(
            "key",
            gettext("Touchpoints, outcomes or published rules rest on this kind; put it out of use instead."),
        ) from None


def line_problems(text: str) -> list[str]:
    """What is wrong with an opening line, in words for whoever writes it; empty where it can be saved."""
    found = icebreaker.problems(text)
    if len(text) > LONGEST_LINE:
        found.append(gettext("at most %(n)d characters, not %(is)d") % {"n": LONGEST_LINE, "is": len(text)})
    return found


def set_line(
    kind: TouchpointKind, *, language: str, tone: str, text: str, by: AbstractUser | None, now: datetime
) -> None:
    """Set the opening line of a kind in one language and tone; a blank one removes it. Raises KindRefused."""
    text = text.strip()
    wrong = line_problems(text)
    if language not in icebreaker.LANGUAGES or tone not in icebreaker.TONES:
        raise KindRefused("text", gettext("No such language or tone."))
    if wrong:
        raise KindRefused("text", "; ".join(wrong))
    with transaction.atomic():
        rows = IceBreaker.objects.filter(kind=kind, language=language, tone=tone)
        before = rows.values_list("text", flat=True).first() or ""
        if text == before:
            return
        if text:
            IceBreaker.objects.update_or_create(
                kind=kind, language=language, tone=tone, defaults={"text": text}
            )
        else:
            rows.delete()
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action="ice_breaker_changed",
            subject_type="touchpoint_kind",
            subject_id=kind.pk,
            before={"text": before},
            after={"text": text, "language": language, "tone": tone},
        )


def _check_icon(name: str) -> None:
    if not name:
        return
    try:
        heroicon_mini(name)
    except IconDoesNotExist:
        raise KindRefused(
            "icon", gettext("There is no icon “%(name)s”; names are those of heroicons.") % {"name": name}
        ) from None


def _audit(
    action: str, kind: TouchpointKind, before: dict[str, Any], *, by: AbstractUser | None, now: datetime
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="touchpoint_kind",
        subject_id=kind.pk,
        before=before,
        after={"label": kind.label, "hand_raise": kind.hand_raise, "active": kind.active},
    )
