"""Which leads does the list show, and what of each? In a constant number of queries, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import QueryDict
from django.utils.translation import gettext

from leads.filters import LeadFilter
from leads.keyset import Page, page
from leads.models import Lead, LeadList, Segment

from .icebreaker import in_words
from .models import FollowUp, Pursuit, Touchpoint
from .reasons import fact_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

ROWS = 50
# More than so many are not counted: counting a million rows costs more than showing fifty.
COUNTED = 1_000
# What belongs to the page and not to the filter.
PLACE = ("after", "before", "from", "page")
MOST_CHOICES = 200


@dataclass(frozen=True)
class Row:
    """One lead of the list with what is known of its pursuit and its last touchpoint."""

    lead: Lead
    warm: bool
    follow_up: FollowUp | None
    pursuit: Pursuit | None
    last_touch: str
    last_touch_at: datetime | None


def filtered(params: QueryDict, *, request: Any, now: datetime) -> LeadFilter:
    """The list's filter over the leads that the asking user may see; warm leads come warmest first unless sorted."""
    if params.get("temperature") == Lead.Temperature.WARM and not params.get("ordering"):
        params = params.copy()
        params["ordering"] = "-warm_until"
    seen = Lead.objects.live().visible_to(request.user)
    return LeadFilter(params, queryset=seen, request=request, now=now)


def read_page(found: QuerySet[Lead], params: Mapping[str, Any]) -> Page[Lead]:
    """The page of the list that `after` or `before` names, else the first."""
    shown = found.select_related("company", "owner", "team").prefetch_related("lists")
    return page(shown, size=ROWS, after=_id(params.get("after")), before=_id(params.get("before")))


def _id(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 18 else None


def rows_of(leads: Iterable[Lead], *, now: datetime) -> list[Row]:
    """What the list says of each of these leads; three queries."""
    leads = list(leads)
    ids = [lead.pk for lead in leads]
    follow_ups = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=ids)}
    pursuits = {row.lead_id: row for row in Pursuit.objects.open().filter(lead__in=ids)}
    latest = Touchpoint.objects.filter(lead=OuterRef("lead")).order_by("-occurred_at", "-pk").values("pk")[:1]
    touches = {
        row.lead_id: row
        for row in Touchpoint.objects.filter(lead__in=ids, pk=Subquery(latest)).select_related(
            "kind", "by_user"
        )
    }
    return [
        Row(
            lead=lead,
            warm=lead.is_warm(now=now),
            follow_up=follow_ups.get(lead.pk),
            pursuit=pursuits.get(lead.pk),
            last_touch=in_words(fact_of(touches[lead.pk])) if lead.pk in touches else "",
            last_touch_at=touches[lead.pk].occurred_at if lead.pk in touches else None,
        )
        for lead in leads
    ]


def count_in_words(found: QuerySet[Lead]) -> tuple[int, str]:
    """How many there are, counted up to a limit: (1001, "more than 1,000") beyond it."""
    count = found.order_by()[: COUNTED + 1].count()
    if count > COUNTED:
        return count, gettext("more than %(most)s") % {"most": f"{COUNTED:,}"}
    return count, f"{count:,}"


def query_of(params: QueryDict) -> str:
    """The filter as it stands in an address, without the place in the list."""
    kept = params.copy()
    for name in PLACE:
        kept.pop(name, None)
    for name in [name for name in kept if not any(kept.getlist(name))]:
        kept.pop(name)
    return kept.urlencode()


# --- what can be chosen -----------------------------------------------------------------------------------------


def choices_for(user: Any) -> dict[str, Any]:
    """Names to choose from in the filter: colleagues the user sees, teams, lists and saved segments."""
    colleagues = get_user_model().objects.visible_to(user).filter(is_active=True).order_by("username")
    teams = Lead._meta.get_field("team").related_model._default_manager
    return {
        "owners": [
            (one.username, one.get_full_name() or one.username)
            for one in colleagues.only("username", "first_name", "last_name")[:MOST_CHOICES]
            if one.pk != user.pk
        ],
        "teams": list(teams.values_list("name", flat=True)[:MOST_CHOICES]) if user.is_admin else [],
        "lists": list(LeadList.objects.values_list("name", flat=True)[:MOST_CHOICES]),
        "segments": [
            {"segment": one, "query": query_of_segment(one), "mine": one.owner_id == user.pk}
            for one in Segment.objects.visible_to(user).select_related("owner")[:MOST_CHOICES]
        ],
    }


def query_of_segment(segment: Segment) -> str:
    """A saved filter as it stands in an address."""
    params = QueryDict(mutable=True)
    for name, values in segment.query.items():
        params.setlist(name, values if isinstance(values, list) else [values])
    return params.urlencode()
