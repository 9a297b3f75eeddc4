"""What may a rep send with an outcome, and how are local times read? In the lead's own zone, never the browser's."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.models import Suppression, Workspace

from . import spoken_time
from .models import Outcome
from .outcomes import Logged

LOCAL_TIME = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
MOST_QUESTIONS = 12
# What was typed without a connection is read by the clock of then, up to so long ago.
TYPED_WITHIN = timedelta(days=1)


class LocalTimeField(forms.CharField):
    """A wall-clock time without a zone; the form that owns it says whose clock."""

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        for pattern in LOCAL_TIME:
            try:
                return datetime.strptime(text, pattern)
            except ValueError:
                continue
        raise forms.ValidationError(
            _("“%(value)s” is not a time; expected one such as 2026-11-24T16:00."),
            code="invalid",
            params={"value": text[:40]},
        )


class OutcomeForm(forms.Form):
    """One outcome and what it asks. `zone` is the lead's: local times are read on the lead's clock.

    With `now` the time of a callback or a meeting may be said in words (`callback_words`). `callback_exact` is the same
    moment as `callback_at` with its offset: in the night in which an hour comes twice only it tells which one is meant.
    """

    outcome = forms.CharField()
    notes = forms.CharField(required=False, max_length=10_000)
    callback_at = LocalTimeField(required=False, label=_("Call back at"))
    callback_exact = forms.CharField(required=False, max_length=40)
    callback_words = forms.CharField(required=False, max_length=100)
    callback_said_at = forms.CharField(required=False, max_length=40)
    days = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, choices=[(30, "30"), (60, "60"), (90, "90")]
    )
    meeting_at = LocalTimeField(required=False, label=_("Meeting at"))
    meeting_exact = forms.CharField(required=False, max_length=40)
    meeting_words = forms.CharField(required=False, max_length=100)
    meeting_said_at = forms.CharField(required=False, max_length=40)
    meeting_title = forms.CharField(required=False, max_length=150)
    meeting_minutes = forms.IntegerField(required=False, min_value=5, max_value=600)
    meeting_place = forms.CharField(required=False, max_length=300)
    meeting_host = forms.CharField(required=False, max_length=150)
    meeting_value = forms.DecimalField(
        required=False, min_value=0, max_digits=14, decimal_places=2, localize=True, label=_("Worth")
    )
    meeting_invite = forms.BooleanField(required=False)
    promise_text = forms.CharField(required=False, max_length=300, label=_("What did we promise?"))
    promise_on = forms.DateField(required=False, label=_("By"))
    reason = forms.CharField(required=False, max_length=200)
    scope = forms.ChoiceField(
        required=False, choices=[("", ""), *[(s, s) for s in Suppression.Scope.values if s != "erased"]]
    )
    referred_first_name = forms.CharField(required=False, max_length=100)
    referred_last_name = forms.CharField(required=False, max_length=100)
    referred_phone = forms.CharField(required=False, max_length=60)
    referred_email = forms.CharField(required=False, max_length=254)

    def __init__(self, *args: Any, zone: Any, now: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = zone, now

    def clean_outcome(self) -> str:
        key = self.cleaned_data["outcome"]
        if not Outcome.objects.filter(pk=key, active=True).exists():
            raise forms.ValidationError(gettext("There is no such outcome."), code="unknown")
        return str(key)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        outcome = Outcome.objects.filter(pk=data.get("outcome")).first()
        if outcome is not None and outcome.policy == "agreed_time":
            self._read_moment(data, "callback", missing=gettext("Say when to call back."))
        if outcome is not None and outcome.ends_pursuit == "meeting":
            self._read_moment(data, "meeting", missing=gettext("Say when you meet."))
        return data

    def logged(self) -> Logged:
        """The outcome as the domain takes it, with every local time an instant."""
        data = self.cleaned_data
        return Logged(
            outcome=data["outcome"],
            notes=data["notes"],
            callback_at=self._instant(data["callback_at"]),
            days=data["days"],
            meeting=self._meeting(),
            promise=self._promise(),
            reason=data["reason"],
            referred=self._referred(),
            scope=data["scope"],
            answers=self._answers(),
            fields=self._fields(),
        )

    @classmethod
    def moment(cls, data: Any, what: str, *, zone: Any, now: datetime | None) -> datetime | None:
        """The moment in callback_at and callback_exact of a request, or in meeting_at…; None where there is none."""
        try:
            local = cls.base_fields[f"{what}_at"].clean(data.get(f"{what}_at", ""))
        except forms.ValidationError:
            return None
        if local is None:
            return None
        exact = _moment(data.get(f"{what}_exact", ""))
        if exact is not None and exact.astimezone(zone).replace(tzinfo=None) == local:
            return exact.astimezone(zone)
        return spoken_time.on_the_wall(local.date(), local.time(), zone=zone, now=now)

    def _read_moment(self, data: dict[str, Any], what: str, *, missing: str) -> None:
        """Into callback_at or meeting_at: the calendar's moment, or the one said in words."""
        name = f"{what}_at"
        if name in self.errors:
            return
        if data.get(name):
            data[name] = self.moment(self.data, what, zone=self.zone, now=self.now)
        elif self.now is not None and data.get(f"{what}_words"):
            said_at = _moment(data.get(f"{what}_said_at", "")) or self.now
            if not timedelta() <= self.now - said_at <= TYPED_WITHIN:
                said_at = self.now
            try:
                data[name] = in_words(data[f"{what}_words"], zone=self.zone, now=said_at)
            except spoken_time.Unclear as unclear:
                self.add_error(name, unclear.detail)
        else:
            self.add_error(name, missing)

    def _instant(self, local: datetime | None) -> datetime | None:
        if local is None or local.tzinfo is not None:
            return local
        return spoken_time.on_the_wall(local.date(), local.time(), zone=self.zone, now=self.now)

    def _meeting(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        if not data["meeting_at"]:
            return None
        return {
            "starts_at": self._instant(data["meeting_at"]),
            "title": data["meeting_title"],
            "minutes": data["meeting_minutes"],
            "place": data["meeting_place"],
            "host": data["meeting_host"],
            "value": data["meeting_value"],
            "invite": data["meeting_invite"],
        }

    def _promise(self) -> dict[str, Any] | None:
        text, day = self.cleaned_data["promise_text"], self.cleaned_data["promise_on"]
        if not text:
            return None
        due_at = datetime.combine(day, time(12), tzinfo=self.zone) if day else None
        return {"text": text, "due_at": due_at}

    def _referred(self) -> dict[str, Any] | None:
        names = ("first_name", "last_name", "phone", "email")
        found = {name: self.cleaned_data[f"referred_{name}"].strip() for name in names}
        return {name: value for name, value in found.items() if value} or None

    def _answers(self) -> dict[str, str]:
        """question_1 with answer_1 and so on: the talk track's questions as they were asked."""
        pairs = (
            (self.data.get(f"question_{n}"), self.data.get(f"answer_{n}"))
            for n in range(1, MOST_QUESTIONS + 1)
        )
        return {question[:300]: answer[:2000] for question, answer in pairs if question and answer}

    def _fields(self) -> dict[str, str]:
        """question_1 with field_1 and so on: under which names the answers are kept."""
        pairs = (
            (self.data.get(f"question_{n}"), slugify(self.data.get(f"field_{n}", ""), allow_unicode=True))
            for n in range(1, MOST_QUESTIONS + 1)
        )
        return {question[:300]: field[:60] for question, field in pairs if question and field}


def in_words(text: str, *, zone: Any, now: datetime) -> datetime:
    """The moment said in words on the lead's clock, in the workspace's order of day and month; raises
    `spoken_time.Unclear`."""
    month_first = Workspace.current().region == "US"
    return spoken_time.moment(text, zone=zone, now=now, month_first=month_first)


def _moment(text: str) -> datetime | None:
    """A moment with its offset; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
