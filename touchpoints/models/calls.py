"""What a call was and what came of it: outcomes, attempts and their dials, meetings, stages, talk tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead

from .evidence import Direction
from .pursuit import CallBlock, FollowUp, Pursuit

if TYPE_CHECKING:
    from datetime import datetime


class Outcome(models.Model):
    """The result of an attempt: flags, a named next-step policy with parameters, and its effects."""

    key = models.SlugField(_("key"), max_length=40, primary_key=True)
    hotkey = models.CharField(_("hotkey"), max_length=1, unique=True)
    label = models.CharField(_("label"), max_length=80)
    connect = models.BooleanField(_("connect"), default=False)
    reach = models.BooleanField(_("reach"), default=False)
    conversation = models.BooleanField(_("conversation"), default=False)
    policy = models.CharField(_("next step"), max_length=40)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    ends_pursuit = models.CharField(
        _("ends the pursuit"), max_length=16, choices=Pursuit.EndReason, blank=True
    )
    sets_cooled = models.BooleanField(_("earlier evidence no longer counts"), default=False)
    touchpoint_kind = models.ForeignKey(
        "touchpoints.TouchpointKind", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    dangerous = models.BooleanField(_("asks for a second key"), default=False)
    common = models.BooleanField(_("shown first on a phone"), default=False)
    builtin = models.BooleanField(default=True, editable=False)
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.label


class TalkTrackQuerySet(models.QuerySet["TalkTrack"]):
    def in_use(self) -> TalkTrackQuerySet:
        """The approved version of each track: what reps see on their calls."""
        return self.filter(active=True, approved_at__isnull=False)

    def drafts(self) -> TalkTrackQuerySet:
        return self.filter(active=True, approved_at=None)


class TalkTrack(models.Model):
    """One version of what we say to some leads: a draft until a manager approves it, and then never changed.

    `active` is off for versions that a later one has replaced and for tracks out of use.
    """

    key = models.SlugField(_("key"), max_length=80, allow_unicode=True)
    name = models.CharField(_("name"), max_length=80)
    version = models.PositiveIntegerField(default=1)
    language = models.CharField(_("language"), max_length=8, default="en")
    segment = models.ForeignKey(
        "leads.Segment",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="talk_tracks",
        verbose_name=_("segment of leads"),
        help_text=_("Only for these leads, before what is for everybody."),
    )
    for_all = models.BooleanField(
        _("for everybody"), default=True, help_text=_("A track whose segment was deleted is for nobody.")
    )
    position = models.PositiveSmallIntegerField(
        _("order"), default=0, help_text=_("Of two that fit a lead, the lower one.")
    )
    opening = models.TextField(_("opening"), blank=True)
    intro = models.TextField(_("who we are and why we call"), blank=True)
    pitch = models.TextField(_("pitch"), blank=True)
    questions = models.JSONField(
        _("discovery questions"),
        default=list,
        blank=True,
        help_text=_("[{field, question, tip, answers: [{answer, tip}]}]"),
    )
    objections = models.JSONField(
        _("objections"), default=list, blank=True, help_text=_("[{objection, answer}]")
    )
    voicemail = models.JSONField(
        _("voicemail"), default=list, blank=True, help_text=_("[{text, offer}], one an attempt")
    )
    disclosures = models.JSONField(
        _("disclosures"), default=dict, blank=True, help_text=_("{place: text}, * for everywhere")
    )
    drafted_at = models.DateTimeField(null=True, blank=True)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    active = models.BooleanField(_("active"), default=True)

    objects = TalkTrackQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="talk_track_version_once"),
            models.UniqueConstraint(
                fields=["key"], condition=Q(active=True, approved_at=None), name="one_draft_a_talk_track"
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(active=True, approved_at__isnull=False),
                name="one_version_in_use_a_talk_track",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_draft(self) -> bool:
        return self.active and self.approved_at is None

    @property
    def is_in_use(self) -> bool:
        return self.active and self.approved_at is not None


class CallAttemptQuerySet(models.QuerySet["CallAttempt"]):
    def visible_to(self, user: models.Model) -> CallAttemptQuerySet:
        """Whoever made the call, and whoever may see the lead now."""
        return self.filter(Q(user=user) | Q(lead__in=Lead.objects.visible_to(user)))

    def open(self) -> CallAttemptQuerySet:
        return self.filter(ended_at=None)

    def outbound(self) -> CallAttemptQuerySet:
        return self.filter(direction=Direction.OUTBOUND)


class CallAttempt(models.Model):
    """One attempt by a rep, with exactly one outcome. Redials of a dropped call are further dials of it."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="calls", db_index=False)
    pursuit = models.ForeignKey(
        Pursuit, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    follow_up = models.ForeignKey(
        FollowUp, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    block = models.ForeignKey(
        CallBlock, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="calls", db_index=False
    )
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    number = models.ForeignKey(
        "leads.Number", null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    number_digest = models.CharField(
        max_length=64, blank=True, help_text=_("Instead of the number, once its person was erased.")
    )
    calling_number = models.CharField(
        max_length=20, blank=True, help_text=_("The number we called from, as it was then.")
    )
    direction = models.CharField(max_length=8, choices=Direction, default=Direction.OUTBOUND)
    attempt = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=_("Number within the pursuit; blank for follow-up calls after the reach."),
    )
    target = models.PositiveSmallIntegerField(default=18)
    outcome = models.ForeignKey(
        Outcome, null=True, blank=True, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    notes = models.TextField(_("note"), blank=True)
    guard = models.JSONField(
        default=dict, blank=True, help_text=_("The verdict at dial time, as it was given.")
    )
    guard_lists = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Which do-not-call lists the verdict went by: [{registry, list_date, loaded, hit}]."),
    )
    warn_reason = models.CharField(max_length=300, blank=True)
    breach = models.BooleanField(default=False)
    historical = models.BooleanField(default=False)
    recording_url = models.URLField(max_length=500, blank=True)
    source = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    temperature = models.CharField(max_length=4, choices=Lead.Temperature, default=Lead.Temperature.COLD)
    local_weekday = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("ISO, in the lead's time.")
    )
    local_hour = models.PositiveSmallIntegerField(null=True, blank=True)
    talk_track = models.ForeignKey(
        TalkTrack, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    disclosures = models.JSONField(
        default=list,
        blank=True,
        help_text=_("What the law wants said first, as it stood on the screen: [{place, text}]."),
    )
    voicemail = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Which of the talk track's voicemail texts was left.")
    )
    effects = models.JSONField(
        default=dict, blank=True, help_text=_("What logging the outcome did, so that it can be taken back.")
    )

    objects = CallAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at=None, direction="outbound"), name="one_open_call_a_rep"
            ),
            models.UniqueConstraint(
                fields=["pursuit", "attempt"],
                condition=Q(attempt__isnull=False, pursuit__isnull=False),
                name="attempt_number_once",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="call_once_per_source"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome__isnull=True) | Q(ended_at__isnull=False),
                name="open_calls_have_no_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-started_at"], name="call_lead"),
            models.Index(fields=["user", "-started_at"], name="call_user"),
            models.Index(fields=["started_at"], name="call_started"),
            models.Index(fields=["started_at"], name="call_open", condition=Q(ended_at__isnull=True)),
            models.Index(fields=["number_digest"], name="call_digest", condition=~Q(number_digest="")),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.started_at:%Y-%m-%d %H:%M} {self.outcome_id or 'open'}"


