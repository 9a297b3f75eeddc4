"""Which files were brought in, how far each has come, and which rows were refused and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.intake.dialect import Dialect


class ImportQuerySet(models.QuerySet["LeadImport"]):
    def visible_to(self, user: models.Model) -> ImportQuerySet:
        """Admins see every import, everyone else their own."""
        return self if user.is_admin else self.filter(created_by=user)  # type: ignore[attr-defined]


class LeadImport(models.Model):
    """One file of leads, from upload to the last row. `rows_done` is the checkpoint a restart goes on from."""

    class Status(models.TextChoices):
        MAPPING = "mapping", _("columns to confirm")
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        REVERTED = "reverted", _("reverted")

    file = models.FileField(upload_to="imports/")
    file_name = models.CharField(max_length=200)
    dialect = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    region = models.CharField(max_length=2, blank=True)
    lead_list = models.ForeignKey(
        "leads.LeadList", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.MAPPING)
    error = models.CharField(max_length=500, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="imports"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def how_written(self) -> Dialect:
        return Dialect.from_json(self.dialect)

    @property
    def rows_total(self) -> int:
        return int(self.dialect.get("rows", 0))

    @property
    def is_underway(self) -> bool:
        return self.status in (self.Status.WAITING, self.Status.RUNNING)


class ImportedRow(models.Model):
    """What became of one row of a file. A refused row keeps its cells, so that it can be mended and sent again."""

    class Result(models.TextChoices):
        CREATED = "created", _("created")
        DUPLICATE = "duplicate", _("already known")
        REFUSED = "refused", _("refused")

    lead_import = models.ForeignKey(LeadImport, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    result = models.CharField(max_length=10, choices=Result)
    lead = models.ForeignKey("leads.Lead", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    errors = models.JSONField(default=list, blank=True)
    cells = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["line"]
        constraints = [models.UniqueConstraint(fields=["lead_import", "line"], name="each_row_once")]
