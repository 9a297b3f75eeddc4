"""What was found out about a lead before the call, and who else do we know where they work?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, Subquery

from leads.models import Lead

from . import changed_jobs
from .models import CallAttempt

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

MOST_PEOPLE = 8
MOST_NOTES = 3
# What the panel shows and lets a rep change where it stands, in this order.
FIELDS = (
    "decision_role",
    "needs",
    "cares_about",
    "buying_power",
    "occupation",
    "industry",
    "company_size",
    "website",
    "links",
    "research",
)


@dataclass(frozen=True)
class People:
    """Others at the company. `shown`: those the asking user may see, each with `warm_now`, `last_outcome` and
    `last_called_at`; `more`: how many more of these there are; `hidden`: how many only others may see."""

    shown: list[Lead]
    more: int
    hidden: int


def beyond_the_facts(lead: Lead, *, user: AbstractUser, now: datetime) -> dict[str, Any]:
    """What the panel shows beside the lead's own fields: latest notes, answers, earlier jobs, others at the company.
    A constant number of queries."""
    calls = CallAttempt.objects.filter(lead=lead).exclude(notes="").select_related("outcome", "user")
    return {
        "notes": list(calls.order_by("-started_at", "-pk")[:MOST_NOTES]),
        "answered": list(lead.answers.exclude(answer="")),
        "jobs": changed_jobs.earlier_jobs(lead),
        "people": people_at(lead, user=user, now=now) if lead.company_id else None,
    }


def people_at(lead: Lead, *, user: AbstractUser, now: datetime) -> People:
    """Who else we know at the lead's company, the warmest first; of those the user may not see only how many."""
    others = Lead.objects.live().filter(company=lead.company_id).exclude(pk=lead.pk)
    latest = CallAttempt.objects.filter(lead=OuterRef("pk"), outcome__isnull=False).order_by("-started_at")
    seen = others.visible_to(user)
    shown = list(
        seen.select_related("owner", "team")
        .annotate(
            last_outcome=Subquery(latest.values("outcome__label")[:1]),
            last_called_at=Subquery(latest.values("started_at")[:1]),
        )
        .order_by(F("warm_until").desc(nulls_last=True), "last_name", "first_name", "pk")[:MOST_PEOPLE]
    )
    for one in shown:
        one.warm_now = one.is_warm(now=now)  # type: ignore[attr-defined]
    visible = len(shown) if len(shown) < MOST_PEOPLE else seen.order_by().count()
    return People(shown, visible - len(shown), others.order_by().count() - visible)
