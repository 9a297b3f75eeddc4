"""Who must not be called, and what allows a call the rules would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from datetime import datetime


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def active(self) -> SuppressionQuerySet:
        """Entries that block: those that were proposed and wait for a person's decision too."""
        return self.filter(lifted_at=None)

    def proposed(self) -> SuppressionQuerySet:
        return self.active().filter(state=Suppression.State.PROPOSED)


class Suppression(models.Model):
    """An entry of our own do-not-call list. It never expires; only an admin lifts it, for a reason and with evidence.

    One that a message proposed blocks like any other until a person confirms or declines it; a declined one was
    no wish and never voided anything.
    """

    class Scope(models.TextChoices):
        NUMBER = "number", _("this number")
        PERSON = "person", _("this person")
        COMPANY = "company", _("this company")
        ERASED = "erased", _("an erased person's number")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")

    scope = models.CharField(_("scope"), max_length=8, choices=Scope)
    e164 = models.CharField(_("number"), max_length=16, blank=True)
    lead = models.ForeignKey(
        "leads.Lead", null=True, blank=True, on_delete=models.CASCADE, related_name="suppressions"
    )
    company = models.ForeignKey(
        "leads.Company", null=True, blank=True, on_delete=models.CASCADE, related_name="suppressions"
    )
    digest = models.CharField(
        max_length=64, blank=True, help_text=_("HMAC-SHA-256 of an erased person's number.")
    )
    key_id = models.CharField(max_length=16, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    channel = models.CharField(_("asked by"), max_length=40, blank=True)
    evidence = models.TextField(_("evidence"), blank=True)
    requested_at = models.DateTimeField(_("asked at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.CONFIRMED)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_reason = models.CharField(max_length=300, blank=True)
    lifted_evidence = models.TextField(blank=True, help_text=_("What shows that they agree."))

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(scope="number", lead=None, company=None, digest="") & ~Q(e164="")
                    | Q(scope="person", lead__isnull=False, company=None, e164="", digest="")
                    | Q(scope="company", company__isnull=False, lead=None, e164="", digest="")
                    | Q(scope="erased", lead=None, company=None, e164="") & ~Q(digest="")
                ),
                name="suppression_names_one_thing",
            ),
            models.UniqueConstraint(
                fields=["e164"], condition=Q(scope="number", lifted_at=None), name="number_suppressed_once"
            ),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(scope="person", lifted_at=None), name="person_suppressed_once"
            ),
            models.UniqueConstraint(
                fields=["company"],
                condition=Q(scope="company", lifted_at=None),
                name="company_suppressed_once",
            ),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(scope="erased", lifted_at=None), name="digest_suppressed_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | Q(lifted_at__isnull=False), name="declined_is_off_the_list"
            ),
        ]
        indexes = [
            models.Index(fields=["e164"], name="suppression_number", condition=~Q(e164="")),
            models.Index(
                fields=["requested_at"],
                name="suppression_proposed",
                condition=Q(state="proposed", lifted_at__isnull=True),
            ),
            # By which keys the erased were kept: asked with every look-up, since a missing key must be noticed.
            models.Index(
                fields=["key_id"], name="erased_key", condition=Q(scope="erased", lifted_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.e164 or self.lead or self.company or self.digest[:8]}"


class OwnListLoad(models.Model):
    """One file of numbers that was put on our own list: what came of each row, and who brought it.

    `rows` of a large file grows chunk by chunk, each with its entries; `claimed_until` is moved on by whoever reads it.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        LOADING = "loading", _("being loaded")
        LOADED = "loaded", _("loaded")
        REFUSED = "refused", _("refused")

    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    column = models.CharField(_("column"), max_length=120)
    region = models.CharField(_("country"), max_length=2)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    accepted = models.PositiveIntegerField(_("numbers"), default=0)
    added = models.PositiveIntegerField(_("new on the list"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    refusals = models.JSONField(default=list, blank=True, help_text=_("[{line, value, reason}]"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.LOADED)
    why = models.CharField(_("why"), max_length=300, blank=True, help_text=_("Why it was refused."))
    file = models.FileField(upload_to="own-list/", blank=True, help_text=_("Until it is loaded."))
    rows_expected = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(
                fields=["at"], name="own_list_load_open", condition=Q(status__in=("waiting", "loading"))
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ConsentQuerySet(models.QuerySet["Consent"]):
    def in_force(self, *, now: datetime) -> ConsentQuerySet:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now), revoked_at=None, starts_at__lte=now)


class Consent(models.Model):
    """A consent, a written permission or a relationship, with its evidence, from when to when."""

    class Kind(models.TextChoices):
        CONSENT = "consent", _("consent to be contacted")
        WRITTEN = "written_permission", _("signed written permission")
        PURCHASE = "purchase", _("existing customer relationship")
        ENQUIRY = "enquiry", _("enquiry")
        PERSONAL = "personal_relationship", _("personal relationship")

    class Channel(models.TextChoices):
        CALL = "call", _("calls")
        TEXT = "text", _("texts")
        MAIL = "mail", _("mail")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="consents")
    number = models.ForeignKey(
        "leads.Number", null=True, blank=True, on_delete=models.SET_NULL, related_name="consents"
    )
    kind = models.CharField(_("kind"), max_length=24, choices=Kind)
    channel = models.CharField(_("channel"), max_length=6, choices=Channel, default=Channel.CALL)
    starts_at = models.DateTimeField(_("given at"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    evidence = models.TextField(_("evidence"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["lead", "channel"], name="consent_lead")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_channel_display()})"


class Customer(models.Model):
    """Somebody who already buys from us: warned about, out of the queues, shown to the account owner."""

    name = models.CharField(_("name"), max_length=200, blank=True)
    domain = models.CharField(_("domain"), max_length=200, blank=True)
    e164 = models.CharField(_("number"), max_length=16, blank=True)
    account_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts"
    )
    since = models.DateField(_("since"), null=True, blank=True)
    added_at = models.DateTimeField(_("added at"))

    class Meta:
        ordering = ["name", "domain", "e164"]
        constraints = [
            models.UniqueConstraint(fields=["domain"], condition=~Q(domain=""), name="customer_domain_once"),
            models.UniqueConstraint(fields=["e164"], condition=~Q(e164=""), name="customer_number_once"),
            models.CheckConstraint(condition=~Q(domain="", e164=""), name="customer_is_recognisable"),
        ]

    def __str__(self) -> str:
        return self.name or self.domain or self.e164
