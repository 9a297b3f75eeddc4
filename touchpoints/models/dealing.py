"""Who was given whose leads, why, and what of it was taken back?"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models import Lead


class ReassignmentQuerySet(models.QuerySet["Reassignment"]):
    def visible_to(self, user: models.Model) -> ReassignmentQuerySet:
        """Admins see all, managers what befell leads of their team, reps nothing."""
        if user.is_admin:  # type: ignore[attr-defined]
            return self
        if not user.is_manager or user.team_id is None:  # type: ignore[attr-defined]
            return self.none()
        return self.filter(team=user.team_id)  # type: ignore[attr-defined]


class Reassignment(models.Model):
    """Leads of one person that were given on at once; its rows say which, to whom, and what was moved for it."""

    class Cause(models.TextChoices):
        DEALT = "dealt", _("dealt out")
        IDLE = "idle", _("nobody worked them")
        LEFT = "left", _("their owner left")

    class Method(models.TextChoices):
        ROUND_ROBIN = "round_robin", _("everybody in turn")
        LEAST_LOADED = "least_loaded", _("whoever has least to do")
        POOL = "pool", _("back to the pool")

    cause = models.CharField(max_length=8, choices=Cause)
    method = models.CharField(_("how"), max_length=12, choices=Method)
    days = models.PositiveSmallIntegerField(_("spread over days"), default=0)
    giver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.CASCADE, related_name="reassignments"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ReassignmentQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["team", "-at"], name="reassignment_team")]

    def __str__(self) -> str:
        return f"{self.giver}: {self.get_cause_display()}"


class ReassignedLead(models.Model):
    """One lead that was given on: from whom to whom, and from when to when its next call was moved."""

    reassignment = models.ForeignKey(Reassignment, on_delete=models.CASCADE, related_name="rows")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="reassignments")
    from_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    from_team = models.ForeignKey("accounts.Team", null=True, on_delete=models.SET_NULL, related_name="+")
    to_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    to_team = models.ForeignKey("accounts.Team", null=True, on_delete=models.SET_NULL, related_name="+")
    follow_up = models.ForeignKey(
        "touchpoints.FollowUp", null=True, on_delete=models.SET_NULL, related_name="reassignments"
    )
    due_before = models.DateTimeField(null=True)
    until_before = models.DateTimeField(null=True)
    due_after = models.DateTimeField(null=True)
    until_after = models.DateTimeField(null=True)
    given_back_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["reassignment", "lead"], name="once_in_a_reassignment")
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.from_owner_id} → {self.to_owner_id}"


class IdleNotice(models.Model):
    """An owner was told that a lead goes back to the pool unless somebody works it. Gone once it is worked."""

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, related_name="idle_notice")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="idle_notices")
    told_at = models.DateTimeField()
    returns_at = models.DateTimeField(_("back to the pool at"))

    class Meta:
        ordering = ["returns_at", "pk"]
        indexes = [models.Index(fields=["returns_at"], name="idle_notice_due")]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.returns_at:%Y-%m-%d}"
