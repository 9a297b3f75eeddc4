"""Which numbers exist, and whose they are."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _


class NumberQuerySet(models.QuerySet["Number"]):
    def with_shared(self) -> NumberQuerySet:
        """Annotate `shared`: two or more people use the number now."""
        return self.annotate(users=Count("links", filter=Q(links__detached_at=None), distinct=True)).annotate(
            shared=models.Case(
                models.When(users__gte=2, then=models.Value(True)),
                default=models.Value(False),
                output_field=models.BooleanField(),
            )
        )


class Number(models.Model):
    """A phone number in E.164, known once however many people answer it."""

    class LineType(models.TextChoices):
        MOBILE = "mobile", _("mobile")
        FIXED = "fixed", _("landline")
        VOIP = "voip", _("VoIP")
        TOLL_FREE = "toll_free", _("toll-free")
        PREMIUM = "premium", _("premium rate")
        UNKNOWN = "unknown", _("unknown")

    class Status(models.TextChoices):
        OK = "ok", _("in use")
        INVALID = "invalid", _("disconnected")

    e164 = models.CharField(_("number"), max_length=16, unique=True)
    region = models.CharField(_("country"), max_length=2, blank=True)
    line_type = models.CharField(_("line type"), max_length=10, choices=LineType, default=LineType.UNKNOWN)
    line_type_source = models.CharField(max_length=40, blank=True)
    line_type_on = models.DateField(null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OK)
    status_at = models.DateTimeField(null=True, blank=True)
    registry_hits = models.JSONField(default=list, blank=True, help_text=_("Filled by the scrub."))

    objects = NumberQuerySet.as_manager()

    def __str__(self) -> str:
        return self.e164

    @property
    def registered_with(self) -> list[tuple[str, date]]:
        """The do-not-call registries it was found on, each with the date of the list."""
        return [(hit["registry"], date.fromisoformat(hit["list_date"])) for hit in self.registry_hits]


class LeadNumberQuerySet(models.QuerySet["LeadNumber"]):
    def current(self) -> LeadNumberQuerySet:
        return self.filter(detached_at=None)

    def with_shared(self) -> LeadNumberQuerySet:
        """Annotate `shared`: somebody else uses the number too."""
        others = LeadNumber.objects.filter(number=OuterRef("number"), detached_at=None).exclude(
            lead=OuterRef("lead")
        )
        return self.annotate(shared=Exists(others))


class LeadNumber(models.Model):
    """A number as one lead's: under a label, at an extension, in the order we try them."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="lead_numbers")
    number = models.ForeignKey(Number, on_delete=models.PROTECT, related_name="links")
    extension = models.CharField(_("extension"), max_length=20, blank=True)
    label = models.CharField(_("label"), max_length=40, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    raw = models.CharField(_("as typed"), max_length=120, blank=True)
    region_used = models.CharField(max_length=2, blank=True)
    detached_at = models.DateTimeField(null=True, blank=True)
    detached_reason = models.CharField(max_length=40, blank=True)

    objects = LeadNumberQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "number"], condition=Q(detached_at=None), name="number_once_per_lead"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.label}".strip()
