"""Who changed what that must be explained later? Managers see their team's leads and what binds all; admins all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm.accounts.models import User
from crm.compliance.access import managers_only
from crm.compliance.listing import count_in_words, place_of, query_of, urls_beside
from crm.compliance.registry_forms import DayInput
from crm.pipeline.filters import A_DAY
from leads.keyset import page
from leads.models import AuditEvent
from leads.spreadsheet import csv_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = 50
# What the guard's records must cover: a file of more is asked for by period.
MOST_IN_A_FILE = 200_000
COLUMNS = ("at", "who", "action", "subject", "lead", "before", "after", "reason")


class AuditFilter(forms.Form):
    """Who, what, about what, in which days (both included, in UTC)."""

    actor = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Who"),
        required=False,
        to_field_name="username",
        empty_label=gettext_lazy("anybody"),
    )
    action = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    subject = forms.CharField(
        label=gettext_lazy("About"),
        required=False,
        max_length=80,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": gettext_lazy("lead 12, guard_rule, +12125550142")}
        ),
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=DayInput, validators=A_DAY)
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=DayInput, validators=A_DAY)

    def __init__(self, data: Mapping[str, Any], *, viewer: User, actions: list[str]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.fields["actor"].queryset = User.objects.visible_to(viewer).order_by("username")  # type: ignore[attr-defined]
        groups = sorted({action.partition(".")[0] + "." for action in actions})
        choices: Any = self.fields["action"]
        choices.choices = [
            ("", _("anything")),
            (_("All of a kind"), [(group, _("%s: all") % _words(group)) for group in groups]),
            (_("One deed"), [(action, _words(action)) for action in sorted(actions)]),
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        since, until = said.get("since"), said.get("until")
        if since and until and since > until:
            self.add_error("until", _("Expected a day on or after %(since)s.") % {"since": since})
        return said

    def narrow(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        said = self.cleaned_data
        if said["actor"]:
            events = events.filter(actor=said["actor"])
        if said["action"]:
            lookup = "action__startswith" if said["action"].endswith(".") else "action"
            events = events.filter(**{lookup: said["action"]})
        if said["since"]:
            events = events.filter(at__gte=_starts(said["since"]))
        if said["until"]:
            events = events.filter(at__lt=_starts(said["until"] + timedelta(days=1)))
        return events.filter(_about(said["subject"])) if said["subject"] else events


def _starts(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _about(text: str) -> Q:
    """ "lead 12" or "lead:12": that one; a word: all of its kind; a number: whatever has this id."""
    kind, _gap, key = text.strip().replace(":", " ").replace("#", " ").partition(" ")
    if key.strip():
        named = Q(subject_type=kind.lower(), subject_id=key.strip())
        is_lead = kind.lower() == "lead" and key.strip().isdecimal() and len(key.strip()) < 18
        return named | Q(lead=int(key)) if is_lead else named
    return Q(subject_id=kind) | Q(subject_type=kind.lower())


def _words(action: str) -> str:
    return action.rstrip(".").replace("_", " ").replace(".", ": ")


@managers_only
@require_safe
def compliance_audit(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Managers and admins: the trail, the latest first, filtered; `?format=csv`: all of it as a file."""
    visible = AuditEvent.objects.visible_to(request.user)
    actions = list(AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct())
    form = AuditFilter(request.GET, viewer=request.user, actions=actions)  # type: ignore[arg-type]
    if not form.is_valid():
        return render(request, "compliance/audit.html", {"form": form}, status=400)
    events = form.narrow(visible).order_by("-at", "-pk")
    if request.GET.get("format") == "csv":
        return _file(events)
    after, before = place_of(request.GET)
    found = page(events.select_related("actor", "lead"), size=ROWS, after=after, before=before)
    context = {
        "form": form,
        "events": [_told(event) for event in found.rows],
        "count": count_in_words(events),
        "is_filtered": bool(query_of(request.GET)),
        **urls_beside(request.GET, found),
    }
    return render(request, "compliance/audit.html", context)


def _told(event: AuditEvent) -> dict[str, Any]:
    keys = list(dict.fromkeys([*event.before, *event.after]))
    return {
        "event": event,
        "done": _words(event.action),
        "changes": [
            {
                "field": key.replace("_", " "),
                "before": _shown(event.before.get(key)),
                "after": _shown(event.after.get(key)),
                "had": key in event.before,
                "has": key in event.after,
            }
            for key in keys
        ],
    }


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _file(events: QuerySet[AuditEvent]) -> StreamingHttpResponse:
    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode()  # tells spreadsheets that this is UTF-8
        yield from (line.encode() for line in csv_lines([COLUMNS]))
        rows = events.select_related("actor")[:MOST_IN_A_FILE]
        for event in rows.iterator(chunk_size=1000):
            cells = [
                event.at.isoformat(),
                event.actor.username if event.actor else "",
                event.action,
                f"{event.subject_type} {event.subject_id}",
                str(event.lead_id or ""),
                json.dumps(event.before, ensure_ascii=False),
                json.dumps(event.after, ensure_ascii=False),
                event.reason,
            ]
            yield from (line.encode() for line in csv_lines([cells]))

    name = f"thaw-audit-trail-{timezone.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
