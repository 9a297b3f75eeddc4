"""Whom does a saved segment stand for? Everybody its filter finds, whoever saved it and whoever asks.

A rule of warmth that names a segment must not rest on warmth, nor on who is asking: `problems` says so in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext

from .filters import ME, LeadFilter
from .models import Lead

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

# Names in a saved address that choose no leads.
PLACE = ("ordering", "page", "page_size", "after", "before", "columns")
# What follows from warmth: a rule that asked for it would ask for its own answer.
FOLLOWS_FROM_WARMTH = ("temperature", "warm_from", "warm_before", "pursuit")


def members(query: Mapping[str, Any], *, now: datetime) -> QuerySet[Lead]:
    """The leads that a segment's filter finds; nobody where the filter cannot be read."""
    leads = Lead.objects.order_by()
    if problems(query, now=now):
        return leads.none()
    return LeadFilter(_params(query), leads, now=now).qs.order_by()


def problems(query: Mapping[str, Any], *, now: datetime) -> list[str]:
    """Why a rule cannot use this segment, in words; empty where it can."""
    params = _params(query)
    found = []
    for name in params:
        if name in FOLLOWS_FROM_WARMTH:
            found.append(
                gettext("it filters by “%(name)s”, which follows from warmth itself") % {"name": name}
            )
        elif name not in LeadFilter.base_filters:
            found.append(gettext("its filter “%(name)s” is not known") % {"name": name})
    if ME in params.getlist("owner"):
        found.append(gettext("its owner is “me”, whoever that is; name the person"))
    if not found:
        errors = LeadFilter(params, Lead.objects.none(), now=now).form.errors
        found = [f"{name}: {' '.join(texts)}" for name, texts in errors.items()]
    return found


def _params(query: Mapping[str, Any]) -> QueryDict:
    params = QueryDict(mutable=True)
    for name, value in query.items():
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        if name not in PLACE and any(values):
            params.setlist(name, values)
    return params
