"""Who works here: users with a role and a team, when they work, and the keys their programs use."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from leads.zones_field import validate_zone


class Team(models.Model):
    """A pool of leads and the people who share it. One team is the default pool."""

    class Sharing(models.TextChoices):
        POOL = "pool", _("nobody: whoever is free calls it")
        ROUND_ROBIN = "round_robin", _("everybody in turn")
        LEAST_LOADED = "least_loaded", _("whoever has least to do")

    name = models.CharField(_("name"), max_length=80, unique=True)
    is_default = models.BooleanField(
        _("default pool"), default=False, help_text=_("Hand-raises that belong to nobody come here.")
    )
    gives_new = models.CharField(
        _("who gets a new lead of the pool"), max_length=12, choices=Sharing, default=Sharing.POOL
    )
    gives_hand_raises = models.CharField(
        _("who gets somebody of the pool who asked to be contacted"),
        max_length=12,
        choices=Sharing,
        default=Sharing.POOL,
    )
    last_in_turn = models.ForeignKey(
        "accounts.User", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    idle_days = models.PositiveSmallIntegerField(
        _("idle leads go back to the pool after days"),
        default=0,
        help_text=_("Leads their owner has not worked for so long; 0: never."),
    )
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_team"
            )
        ]

    def __str__(self) -> str:
        return self.name


def default_working_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, 09:00 to 17:00: {ISO weekday: [[from, until], …]} in the user's own zone."""
    return {str(day): [["09:00", "17:00"]] for day in range(1, 6)}


class UserQuerySet(models.QuerySet["User"]):
    def reps(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def visible_to(self, user: User) -> UserQuerySet:
        """Colleagues this user may see: admins all, everybody else the own team."""
        if user.is_admin:
            return self
        if user.team_id is None:
            return self.filter(pk=user.pk)
        return self.filter(Q(team=user.team_id) | Q(pk=user.pk))


class ThawUserManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    use_in_migrations = False

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> User:
        extra.setdefault("role", User.Role.ADMIN)
        return super().create_superuser(username, email, password, **extra)


class User(AbstractUser):
    """A person who signs in by name. The role decides what they see: see `visible_to` of each queryset."""

    class Role(models.TextChoices):
        REP = "rep", _("Rep")
        MANAGER = "manager", _("Manager")
        ADMIN = "admin", _("Admin")

    class Tone(models.TextChoices):
        FORMAL = "formal", _("Formal")
        INFORMAL = "informal", _("Informal")

    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.REP)
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="members"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    language = models.CharField(_("language"), max_length=8, default="en")
    tone = models.CharField(_("tone"), max_length=10, choices=Tone, default=Tone.FORMAL)
    dials_a_day = models.PositiveIntegerField(_("dials a day"), default=80, validators=[MinValueValidator(1)])
    working_hours = models.JSONField(_("working hours"), default=default_working_hours, blank=True)
    extension = models.CharField(
        _("extension"), max_length=20, blank=True, help_text=_("On the phone system.")
    )
    calling_number = models.CharField(
        _("number they call from"),
        max_length=20,
        blank=True,
        help_text=_("What the called party sees; kept with each call as evidence."),
    )
    dial_url = models.CharField(
        _("dial URL"), max_length=300, blank=True, help_text=_("A softphone's address with {number} in it.")
    )
    key_map = models.JSONField(_("keys"), default=dict, blank=True)
    calendar_version = models.PositiveIntegerField(
        default=1, help_text=_("Counts up when the secret link of the calendar is replaced.")
    )
    is_demo = models.BooleanField(default=False, editable=False)

    objects = ThawUserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(role__in=["rep", "manager", "admin"]), name="known_role")
        ]

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def is_manager(self) -> bool:
        """Managers and admins: whoever may see a team's figures and change rules."""
        return self.role in (self.Role.MANAGER, self.Role.ADMIN)

    @property
    def short_name(self) -> str:
        return self.first_name or self.username


class Absence(models.Model):
    """Days on which a user takes no calls; `cover` gets what cannot wait."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until and including"))
    cover = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="covering")
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="absence_ends")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.starts_on} – {self.ends_on}"


class ApiKey(AbstractAuthToken):
    """A key for a program: its user's rights, narrowed by scopes. Only its hash is kept."""

    name = models.CharField(_("name"), max_length=80)
    scopes = models.JSONField(
        _("scopes"), default=list, blank=True, help_text=_("Empty: all its user may do.")
    )
    requests_a_minute = models.PositiveIntegerField(_("requests a minute"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="api_key_name_per_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
