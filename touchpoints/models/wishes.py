"""What people wished of us and what they held against us: requests to stop found in their messages, complaints."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead


class WishQuerySet(models.QuerySet["Wish"]):
    def visible_to(self, user: models.Model) -> WishQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def open(self) -> WishQuerySet:
        return self.filter(state=Wish.State.OPEN)


class Wish(models.Model):
    """A request to stop, read in a message of the lead's. Until a person decides, a proposed entry of our own list
    blocks every call."""

    class Kind(models.TextChoices):
        STOP = "stop", _("asks us to stop")
        HINT = "hint", _("may ask us to stop")
        NEWSLETTER = "newsletter", _("wants no more mail")

    class State(models.TextChoices):
        OPEN = "open", _("to be decided")
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("message withdrawn")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="wishes")
    touchpoint = models.OneToOneField(
        "touchpoints.Touchpoint", null=True, blank=True, on_delete=models.SET_NULL, related_name="wish"
    )
    suppression = models.ForeignKey(
        "leads.Suppression", null=True, blank=True, on_delete=models.SET_NULL, related_name="wishes"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    word = models.CharField(_("word"), max_length=60)
    message = models.TextField(
        _("message"), help_text=_("As it came: what it is corrected to changes nothing.")
    )
    said_at = models.DateTimeField(_("written at"))
    found_at = models.DateTimeField(_("found at"))
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = WishQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "-pk"]
        indexes = [
            models.Index(fields=["lead"], name="wish_lead"),
            models.Index(fields=["found_at"], name="wish_open", condition=Q(state="open")),
        ]
        verbose_name_plural = _("wishes")

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.word}"


class ComplaintQuerySet(models.QuerySet["Complaint"]):
    def visible_to(self, user: models.Model) -> ComplaintQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def open(self) -> ComplaintQuerySet:
        return self.filter(status=Complaint.Status.OPEN)


class Complaint(models.Model):
    """A lead said that they will report us, or complained; the call it is about keeps the guard's verdict as proof."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", _("closed")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="complaints")
    call = models.ForeignKey(
        "touchpoints.CallAttempt", null=True, blank=True, on_delete=models.SET_NULL, related_name="complaints"
    )
    said = models.TextField(_("what they said"))
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(_("state"), max_length=8, choices=Status, default=Status.OPEN)
    handled_at = models.DateTimeField(_("handled at"), null=True, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    handling = models.TextField(_("what was done"), blank=True)

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["lead"], name="complaint_lead"),
            models.Index(fields=["at"], name="complaint_open", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.at:%Y-%m-%d}"
