"""What holds for the whole workspace: one row of settings, and the record of who changed what."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.zones_field import validate_zone


class Workspace(models.Model):
    """The one row of settings a workspace has; created by a migration, read with `Workspace.current()`."""

    name = models.CharField(_("name"), max_length=120, default="Thaw")
    seller_name = models.CharField(
        _("our company"), max_length=120, blank=True, help_text=_("As said on the phone.")
    )
    region = models.CharField(
        _("country"), max_length=2, default="US", help_text=_("For numbers typed without +.")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    language = models.CharField(_("language"), max_length=8, default="en")
    enquiry_is_consent = models.BooleanField(_("an enquiry counts as consent to be called"), default=True)
    mobile_hit_blocks = models.BooleanField(_("a registry hit on a business mobile blocks"), default=False)
    securities_firm = models.BooleanField(_("securities firm (FINRA 3230)"), default=False)
    trades = models.JSONField(
        _("trades with an exemption"),
        default=list,
        blank=True,
        help_text=_("What we sell of what a guard rule exempts, such as insurance in Denmark."),
    )
    per_day_cap = models.PositiveSmallIntegerField(_("dials a day per lead"), default=2)
    per_week_cap = models.PositiveSmallIntegerField(_("dials in 7 days per lead"), default=5)
    min_gap_minutes = models.PositiveSmallIntegerField(_("minutes between dials to one number"), default=120)
    busy_gap_minutes = models.PositiveSmallIntegerField(_("minutes to wait after busy"), default=30)
    lease_seconds = models.PositiveSmallIntegerField(_("seconds a served lead is held"), default=180)
    undo_seconds = models.PositiveSmallIntegerField(_("seconds to take an outcome back"), default=10)
    meetings_goal = models.PositiveSmallIntegerField(_("meetings a week, per rep"), default=3)
    number_lookups_an_hour = models.PositiveSmallIntegerField(
        _("look-ups of single numbers an hour, per person"),
        default=30,
        help_text=_(
            "A look-up tells what a registry holds of a number, so nobody may ask for many; 0: none."
        ),
    )
    speed_goal_minutes = models.PositiveSmallIntegerField(
        _("minutes to the first call of a hand-raiser"), default=5
    )

    calling_number = models.CharField(
        _("number we call from"),
        max_length=20,
        blank=True,
        help_text=_("Where a user has none of their own."),
    )
    evidence_years = models.PositiveSmallIntegerField(
        _("years the records of calls are kept"),
        default=5,
        help_text=_("Never less than the guard rules ask for."),
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_workspace")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> Workspace:
        return cls.objects.get(pk=1)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: models.Model) -> AuditEventQuerySet:
        """Admins see all. Others what befell leads they may see, what their team did where no lead is concerned,
        and what binds everybody: rules and registries."""
        if user.is_admin:  # type: ignore[attr-defined]
            return self
        leads = apps.get_model("leads", "Lead").objects.visible_to(user)
        colleagues = get_user_model().objects.visible_to(user)  # type: ignore[attr-defined]
        return self.filter(
            Q(lead__in=leads.order_by())
            | Q(lead=None, actor__in=colleagues.order_by())
            | Q(lead=None, subject_type__in=["guard_rule", "registry_load"])
        )


class AuditEvent(models.Model):
    """One change somebody made that must be explained later: who, when, what, from, to, why."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    action = models.CharField(_("action"), max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    lead = models.ForeignKey(
        "leads.Lead", null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="audit_subject"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"
