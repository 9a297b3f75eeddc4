"""How we go on reaching a lead: cadences, pursuits, follow-ups, tasks, promises and call blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead

if TYPE_CHECKING:
    from datetime import datetime


class Channel(models.TextChoices):
    CALL = "call", _("call")
    MAIL = "mail", _("mail")
    TEXT = "text", _("text")
    SOCIAL = "social", _("social message")
    VISIT = "visit", _("visit")


class Cadence(models.Model):
    """One version of a plan that places attempts 1 to `target`. Used versions are never edited."""

    key = models.SlugField(_("key"), max_length=40)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=80)
    temperature = models.CharField(_("temperature"), max_length=4, choices=Lead.Temperature)
    audience = models.CharField(_("audience"), max_length=10, choices=Lead.Audience)
    target = models.PositiveSmallIntegerField(_("target"), default=18, validators=[MinValueValidator(1)])
    recycle_after_days = models.PositiveSmallIntegerField(_("recycle after days"), default=180)
    is_default = models.BooleanField(_("default"), default=False)
    segment = models.ForeignKey(
        "leads.Segment",
        verbose_name=_("segment of leads"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="cadences",
        help_text=_("Pursuits of these leads follow it instead of the default."),
    )
    position = models.PositiveSmallIntegerField(
        _("order"), default=0, help_text=_("Of two whose segments hold a lead, the lower one.")
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="cadence_version"),
            models.UniqueConstraint(
                fields=["temperature", "audience"],
                condition=Q(is_default=True, active=True),
                name="one_default_cadence",
            ),
            models.CheckConstraint(condition=Q(target__gte=1), name="cadence_has_target"),
            models.UniqueConstraint(
                fields=["key"], condition=Q(active=True), name="one_active_version_a_cadence"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class CadenceStep(models.Model):
    """One step of a cadence: how many business days after the one before, and over which channel."""

    cadence = models.ForeignKey(Cadence, on_delete=models.CASCADE, related_name="steps")
    step = models.PositiveSmallIntegerField(_("step"))
    wait_days = models.PositiveSmallIntegerField(_("business days since the one before"))
    phase = models.CharField(_("phase"), max_length=20, blank=True)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.CALL)
    day_parts = models.JSONField(_("day parts"), default=list, blank=True)
    text = models.TextField(_("prepared text"), blank=True)

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["cadence", "step"], name="cadence_step")]

    def __str__(self) -> str:
        return f"{self.cadence} #{self.step}"


class PursuitQuerySet(models.QuerySet["Pursuit"]):
    def open(self) -> PursuitQuerySet:
        return self.filter(ended_at=None)


class Pursuit(models.Model):
    """One run at reaching one lead. `step` is the place in the plan; `attempt` the number of the next attempt."""

    class EndReason(models.TextChoices):
        MEETING = "meeting", _("meeting")
        NOT_INTERESTED = "not_interested", _("not interested")
        DO_NOT_CALL = "do_not_call", _("do not call")
        DISQUALIFIED = "disqualified", _("disqualified")
        REFERRED_ON = "referred_on", _("referred on")
        LEFT_COMPANY = "left_company", _("left the company")
        NO_NUMBER = "no_number", _("no number")
        GIVEN_UP = "given_up", _("given up")
        EXHAUSTED = "exhausted", _("exhausted")
        MERGED = "merged", _("merged")
        ERASED = "erased", _("erased")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="pursuits")
    cadence = models.ForeignKey(Cadence, on_delete=models.PROTECT, related_name="pursuits")
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    temperature_at_start = models.CharField(max_length=4, choices=Lead.Temperature)
    target = models.PositiveSmallIntegerField()
    step = models.PositiveSmallIntegerField(default=1)
    attempt = models.PositiveSmallIntegerField(default=1)
    reached_at = models.DateTimeField(null=True, blank=True)
    reached_at_attempt = models.PositiveSmallIntegerField(null=True, blank=True)
    tries_since_reach = models.PositiveSmallIntegerField(default=0)
    resprinted_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_why = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=EndReason, blank=True)
    end_note = models.CharField(max_length=300, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    objects = PursuitQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at=None), name="one_open_pursuit_a_lead"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="pursuit_ends_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["started_at"], name="pursuit_started"),
            models.Index(fields=["ended_at"], name="pursuit_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.attempt} of {self.target}"


class ConnectRate(models.Model):
    """How often a human answered a team's dials, by the lead's own ISO weekday and hour; counted anew every night."""

    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, related_name="connect_rates")
    weekday = models.PositiveSmallIntegerField()
    hour = models.PositiveSmallIntegerField()
    dials = models.PositiveIntegerField()
    connects = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        ordering = ["team", "weekday", "hour"]
        constraints = [models.UniqueConstraint(fields=["team", "weekday", "hour"], name="connect_rate_once")]

    def __str__(self) -> str:
        return f"{self.weekday} {self.hour:02d}: {self.connects} of {self.dials}"


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def open(self) -> FollowUpQuerySet:
        return self.filter(closed_at=None)

    def due(self, *, now: datetime) -> FollowUpQuerySet:
        return self.open().filter(due_at__lte=now)

    def visible_to(self, user: models.Model) -> FollowUpQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))


class FollowUp(models.Model):
    """A lead's single next planned action. The rank is stored, so that the queue is one index scan."""

    class Rank(models.IntegerChoices):
        CALLBACK = 1, _("promised callback")
        HAND_RAISE = 2, _("hand-raise")
        PROMISE = 3, _("promise due")
        WARM = 4, _("warm")
        COLD = 5, _("cold")

    class Closed(models.TextChoices):
        DONE = "done", _("done")
        REPLACED = "replaced", _("replaced by another")
        CANCELLED = "cancelled", _("cancelled")
        MISSED = "missed", _("missed")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="follow_ups")
    pursuit = models.ForeignKey(
        Pursuit, null=True, blank=True, on_delete=models.CASCADE, related_name="follow_ups", db_index=False
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    step = models.PositiveSmallIntegerField(default=1)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.CALL)
    due_at = models.DateTimeField(_("due"))
    window_end = models.DateTimeField(_("until"))
    planned_for = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was to be called before its windows were missed.")
    )
    day_part = models.CharField(max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="follow_ups",
        db_index=False,
    )
    team = models.ForeignKey(
        "accounts.Team",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="follow_ups",
        db_index=False,
    )
    rank = models.PositiveSmallIntegerField(choices=Rank, default=Rank.COLD)
    rank_value = models.FloatField(default=0, help_text=_("Higher first, within the rank."))
    lifts_house_caps = models.BooleanField(default=False, help_text=_("The lead asked for this call."))
    agreed_at = models.DateTimeField(null=True, blank=True, help_text=_("The time agreed with the lead."))
    placed_at = models.DateTimeField()
    lease_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leases",
        db_index=False,
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    skipped_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_as = models.CharField(max_length=10, choices=Closed, blank=True)
    closed_why = models.CharField(max_length=200, blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(closed_at=None), name="one_open_follow_up_a_lead"
            ),
            models.CheckConstraint(condition=Q(window_end__gt=models.F("due_at")), name="follow_up_window"),
        ]
        indexes = [
            models.Index(
                fields=["assignee", "rank", "-rank_value", "due_at", "id"],
                name="queue_own",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["team", "rank", "-rank_value", "due_at", "id"],
                name="queue_pool",
                condition=Q(closed_at__isnull=True, assignee__isnull=True),
            ),
            models.Index(fields=["due_at"], name="follow_up_due", condition=Q(closed_at__isnull=True)),
            models.Index(
                fields=["window_end"], name="follow_up_window_end", condition=Q(closed_at__isnull=True)
            ),
            models.Index(
                fields=["lease_by"],
                name="follow_up_lease",
                condition=Q(closed_at__isnull=True, lease_by__isnull=False),
            ),
            models.Index(fields=["pursuit"], name="follow_up_pursuit"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.channel} {self.due_at:%Y-%m-%d %H:%M}"


class Skip(models.Model):
    """A served lead the rep passed over, with the reason; no attempt."""

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="skips")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)