class Dial(models.Model):
    """One dial of one number: what the law's caps count, across every lead that shares the number."""

    call = models.ForeignKey(CallAttempt, on_delete=models.CASCADE, related_name="dials")
    number = models.ForeignKey(
        "leads.Number", null=True, on_delete=models.SET_NULL, related_name="dials", db_index=False
    )
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="dials", db_index=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["number", "-at"], name="dial_number"),
            models.Index(fields=["lead", "-at"], name="dial_lead"),
        ]


class BlockedDial(models.Model):
    """A dial the guard refused; no attempt, but proof."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="blocked_dials")
    number = models.ForeignKey("leads.Number", null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    guard = models.JSONField()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["-at"], name="blocked_at")]


class OutcomeChange(models.Model):
    """An outcome taken back or amended: from, to, who, when. The call's row stays."""

    call = models.ForeignKey(CallAttempt, on_delete=models.CASCADE, related_name="outcome_changes")
    before = models.ForeignKey(Outcome, null=True, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(Outcome, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at"]


class StageChange(models.Model):
    """A lead's move from one stage to another, through the one door."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="stage_changes", db_index=False)
    at = models.DateTimeField()
    before = models.CharField(max_length=14, choices=Lead.Stage)
    after = models.CharField(max_length=14, choices=Lead.Stage)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    why = models.CharField(max_length=60, blank=True)
    call = models.ForeignKey(CallAttempt, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["lead", "-at"], name="stage_lead"),
            models.Index(fields=["at"], name="stage_at"),
        ]


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: models.Model) -> MeetingQuerySet:
        return self.filter(Q(host=user) | Q(booked_by=user) | Q(lead__in=Lead.objects.visible_to(user)))

    def upcoming(self, *, now: datetime) -> MeetingQuerySet:
        return self.filter(status=Meeting.Status.BOOKED, starts_at__gt=now)


class Meeting(models.Model):
    """An appointment a call led to: what all of this is for."""

    class Status(models.TextChoices):
        BOOKED = "booked", _("booked")
        HELD = "held", _("held")
        NO_SHOW = "no_show", _("no-show")
        MOVED = "moved", _("moved")
        CANCELLED = "cancelled", _("cancelled")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="meetings")
    pursuit = models.ForeignKey(
        Pursuit, null=True, blank=True, on_delete=models.SET_NULL, related_name="meetings"
    )
    call = models.ForeignKey(
        CallAttempt, null=True, blank=True, on_delete=models.SET_NULL, related_name="meetings"
    )
    title = models.CharField(_("title"), max_length=150)
    starts_at = models.DateTimeField(_("starts"))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=30)
    place = models.CharField(_("place or link"), max_length=300, blank=True)
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="meetings"
    )
    booked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    booked_at = models.DateTimeField()
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2, null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.BOOKED)
    status_at = models.DateTimeField(null=True, blank=True)
    moved_from = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="moved_to"
    )
    uid = models.CharField(
        max_length=60,
        blank=True,
        help_text=_("What calendars know the meeting by, however often it is moved."),
    )
    invite_due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The calendar file goes out by mail from then on.")
    )
    invited_at = models.DateTimeField(null=True, blank=True)
    invite_tries = models.PositiveSmallIntegerField(default=0)
    invite_error = models.CharField(max_length=300, blank=True)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        indexes = [
            models.Index(
                fields=["invite_due_at"],
                name="meeting_invite_due",
                condition=Q(invite_due_at__isnull=False),
            ),
            models.Index(
                fields=["host", "starts_at"], name="meeting_unsettled", condition=Q(status="booked")
            ),
            models.Index(fields=["starts_at"], name="meeting_starts"),
            models.Index(fields=["booked_at"], name="meeting_booked"),
        ]

    def __str__(self) -> str:
        return self.title


class Answer(models.Model):
    """What a lead answered to a discovery question, kept for the next call under the question's own name."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="answers")
    field = models.CharField(
        max_length=60, help_text=_("What is known by it, whatever the wording and the language.")
    )
    question = models.CharField(max_length=300, help_text=_("As it was asked."))
    answer = models.TextField()
    call = models.ForeignKey(
        CallAttempt, null=True, blank=True, on_delete=models.SET_NULL, related_name="answers"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["lead", "field"], name="one_answer_a_field")]
