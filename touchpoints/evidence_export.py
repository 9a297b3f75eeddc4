"""What proves a call? Everything the law wants kept of each (16 CFR 310.5), as rows for a file, any number of them.

Rows are read a chunk at a time by their place in time, each chunk by the same few queries.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from leads import erasure
from leads.models import Consent, Suppression
from leads.spreadsheet import csv_lines

from .models import CallAttempt, Complaint, Dial, OutcomeChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet

CHUNK = 1_000
Row = dict[str, Any]

# What each column holds; the order of the CSV.
COLUMNS = (
    "call",
    "lead",
    "direction",
    "calling_number",
    "called_number",
    "called_number_digest",
    "started_at",
    "local_time",
    "zones",
    "ended_at",
    "duration_seconds",
    "outcome",
    "outcome_changes",
    "user",
    "user_name",
    "team",
    "decision",
    "reasons",
    "rule_version",
    "warn_reason",
    "breach",
    "lists",
    "consents",
    "own_list",
    "complaints",
    "dials",
    "recording_url",
    "source",
    "external_id",
    "historical",
    "verdict",
)
_VALUES = (
    "pk",
    "lead_id",
    "lead__company_id",
    "direction",
    "calling_number",
    "number__e164",
    "number_digest",
    "started_at",
    "ended_at",
    "duration_seconds",
    "outcome_id",
    "user__username",
    "user__first_name",
    "user__last_name",
    "team__name",
    "guard",
    "guard_lists",
    "warn_reason",
    "breach",
    "recording_url",
    "source",
    "external_id",
    "historical",
)


def calls_of(user: Any) -> QuerySet[CallAttempt]:
    """The calls whose evidence this user may see: admins all, managers their team's, others none."""
    if user.is_admin:
        return CallAttempt.objects.all()
    if not user.is_manager:
        return CallAttempt.objects.none()
    mine = Q(user=user)
    return CallAttempt.objects.filter(mine | Q(team=user.team_id) if user.team_id else mine)


def to_number(calls: QuerySet[CallAttempt], e164: str) -> QuerySet[CallAttempt]:
    """The calls to a number, those of persons erased since included."""
    return calls.filter(Q(number__e164=e164) | Q(number_digest__in=erasure.digests(e164)))


def rows(calls: QuerySet[CallAttempt], *, chunk: int = CHUNK) -> Iterator[Row]:
    """The evidence of these calls, oldest first, by the names of `COLUMNS`; `chunk` of them are read at a time."""
    ordered = calls.order_by("started_at", "pk").values(*_VALUES)
    page = list(ordered[:chunk])
    while page:
        yield from _proved(page)
        if len(page) < chunk:
            return
        last = page[-1]
        beyond = Q(started_at__gt=last["started_at"]) | Q(started_at=last["started_at"], pk__gt=last["pk"])
        # The plain bound lets an index find the place; the rest tells calls of the same instant apart.
        page = list(ordered.filter(beyond, started_at__gte=last["started_at"])[:chunk])


def _proved(page: list[Row]) -> Iterator[Row]:
    ids = [row["pk"] for row in page]
    dials = _by(Dial.objects.filter(call__in=ids).order_by("at"), "call_id", "at", "number__e164")
    changes = _by(
        OutcomeChange.objects.filter(call__in=ids).order_by("at"),
        "call_id",
        "at",
        "before_id",
        "after_id",
        "by__username",
    )
    complaints = _by(Complaint.objects.filter(call__in=ids).order_by("at"), "call_id", "pk", "at", "status")
    consents = _consents({row["lead_id"] for row in page})
    wishes = _Wishes(page)
    for row in page:
        verdict = row["guard"] or {}
        local_times = verdict.get("local_times") or []
        yield {
            "call": row["pk"],
            "lead": row["lead_id"],
            "direction": row["direction"],
            "calling_number": row["calling_number"],
            "called_number": row["number__e164"] or "",
            "called_number_digest": row["number_digest"],
            "started_at": row["started_at"],
            "local_time": local_times[0]["time"] if local_times else "",
            "zones": local_times,
            "ended_at": row["ended_at"],
            "duration_seconds": row["duration_seconds"],
            "outcome": row["outcome_id"] or "",
            "outcome_changes": [
                {"at": one["at"], "from": one["before_id"], "to": one["after_id"], "by": one["by__username"]}
                for one in changes[row["pk"]]
            ],
            "user": row["user__username"] or "",
            "user_name": f"{row['user__first_name'] or ''} {row['user__last_name'] or ''}".strip(),
            "team": row["team__name"] or "",
            "decision": verdict.get("decision", ""),
            "reasons": [one["code"] for one in verdict.get("reasons") or []],
            "rule_version": verdict.get("rule_version", ""),
            "warn_reason": row["warn_reason"],
            "breach": row["breach"],
            "lists": row["guard_lists"],
            "consents": [one for one in consents[row["lead_id"]] if _in_force(one, row["started_at"])],
            "own_list": wishes.of(row),
            "complaints": [
                {"complaint": one["pk"], "at": one["at"], "status": one["status"]}
                for one in complaints[row["pk"]]
            ],
            "dials": [{"at": one["at"], "number": one["number__e164"]} for one in dials[row["pk"]]],
            "recording_url": row["recording_url"],
            "source": row["source"],
            "external_id": row["external_id"],
            "historical": row["historical"],
            "verdict": verdict,
        }


