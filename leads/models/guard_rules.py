"""What does the law of one place say about calling, since when, and who says so?"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class GuardRule(models.Model):
    """One version of one jurisdiction's rule for one audience; in effect from `effective_from`, to the day
    before `effective_until`.

    All rows whose jurisdiction applies to a call bind it together: windows intersect, the lowest cap counts,
    registries add up. Of one jurisdiction and audience the highest active version in effect is the rule.
    A change makes a new version, so that a stored verdict keeps naming the rule it was made by.
    """

    class Audience(models.TextChoices):
        ANY = "any", _("everybody")
        BUSINESS = "business", _("businesses")
        CONSUMER = "consumer", _("consumers")

    class ConsentRegime(models.TextChoices):
        NONE = "", _("none needed")
        PRIOR = "prior", _("prior consent")
        EXPRESS = "express", _("prior express consent")
        ASKED_FOR = "asked_for", _("calls banned unless asked for")

    jurisdiction = models.CharField(
        _("jurisdiction"), max_length=10, help_text=_("Country, or country-subdivision; * is anywhere else.")
    )
    audience = models.CharField(_("audience"), max_length=10, choices=Audience.choices, default=Audience.ANY)
    windows = models.JSONField(
        _("calling hours"),
        default=dict,
        blank=True,
        help_text=_(
            'Per weekday the half-open local windows, {"mon": [["08:00", "21:00"]], …}; a weekday left out or '
            "empty is closed; no weekday at all: this rule says nothing about hours."
        ),
    )
    hours_bind_business = models.BooleanField(_("hours and closed days bind businesses too"), default=True)
    closed_on_holidays = models.BooleanField(_("closed on public holidays"), default=False)
    dials_cap = models.PositiveSmallIntegerField(_("most dials to one number"), null=True, blank=True)
    dials_cap_hours = models.PositiveSmallIntegerField(_("in any rolling hours"), default=24)
    refusal_bars_days = models.PositiveSmallIntegerField(_("a refusal bars calls for days"), default=0)
    registries = models.JSONField(
        _("registries"),
        default=list,
        blank=True,
        help_text=_(
            'Lists to screen: [{"registry": "us-ftc", "max_age_days": 31, "hit": "block"}]; max_age_days null: '
            'age does not matter; hit "unless_fixed": a landline does not count, another line warns; '
            '"when": "trade": only for an exempt trade.'
        ),
    )
    consent_regime = models.CharField(
        _("consent"), max_length=12, choices=ConsentRegime.choices, default=ConsentRegime.NONE, blank=True
    )
    machine_needs_written_consent = models.BooleanField(
        _("calls by machine to mobiles need written consent"), default=False
    )
    consent_kept_years = models.PositiveSmallIntegerField(
        _("consent record kept for years"), null=True, blank=True
    )
    exemptions = models.JSONField(
        _("exemptions"),
        default=list,
        blank=True,
        help_text=_(
            'What lifts a check: [{"kind": "purchase", "months": 18, "lifts": ["registry"], "firms": "all"}]; '
            "kind: consent, written_permission, purchase, enquiry, personal_relationship, trade; "
            "lifts: registry, consent; "
            "firms: all, securities, others."
        ),
    )
    citation = models.TextField(_("citation"))
    verified_on = models.DateField(_("verified on"), null=True, blank=True)
    effective_from = models.DateField(_("in effect from"))
    effective_until = models.DateField(_("in effect until"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    active = models.BooleanField(_("active"), default=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("guard rule")
        verbose_name_plural = _("guard rules")
        ordering = ["jurisdiction", "audience", "version"]
        constraints = [
            models.UniqueConstraint(
                fields=["jurisdiction", "audience", "version"], name="guard_rule_version_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(effective_until__isnull=True)
                | models.Q(effective_until__gt=models.F("effective_from")),
                name="guard_rule_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(audience__in=["any", "business", "consumer"]),
                name="guard_rule_audience_known",
            ),
            models.CheckConstraint(
                condition=models.Q(consent_regime__in=["", "prior", "express", "asked_for"]),
                name="guard_rule_consent_regime_known",
            ),
            models.CheckConstraint(
                condition=models.Q(dials_cap_hours__gte=1), name="guard_rule_cap_hours_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} ({self.audience}) v{self.version}"
