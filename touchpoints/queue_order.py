"""Which planned calls come first for this rep? Read off the indexes that keep them in order.

Each source (their own, their team's pool, what colleagues lend) is walked along an index of its own, as far as there
are rows to show: nothing is sorted but these few, and nothing is counted, however many are due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection

from leads.plain_sql import Joined, rows

from . import blocks
from .models import FollowUp

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.contrib.auth.models import AbstractUser

    from .models import CallBlock

# So long before a callback no other lead is served.
CALLBACK_AHEAD = timedelta(minutes=5)
COMPANY_RESTS = timedelta(hours=1)

_ORDER = "ORDER BY rank, rank_value DESC, due_at, id"
# OFFSET 0 keeps a condition where it is: asked of the rows one comes by, not worked out for everybody before.
_BY_ROW = "LIMIT 1 OFFSET 0"
_OWN = "assignee_id = %s AND due_at <= %s"
_SOON = "assignee_id = %s AND rank = 1 AND due_at > %s AND due_at <= %s"
_POOL = "assignee_id IS NULL AND team_id = %s AND due_at <= %s"
_LENT = "due_at <= %s AND {in:id}"

# Of a company that a colleague has before them, or called within the hour, only what was promised or asked for.
_COMPANY_BUSY = f"""
    b.rank > 3 AND l.company_id IS NOT NULL AND (
        EXISTS (SELECT 1 FROM leads_lead m JOIN touchpoints_callattempt c ON c.lead_id = m.id
            WHERE m.company_id = l.company_id AND c.direction = 'outbound' AND c.started_at > %s
                AND (c.user_id IS NULL OR c.user_id <> %s) {_BY_ROW})
        OR EXISTS (SELECT 1 FROM leads_lead m JOIN touchpoints_followup o ON o.lead_id = m.id
            WHERE m.company_id = l.company_id AND o.closed_at IS NULL AND o.lease_until > %s
                AND o.lease_by_id <> %s {_BY_ROW}))
"""  # noqa: S608 - nothing in it comes from outside


def best(
    user: AbstractUser,
    block: CallBlock | None,
    *,
    now: datetime,
    count: int,
    lent: Sequence[int] = (),
    without: Collection[int] = (),
    unheld: bool = False,
) -> tuple[list[int], set[int]]:
    """The ids of the first `count` follow-ups this rep may work now, in order; and those of them whose company
    must be left alone for the moment.

    A callback is there minutes ahead, so that nothing else is begun before it. `unheld` leaves out what the rep holds.
    """
    sql, params = statement(user, block, now=now, count=count, lent=lent, without=without, unheld=unheld)
    found = rows(sql, params)
    return [row[0] for row in found], {row[0] for row in found if row[1]}


_SHOWN = Joined(
    "f",
    FollowUp,
    lead="l",
    lead__company="c",
    lead__owner="o",
    lead__team="t",
    pursuit="p",
    pursuit__cadence="k",
    assignee="a",
)
_LOADED = f"""
    SELECT {_SHOWN.columns}, (SELECT w.lease_seconds FROM leads_workspace w WHERE w.id = 1)
    FROM touchpoints_followup f JOIN leads_lead l ON l.id = f.lead_id
    LEFT JOIN leads_company c ON c.id = l.company_id
    LEFT JOIN accounts_user o ON o.id = l.owner_id LEFT JOIN accounts_team t ON t.id = l.team_id
    LEFT JOIN touchpoints_pursuit p ON p.id = f.pursuit_id
    LEFT JOIN touchpoints_cadence k ON k.id = p.cadence_id
    LEFT JOIN accounts_user a ON a.id = f.assignee_id
    WHERE f.closed_at IS NULL AND {{in:f.id}}
"""  # noqa: S608 - the columns are our models' own


def loaded(ids: Sequence[int | None]) -> list[FollowUp]:
    """These follow-ups in this order with what is shown of them, and `lease_seconds`; those that were closed meanwhile
    are left out."""
    found = {}
    for row in rows(_LOADED, [list(ids)]) if ids else ():
        follow_up, (follow_up.lease_seconds,) = _SHOWN.read(row)
        found[follow_up.pk] = follow_up
    return [found[pk] for pk in ids if pk in found]


def statement(
    user: AbstractUser,
    block: CallBlock | None,
    *,
    now: datetime,
    count: int,
    lent: Sequence[int] = (),
    without: Collection[int] = (),
    unheld: bool = False,
) -> tuple[str, list[Any]]:
    """The query of `best` with its parameters."""
    pk, team = user.pk, user.team_id  # type: ignore[attr-defined]
    about, about_params = _about(block, now=now)
    mine, mine_params = ("", []) if unheld else (" OR lease_by_id = %s", [pk])
    seen, seen_params = ("AND NOT {in:id}", [sorted(without)]) if without else ("", [])
    free = f"""(skipped_until IS NULL OR skipped_until <= %s) AND channel <> 'visit'
        AND (lease_until IS NULL OR lease_until <= %s{mine}) {seen}"""
    free_params = [now, now, *mine_params, *seen_params]
    narrowed = [
        (_OWN, [pk, now]),
        (_SOON, [pk, now, now + CALLBACK_AHEAD]),
        *([(_POOL, [team, now])] if team else []),
    ]
    sources = [
        (f"{whose} AND {free} {about}", [*given, *free_params, *about_params]) for whose, given in narrowed
    ]
    if lent:
        sources.append((f"{_LENT} AND {free}", [now, list(lent), *free_params]))
    walks, params = [], []
    for where, given in sources:
        walks.append(
            "SELECT * FROM (SELECT id, lead_id, rank, rank_value, due_at FROM touchpoints_followup "  # noqa: S608
            f"WHERE closed_at IS NULL AND {where} {_ORDER} LIMIT %s) walked{len(walks)}"
        )
        params += [*given, count]
    sql = f"""
        WITH first AS MATERIALIZED (SELECT * FROM ({" UNION ".join(walks)}) AS together {_ORDER} LIMIT %s)
        SELECT b.id, {_COMPANY_BUSY} FROM first b JOIN leads_lead l ON l.id = b.lead_id
        ORDER BY b.rank, b.rank_value DESC, b.due_at, b.id"""  # noqa: S608 - all of it is written here
    return sql, [*params, count, now - COMPANY_RESTS, pk, now, pk]


def _about(block: CallBlock | None, *, now: datetime) -> tuple[str, list[Any]]:
    """What a block is about, as a condition. What was promised and whoever raised a hand comes between all the same."""
    members = blocks.members(block, now=now)
    if members is None:
        return "", []
    sql, params = members.order_by().values("id").query.sql_with_params()
    if connection.vendor != "postgresql":
        sql = sql.replace("%%", "%")
    inside = f"EXISTS (SELECT 1 FROM ({sql}) AS members WHERE members.id = lead_id {_BY_ROW})"  # noqa: S608
    return f"AND (rank <= 3 OR {inside})", list(params)
