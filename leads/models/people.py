"""Who we may sell to: leads, their companies, the lists they came on, and who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.zones_field import validate_zone

if TYPE_CHECKING:
    from datetime import datetime


class Company(models.Model):
    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("domain"), max_length=200, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    size = models.CharField(_("size"), max_length=40, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    region = models.CharField(_("region"), max_length=10, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    website = models.CharField(_("website"), max_length=200, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name_plural = _("companies")
        ordering = ["name"]
        indexes = [
            models.Index(Upper("name"), name="company_name"),
            models.Index(fields=["domain"], name="company_domain", condition=~Q(domain="")),
        ]

    def __str__(self) -> str:
        return self.name


class LeadList(models.Model):
    """Where a lead came from: a list that was bought, built, taken from a directory, referred…"""

    class Source(models.TextChoices):
        BOUGHT = "bought", _("bought")
        BUILT = "built", _("built")
        DIRECTORY = "directory", _("directory")
        REFERRAL = "referral", _("referral")
        EVENT = "event", _("event")
        INBOUND = "inbound", _("inbound")
        OTHER = "other", _("other")

    name = models.CharField(_("name"), max_length=120, unique=True)
    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.BUILT)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, user: models.Model) -> SegmentQuerySet:
        return self.filter(Q(owner=user) | Q(shared=True))


class Segment(models.Model):
    """A saved filter: the query string of the leads page, with a name."""

    name = models.CharField(_("name"), max_length=80)
    query = models.JSONField(_("filter"), default=dict)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="segments")
    shared = models.BooleanField(_("shared with everyone"), default=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="segment_name_per_owner")]

    def __str__(self) -> str:
        return self.name


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: models.Model) -> LeadQuerySet:
        """Admins see all; managers their team's and those nobody has yet; reps their own and their team's pool."""
        if user.is_admin:  # type: ignore[attr-defined]
            return self
        team = user.team_id  # type: ignore[attr-defined]
        if user.is_manager:  # type: ignore[attr-defined]
            mine = Q(owner=user) | Q(owner=None, team=None)
            return self.filter(mine | Q(team=team)) if team else self.filter(mine)
        own = Q(owner=user)
        return self.filter(own | Q(owner=None, team=team)) if team else self.filter(own)

    def warm(self, *, now: datetime) -> LeadQuerySet:
        """Leads that are warm at `now`, whether or not the sweep has been by since."""
        return self.filter(temperature=Lead.Temperature.WARM, warm_until__gt=now)

    def expired(self, *, now: datetime) -> LeadQuerySet:
        """Leads still marked warm whose date has passed: what the cooling sweep takes."""
        return self.filter(temperature=Lead.Temperature.WARM, warm_until__lte=now)

    def live(self) -> LeadQuerySet:
        return self.filter(merged_into=None, erased_at=None)


class Lead(models.Model):
    """A person we may sell to. The name may be unknown where company and role are given."""

    class Audience(models.TextChoices):
        BUSINESS = "business", _("business")
        CONSUMER = "consumer", _("consumer")

    class Stage(models.TextChoices):
        NEW = "new", _("new")
        ATTEMPTED = "attempted", _("attempted")
        REACHED = "reached", _("reached")
        CONVERSATION = "conversation", _("conversation")
        MEETING = "meeting", _("meeting")
        HELD = "held", _("held")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    class Temperature(models.TextChoices):
        COLD = "cold", _("cold")
        WARM = "warm", _("warm")

    salutation = models.CharField(_("salutation"), max_length=20, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    job_title = models.CharField(_("job title"), max_length=150, blank=True)
    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leads",
    )
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.CONSUMER)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters, as in US."))
    region = models.CharField(
        _("region"), max_length=10, blank=True, help_text=_("Without the country, as in NY.")
    )
    city = models.CharField(_("city"), max_length=100, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=250, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    company_size = models.CharField(_("company size"), max_length=40, blank=True)
    occupation = models.CharField(_("occupation"), max_length=100, blank=True)
    value = models.DecimalField(_("expected value"), max_digits=14, decimal_places=2, null=True, blank=True)
    fit = models.PositiveSmallIntegerField(
        _("fit"), default=50, help_text=_("0–100: like our usual customers.")
    )
    decision_role = models.CharField(_("part in the decision"), max_length=150, blank=True)
    needs = models.TextField(_("needs"), blank=True)
    cares_about = models.TextField(_("what they value"), blank=True, default="", db_default="")
    buying_power = models.TextField(_("ability to buy"), blank=True, default="", db_default="")
    research = models.TextField(_("research"), blank=True)
    links = models.TextField(
        _("links"), blank=True, default="", db_default="", help_text=_("Web addresses, one a line.")
    )
    website = models.CharField(_("website"), max_length=250, blank=True)

    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    confirmed_zone = models.CharField(
        _("confirmed time zone"), max_length=64, blank=True, validators=[validate_zone]
    )
    zone_confirmed_at = models.DateTimeField(null=True, blank=True)
    zone_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    zone_agreed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when a manager agrees; until then it can only tighten.")
    )
    zone_agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    stood_before = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text=_(
            "Audience and place as they stood before reps changed them; they bind too until a manager agrees."
        ),
    )

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leads",
        db_index=False,
    )
    team = models.ForeignKey(
        "accounts.Team",
        verbose_name=_("team"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leads",
        db_index=False,
    )
    lists = models.ManyToManyField(LeadList, through="ListMembership", related_name="leads", blank=True)

    stage = models.CharField(_("stage"), max_length=14, choices=Stage, default=Stage.NEW)
    temperature = models.CharField(
        _("temperature"), max_length=4, choices=Temperature, default=Temperature.COLD
    )
    warm_until = models.DateTimeField(_("warm until"), null=True, blank=True)
    evidence_until = models.DateTimeField(
        null=True, blank=True, help_text=_("What the evidence alone says; warm_until follows an override.")
    )
    cooled_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Evidence up to here no longer counts.")
    )
    evaluation_due_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged"
    )
    erased_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = LeadQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(temperature="cold") | Q(temperature="warm", warm_until__isnull=False),
                name="warm_leads_have_a_date",
            ),
        ]
        indexes = [
            models.Index(fields=["email"], name="lead_email", condition=~Q(email="")),
            models.Index(Upper("last_name"), Upper("first_name"), name="lead_name"),
            models.Index(fields=["warm_until"], name="lead_warm", condition=Q(temperature="warm")),
            models.Index(fields=["owner", "-warm_until"], name="lead_owner_warm"),
            models.Index(fields=["team", "-warm_until"], name="lead_team_warm"),
            models.Index(fields=["stage"], name="lead_stage"),
            models.Index(
                fields=["evaluation_due_at"],
                name="lead_evaluation_due",
                condition=Q(evaluation_due_at__isnull=False),
            ),
            models.Index(
                fields=["zone_confirmed_at"],
                name="lead_zone_to_agree",
                condition=Q(zone_confirmed_at__isnull=False, zone_agreed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("lead", args=[self.pk])

    @property
    def person(self) -> str:
        """First and last name as spoken, blank where nobody learned it yet."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name(self) -> str:
        """What to show where one line stands for the lead; asks for the role where the name is unknown."""
        if self.person:
            return self.person
        if self.job_title:
            return gettext("Ask for: %(role)s") % {"role": self.job_title}
        return str(self.company or self.email or gettext("Lead %(id)s") % {"id": self.pk})

    def is_warm(self, *, now: datetime) -> bool:
        return (
            self.temperature == self.Temperature.WARM
            and self.warm_until is not None
            and self.warm_until > now
        )


class ListMembership(models.Model):
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="memberships")
    list = models.ForeignKey(LeadList, on_delete=models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "list"], name="once_on_a_list")]


class ExternalId(models.Model):
    """What another system calls the lead; unique in that system's namespace."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="external_id_rows")
    source = models.CharField(max_length=80)
    external_id = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="external_id_once")]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"
