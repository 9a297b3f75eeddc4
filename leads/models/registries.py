"""Which do-not-call lists are loaded, from which files, and which of our numbers are on them?"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RegistryLoad(models.Model):
    """One file handed in for one registry: the ledger. A file that was refused stays here with the reason.

    While it is being read, `claimed_until` is moved on by the process (`host`, `pid`) that reads it; nobody sees
    anything of the new list before `status` is loaded.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        LOADING = "loading", _("being loaded")
        LOADED = "loaded", _("loaded")
        REFUSED = "refused", _("refused")

    class Kind(models.TextChoices):
        FULL = "full", _("full list")
        CHANGE = "change", _("change list")

    registry = models.CharField(_("registry"), max_length=40)
    file_name = models.CharField(_("file"), max_length=200)
    file = models.FileField(upload_to="registries/", blank=True, help_text=_("Until it is loaded."))
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind, blank=True)
    given_date = models.DateField(_("list date as given"), null=True, blank=True)
    list_date = models.DateField(_("list date"), null=True, blank=True)
    areas = models.JSONField(
        _("areas"), default=list, blank=True, help_text=_("[{area, before, after}]: numbers on the list.")
    )
    lines = models.PositiveBigIntegerField(_("lines"), default=0)
    accepted = models.PositiveBigIntegerField(_("accepted"), default=0)
    rejected = models.PositiveBigIntegerField(_("rejected"), default=0)
    rejections = models.JSONField(
        default=list, blank=True, help_text=_("The first of them: [{line, value, reason}].")
    )
    rejected_file = models.FileField(
        upload_to="registries/rejected/", blank=True, help_text=_("All of them, as gzipped CSV.")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    why = models.TextField(_("why"), blank=True, help_text=_("Why it was refused, or what to know about it."))
    forced = models.BooleanField(_("forced"), default=False)
    at = models.DateTimeField(_("handed in at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    host = models.CharField(max_length=120, blank=True)
    pid = models.PositiveIntegerField(default=0)
    scrubbed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When our numbers were held against it.")
    )

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["registry"], condition=Q(status="loading"), name="one_load_a_registry"
            ),
            models.CheckConstraint(
                condition=~Q(status="loaded") | Q(list_date__isnull=False), name="a_loaded_list_has_a_date"
            ),
        ]
        indexes = [models.Index(fields=["status"], name="registry_load_open", condition=~Q(status="refused"))]

    def __str__(self) -> str:
        return f"{self.registry}: {self.file_name}"


class RegistryBitmap(models.Model):
    """The numbers of one list in one part of the numbering plan, as a portable Roaring bitmap. Never changed:
    a newer list brings a new one. In use where a `RegistryArea` names it, else about to come or to go."""

    load = models.ForeignKey(RegistryLoad, on_delete=models.CASCADE, related_name="bitmaps")
    key = models.CharField(max_length=8)
    count = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["load", "key"], name="one_bitmap_a_part")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class RegistryArea(models.Model):
    """The list in force for one part of the numbering plan.

    `key` names the part: country code and the first digits after it (1212, 4477). `area` is what files and people
    call it: the area code in North America (212), elsewhere the country code (44). A part that is covered by the
    list and holds no number has no bitmap.
    """

    registry = models.CharField(_("registry"), max_length=40)
    key = models.CharField(max_length=8)
    area = models.CharField(_("area"), max_length=4)
    list_date = models.DateField(_("list date"))
    version = models.PositiveIntegerField(_("version"), default=1)
    count = models.PositiveBigIntegerField(_("numbers"), default=0)
    bitmap = models.ForeignKey(
        RegistryBitmap, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    load = models.ForeignKey(RegistryLoad, on_delete=models.PROTECT, related_name="parts")
    loading = models.ForeignKey(
        RegistryLoad, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["registry", "key"], name="one_list_a_part")]
        indexes = [models.Index(fields=["key"], name="registry_area_key")]

    def __str__(self) -> str:
        return f"{self.registry} {self.area} {self.list_date}"


class RegistryScrub(models.Model):
    """One time all our numbers, or those of one load's areas, were held against the lists."""

    class Cause(models.TextChoices):
        LOAD = "load", _("a list was loaded")
        NIGHTLY = "nightly", _("nightly")

    cause = models.CharField(_("cause"), max_length=8, choices=Cause)
    load = models.ForeignKey(
        RegistryLoad, null=True, blank=True, on_delete=models.CASCADE, related_name="scrubs"
    )
    at = models.DateTimeField(_("at"))
    finished_at = models.DateTimeField(null=True, blank=True)
    numbers = models.PositiveIntegerField(_("numbers"), default=0)
    hits = models.PositiveIntegerField(_("on a list"), default=0)
    found = models.PositiveIntegerField(_("newly on a list"), default=0)
    cleared = models.PositiveIntegerField(_("no longer on a list"), default=0)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.get_cause_display()}"
