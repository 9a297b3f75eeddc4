"""What happened between a lead and us, what it means for warmth, and how the temperature changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead

if TYPE_CHECKING:
    from typing import Any


class Direction(models.TextChoices):
    INBOUND = "inbound", _("inbound (they acted)")
    OUTBOUND = "outbound", _("outbound (we did)")


class TouchpointKind(models.Model):
    """A kind of touchpoint; the built-in ones come from a migration and cannot be deleted."""

    key = models.SlugField(_("key"), max_length=40, primary_key=True)
    label = models.CharField(_("label"), max_length=80)
    direction = models.CharField(
        _("usual direction"), max_length=8, choices=Direction, default=Direction.INBOUND
    )
    hand_raise = models.BooleanField(
        _("hand-raise"), default=False, help_text=_("They asked to be contacted.")
    )
    icon = models.CharField(_("icon"), max_length=40, blank=True)
    builtin = models.BooleanField(default=False, editable=False)
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "key"]

    def __str__(self) -> str:
        return self.label


class TouchpointQuerySet(models.QuerySet["Touchpoint"]):
    def visible_to(self, user: models.Model) -> TouchpointQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def waiting(self) -> TouchpointQuerySet:
        """Stored, not yet evaluated, and not set aside."""
        return self.filter(evaluated_at=None, set_aside_at=None)

    def set_aside(self) -> TouchpointQuerySet:
        """Their evaluation failed too often: they count for nothing until somebody has them tried again."""
        return self.filter(set_aside_at__isnull=False)


class Touchpoint(models.Model):
    """One dated contact between a lead and us: the evidence warmth is computed from."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="touchpoints", db_index=False)
    kind = models.ForeignKey(
        TouchpointKind, on_delete=models.PROTECT, related_name="touchpoints", db_column="kind", db_index=False
    )
    direction = models.CharField(_("direction"), max_length=8, choices=Direction)
    occurred_at = models.DateTimeField(_("when"))
    source = models.CharField(_("source"), max_length=80, blank=True)
    external_id = models.CharField(_("external id"), max_length=200, blank=True)
    network = models.CharField(_("network"), max_length=40, blank=True)
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    summary = models.CharField(_("summary"), max_length=500, blank=True)
    referred_by = models.CharField(_("referred by"), max_length=200, blank=True)
    by = models.CharField(_("by (our side)"), max_length=120, blank=True, help_text=_("Which of our people."))
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    url = models.URLField(_("link"), max_length=500, blank=True)
    data = models.JSONField(default=dict, blank=True)
    historical = models.BooleanField(_("historical"), default=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    evaluated_at = models.DateTimeField(null=True, blank=True)
    evaluation_tries = models.PositiveSmallIntegerField(default=0)
    evaluation_error = models.CharField(max_length=500, blank=True)
    set_aside_at = models.DateTimeField(null=True, blank=True)

    objects = TouchpointQuerySet.as_manager()

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="touchpoint_once_per_source",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-occurred_at"], name="touchpoint_lead"),
            models.Index(
                fields=["recorded_at"],
                name="touchpoint_waiting",
                condition=Q(evaluated_at__isnull=True, set_aside_at__isnull=True),
            ),
            models.Index(
                fields=["set_aside_at"], name="touchpoint_set_aside", condition=Q(set_aside_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind_id} {self.occurred_at:%Y-%m-%d}"


class UnmatchedQuerySet(models.QuerySet["UnmatchedTouchpoint"]):
    def open(self) -> UnmatchedQuerySet:
        return self.filter(settled_at=None)


class UnmatchedTouchpoint(models.Model):
    """A touchpoint whose identity points at more than one lead: it waits in the matching inbox for a person."""

    class Settled(models.TextChoices):
        LEAD = "lead", _("attached to a lead")
        NEW = "new", _("a new lead was made")
        DISCARDED = "discarded", _("discarded")

    source = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(encoder=DjangoJSONEncoder, help_text=_("The touchpoint as it was posted."))
    why = models.CharField(max_length=300, blank=True)
    candidates = models.ManyToManyField(Lead, related_name="unmatched_touchpoints", blank=True)
    received_at = models.DateTimeField()
    received_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    settled_as = models.CharField(max_length=10, choices=Settled, blank=True)
    touchpoint = models.OneToOneField(
        Touchpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = UnmatchedQuerySet.as_manager()

    class Meta:
        ordering = ["received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="unmatched_once_per_source",
            ),
        ]
        indexes = [
            models.Index(fields=["received_at"], name="unmatched_open", condition=Q(settled_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


class WarmthRuleset(models.Model):
    """One version of the warmth rules. Exactly one is published; older ones are history."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    version = models.PositiveIntegerField(_("version"), unique=True)
    half_life_days = models.FloatField(
        _("half-life in days"), default=14, validators=[MinValueValidator(0.1)]
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="one_published_ruleset"
            ),
            models.UniqueConstraint(fields=["status"], condition=Q(status="draft"), name="one_draft_ruleset"),
            models.CheckConstraint(condition=Q(half_life_days__gt=0), name="half_life_positive"),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class WarmthRule(models.Model):
    """How long one touchpoint of a kind keeps a lead warm on its own. The first rule that matches decides."""

    ruleset = models.ForeignKey(WarmthRuleset, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(_("order"))
    kind = models.ForeignKey(TouchpointKind, on_delete=models.PROTECT, related_name="rules", db_column="kind")
    direction = models.CharField(_("direction"), max_length=8, choices=Direction, blank=True)
    network = models.CharField(_("network"), max_length=40, blank=True)
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    source = models.CharField(_("source"), max_length=80, blank=True)
    segment = models.ForeignKey(
        "leads.Segment",
        verbose_name=_("segment of leads"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rules",
    )
    segment_query = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("The segment's filter as it stood at publication: a published rule does not change."),
    )
    warms_for_days = models.FloatField(
        _("warms for days"), help_text=_("Negative: never alone, only with others.")
    )
    counts_at_most = models.PositiveSmallIntegerField(_("counts at most"), validators=[MinValueValidator(1)])
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["ruleset", "position"], name="rule_order"),
            models.CheckConstraint(condition=Q(counts_at_most__gte=1), name="rule_counts_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind_id}: {self.warms_for_days:g} d"

    @property
    def lead_query(self) -> dict[str, Any] | None:
        """The filter of leads this rule holds for: as published, else as its segment stands; None for all leads."""
        if self.segment is None:
            return None
        return self.segment.query if self.segment_query is None else self.segment_query


class TemperatureChange(models.Model):
    """One promotion (cold to warm) or cooling (warm to cold), with the evidence it rested on."""

    class Cause(models.TextChoices):
        TOUCHPOINT = "touchpoint", _("new evidence")
        CORRECTION = "correction", _("evidence corrected or withdrawn")
        DECAY = "decay", _("evidence ran out")
        REFUSAL = "refusal", _("the lead refused")
        OVERRIDE = "override", _("set by hand")
        OVERRIDE_ENDED = "override_ended", _("the setting by hand ended")
        RULE_CHANGE = "rule_change", _("rule change")
        LEAD_CHANGE = "lead_change", _("the lead came into or out of a rule's segment")
        MERGE = "merge", _("leads merged")
        UNDO = "undo", _("an outcome was taken back")

    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="temperature_changes", db_index=False
    )
    at = models.DateTimeField(_("at"))
    before = models.CharField(_("from"), max_length=4, choices=Lead.Temperature)
    after = models.CharField(_("to"), max_length=4, choices=Lead.Temperature)
    cause = models.CharField(_("why"), max_length=16, choices=Cause)
    warm_until = models.DateTimeField(null=True, blank=True)
    evidence = models.JSONField(default=list, blank=True)
    ruleset = models.ForeignKey(
        WarmthRuleset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(before=models.F("after")), name="temperature_really_changes")
        ]
        indexes = [
            models.Index(fields=["lead", "-at"], name="temperature_lead"),
            models.Index(fields=["at"], name="temperature_at"),
        ]

    def __str__(self) -> str:
        return f"{self.before} → {self.after} ({self.cause})"


class RuleChangeRun(models.Model):
    """One way through all leads after the rules changed: how far it is, what it changed, and when it was done.

    Rows are the truth: whoever finds an open run goes on where `last_lead` says.
    """

    ruleset = models.ForeignKey(WarmthRuleset, on_delete=models.PROTECT, related_name="runs")
    cause = models.CharField(
        max_length=16,
        choices=TemperatureChange.Cause,
        default=TemperatureChange.Cause.RULE_CHANGE,
    )
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    total = models.PositiveIntegerField(default=0, help_text=_("Leads when it started."))
    last_lead = models.BigIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0, help_text=_("Leads whose date moved."))
    warmed = models.PositiveIntegerField(default=0)
    cooled = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    worked_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    superseded = models.BooleanField(default=False, help_text=_("A later version took over."))

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            # Nothing but the one open run has no end: two would write over each other's counts.
            models.UniqueConstraint(models.Value(1), condition=Q(finished_at=None), name="one_open_rule_run")
        ]

    def __str__(self) -> str:
        return f"{self.ruleset}: {self.looked_at} of {self.total}"


class EvaluationFailureQuerySet(models.QuerySet["EvaluationFailure"]):
    def set_aside(self) -> EvaluationFailureQuerySet:
        """They failed too often: the leads stay as they are until somebody has them tried again."""
        return self.filter(set_aside_at__isnull=False)

    def visible_to(self, user: models.Model) -> EvaluationFailureQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))


class EvaluationFailure(models.Model):
    """A lead whose evaluation fails though no new touchpoint is to blame: by a change of rules, a correction, cooling.

    `Lead.evaluation_due_at` says when it is tried again. The row goes with the first evaluation that succeeds.
    """

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, related_name="evaluation_failure")
    cause = models.CharField(max_length=16, choices=TemperatureChange.Cause)
    tries = models.PositiveSmallIntegerField(default=1)
    error = models.CharField(max_length=500)
    failed_at = models.DateTimeField()
    set_aside_at = models.DateTimeField(null=True, blank=True)

    objects = EvaluationFailureQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.error[:40]}"


class TemperatureOverride(models.Model):
    """A temperature set by hand: decides while it lasts, until when and why are required."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="overrides")
    temperature = models.CharField(_("temperature"), max_length=4, choices=Lead.Temperature)
    starts_at = models.DateTimeField()
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(ended_at=None), name="one_override_a_lead"),
            models.CheckConstraint(condition=Q(until__gt=models.F("starts_at")), name="override_lasts"),
        ]
        indexes = [models.Index(fields=["until"], name="override_due", condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.temperature} until {self.until:%Y-%m-%d}"


class HandRaiseQuerySet(models.QuerySet["HandRaise"]):
    def unanswered(self) -> HandRaiseQuerySet:
        """Nobody has tried to call since, neither we them nor they us."""
        return self.filter(first_attempt_at=None)


class HandRaise(models.Model):
    """A lead asked to be contacted: the speed-to-lead clock of one enquiry. `offered_at`: to the whole team."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="hand_raises")
    touchpoint = models.OneToOneField(Touchpoint, on_delete=models.CASCADE, related_name="hand_raise")
    raised_at = models.DateTimeField()
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    offered_at = models.DateTimeField(null=True, blank=True)

    objects = HandRaiseQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at"]
        indexes = [
            models.Index(
                fields=["raised_at"], name="hand_raise_open", condition=Q(first_attempt_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.raised_at:%Y-%m-%d %H:%M}"


class IceBreaker(models.Model):
    """An opening line for one kind of evidence, in one language and tone."""

    kind = models.ForeignKey(
        TouchpointKind, on_delete=models.CASCADE, related_name="ice_breakers", db_column="kind"
    )
    language = models.CharField(_("language"), max_length=8)
    tone = models.CharField(_("tone"), max_length=10)
    text = models.CharField(_("text"), max_length=400)

    class Meta:
        ordering = ["kind", "language", "tone"]
        constraints = [models.UniqueConstraint(fields=["kind", "language", "tone"], name="one_line_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind_id} {self.language} {self.tone}"


class SweepRun(models.Model):
    """When each sweep last ran and what it did: what the health page and operators look at."""

    name = models.CharField(max_length=40, primary_key=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.name