class Task(models.Model):
    """What a person must do before a lead can go on."""

    class Kind(models.TextChoices):
        FIND_NUMBER = "find_number", _("find a number")
        FIND_NAME = "find_name", _("find a name")
        FIND_ZONE = "find_zone", _("find the time zone")
        SETTLE_MATCH = "settle_match", _("settle a match")
        RECORD_CONSENT = "record_consent", _("record consent")
        LOAD_REGISTRY = "load_registry", _("load a registry list")
        ANSWER = "answer", _("answer the lead")
        DECIDE_WISH = "decide_wish", _("decide on a request to stop")
        COMPLAINT = "complaint", _("handle a complaint")
        CUSTOMER = "customer", _("call a customer")
        LOOK_INTO = "look_into", _("look into it")

    class DoneAs(models.TextChoices):
        BY_HAND = "by_hand", _("said to be done")
        FACT = "fact", _("what was missing is there")
        CANNOT = "cannot", _("cannot be done")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    lead = models.ForeignKey(Lead, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks")
    reason = models.CharField(_("reason"), max_length=300)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    done_as = models.CharField(max_length=8, choices=DoneAs, blank=True, default="", db_default="")
    note = models.CharField(_("note"), max_length=300, blank=True, default="", db_default="")
    effects = models.JSONField(
        default=dict, blank=True, help_text=_("What finishing it changed, by which that can be taken back.")
    )
    put_off_until = models.DateTimeField(null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "kind"],
                condition=Q(done_at=None, lead__isnull=False),
                name="one_open_task_of_a_kind",
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], name="task_open", condition=Q(done_at__isnull=True)),
            models.Index(fields=["done_by", "done_at"], name="task_done", condition=Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.lead}"


class Promise(models.Model):
    """What we said we would do or send, by when: the first line of the next call."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="promises")
    call = models.ForeignKey(
        "touchpoints.CallAttempt", null=True, blank=True, on_delete=models.SET_NULL, related_name="promises"
    )
    text = models.CharField(_("promise"), max_length=300)
    due_at = models.DateTimeField(_("by"))
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="promises"
    )
    kept_at = models.DateTimeField(null=True, blank=True)
    broken_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="promise_open",
                condition=Q(kept_at__isnull=True, broken_at__isnull=True, cancelled_at__isnull=True),
            ),
            models.Index(fields=["lead"], name="promise_lead"),
        ]

    def __str__(self) -> str:
        return self.text


class CallBlock(models.Model):
    """A manageable batch of leads a rep works through in one sitting."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="call_blocks")
    name = models.CharField(_("name"), max_length=80)
    size = models.PositiveSmallIntegerField(_("size"), default=25, validators=[MinValueValidator(1)])
    lead_list = models.ForeignKey(
        "leads.LeadList", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    segment = models.ForeignKey(
        "leads.Segment", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="one_open_block_a_user")
        ]

    def __str__(self) -> str:
        return self.name