def _by(found: QuerySet[Any], key: str, *columns: str) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in found.values(key, *columns):
        grouped[row[key]].append(row)
    return grouped


def _consents(leads: set[int]) -> dict[int, list[Row]]:
    found = Consent.objects.filter(lead__in=leads, channel=Consent.Channel.CALL).order_by("starts_at", "pk")
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in found.values(
        "lead_id",
        "kind",
        "number__e164",
        "starts_at",
        "ends_at",
        "revoked_at",
        "evidence",
        "recorded_at",
        "recorded_by__username",
    ):
        grouped[row.pop("lead_id")].append(
            {
                "kind": row["kind"],
                "number": row["number__e164"],
                "from": row["starts_at"],
                "until": row["ends_at"],
                "revoked_at": row["revoked_at"],
                "evidence": row["evidence"],
                "recorded_at": row["recorded_at"],
                "recorded_by": row["recorded_by__username"],
            }
        )
    return grouped


def _in_force(consent: Row, at: datetime) -> bool:
    return consent["from"] <= at and all(
        consent[end] is None or consent[end] > at for end in ("until", "revoked_at")
    )


class _Wishes:
    """Requests not to call, before the call and after it, that cover the person, the number or the company."""

    def __init__(self, page: list[Row]) -> None:
        found = Suppression.objects.filter(
            Q(lead__in={row["lead_id"] for row in page})
            | Q(company__in={row["lead__company_id"] for row in page} - {None})
            | Q(scope=Suppression.Scope.NUMBER, e164__in={row["number__e164"] for row in page} - {None})
            | Q(scope=Suppression.Scope.ERASED, digest__in={row["number_digest"] for row in page} - {""})
        ).order_by("requested_at", "pk")
        self._by: dict[tuple[str, Any], list[Row]] = defaultdict(list)
        for row in found.values(
            "scope",
            "lead_id",
            "company_id",
            "e164",
            "digest",
            "reason",
            "channel",
            "requested_at",
            "lifted_at",
        ):
            key = row["lead_id"] or row["company_id"] or row["e164"] or row["digest"]
            self._by[row["scope"], key].append(
                {
                    "scope": row["scope"],
                    "asked_at": row["requested_at"],
                    "asked_by": row["channel"],
                    "reason": row["reason"],
                    "off_since": row["lifted_at"],
                }
            )

    def of(self, row: Row) -> list[Row]:
        keys = (
            ("person", row["lead_id"]),
            ("number", row["number__e164"]),
            ("company", row["lead__company_id"]),
            ("erased", row["number_digest"]),
        )
        return [one for key in keys if key[1] for one in self._by.get(key, ())]


# --- files ---------------------------------------------------------------------------------------------------


def as_csv(found: Iterable[Row]) -> Iterator[str]:
    """The lines of a CSV file; what is no plain value stands as JSON in its cell."""
    return csv_lines(_cells(found))


def _cells(found: Iterable[Row]) -> Iterator[list[str]]:
    yield list(COLUMNS)
    for row in found:
        yield [_cell(row[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else _json(value)


def as_json(found: Iterable[Row], head: dict[str, Any]) -> Iterator[str]:
    """One JSON document in pieces: `head`, then `calls`, then how many there were."""
    opening = json.dumps(head, cls=DjangoJSONEncoder, ensure_ascii=False)
    yield f'{opening[:-1]}{", " if head else ""}"calls": ['
    count = 0
    for count, row in enumerate(found, start=1):
        yield f"{',' if count > 1 else ''}\n{_json(row)}"
    yield f'\n], "count": {count}}}\n'


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
