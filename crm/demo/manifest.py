"""Is there a demo, and which of the rows without a mark are its own?

Leads, companies, lists, teams and users carry `is_demo`. What has no such mark (talk tracks, customers, entries of
the own list, the matching inbox) is remembered by id in one audit event, in the database that holds the rows.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models

from leads.models import AuditEvent, Lead

ACTION = "demo.built"
RENEWED = "demo.lists_renewed"


class Present:
    """The rows to remember while a demo is built."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}
        self.workspace: dict[str, Any] = {}
        self.lists: list[int] = []

    def add(self, row: models.Model) -> None:
        self.rows.setdefault(row._meta.label, []).append(row.pk)

    def keep(self, *, now: datetime) -> None:
        AuditEvent.objects.create(
            at=now,
            action=ACTION,
            subject_type="workspace",
            subject_id="1",
            after={"rows": self.rows, "workspace": self.workspace, "lists": self.lists},
        )


def exists() -> bool:
    """Whether any part of a demo is in the workspace."""
    return (
        AuditEvent.objects.filter(action=ACTION).exists()
        or Lead.objects.filter(is_demo=True).exists()
        or get_user_model().objects.filter(is_demo=True).exists()
    )


def has_logins() -> bool:
    """Whether the demo's people can still sign in: one look at a small table, for every page of an admin."""
    return get_user_model().objects.filter(is_demo=True).exists()


def remembered() -> list[models.QuerySet[Any]]:
    """The rows of every demo built here that carry no mark of their own."""
    found = []
    for event in AuditEvent.objects.filter(action=ACTION):
        for label, ids in event.after.get("rows", {}).items():
            found.append(apps.get_model(label)._default_manager.filter(pk__in=ids))
    return found


def list_ids() -> list[int]:
    """The loads of do-not-call lists that came with a demo, or were made up for it since."""
    events = AuditEvent.objects.filter(action__in=(ACTION, RENEWED))
    return [pk for event in events for pk in event.after.get("lists", [])]


def note_lists(ids: list[int], *, now: datetime) -> None:
    """Remember lists that were made up for the demo after it was built."""
    AuditEvent.objects.create(
        at=now, action=RENEWED, subject_type="workspace", subject_id="1", after={"lists": ids}
    )


def workspace_values() -> dict[str, Any]:
    """The settings the demo filled in, as it left them."""
    values: dict[str, Any] = {}
    for event in AuditEvent.objects.filter(action=ACTION):
        values |= event.after.get("workspace", {})
    return values
