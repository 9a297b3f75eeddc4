"""On which lists is a lead? The one door to change it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from leads.models import Lead, LeadList, ListMembership


def put_on(lead: Lead, lists: Collection[LeadList], *, now: datetime) -> None:
    """Put a lead on exactly these lists; memberships that stay keep the day they began."""
    with transaction.atomic():
        lead.memberships.exclude(list__in=lists).delete()
        ListMembership.objects.bulk_create(
            (ListMembership(lead=lead, list=one, added_at=now) for one in lists), ignore_conflicts=True
        )
