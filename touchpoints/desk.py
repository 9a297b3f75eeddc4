"""Where does a rep stand when they ask for the next lead? One query, asked for every lead that is served."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leads.models import Segment
from leads.plain_sql import rows

from .cover import LATE_AFTER
from .models import CallBlock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


@dataclass(frozen=True)
class Desk:
    """On a call (of which follow-up), holding which follow-up (one that is due before others), in which block (paused
    ones left out), and whether something that cannot wait is due at colleagues'."""

    on_a_call: bool
    follow_up_id: int | None
    held_id: int | None
    colleagues_wait: bool
    block: CallBlock | None


# What `cover.lent_to` may find, and now and then something more: then it is asked, and mostly it need not be.
_COLLEAGUES_WAIT = """
    SELECT 1 FROM accounts_user u JOIN touchpoints_followup f ON f.assignee_id = u.id
    WHERE u.id <> %s AND f.closed_at IS NULL AND f.rank <= 3 AND f.due_at <= %s
        AND (u.team_id = %s OR EXISTS (SELECT 1 FROM accounts_absence a WHERE a.user_id = u.id AND a.cover_id = %s))
        AND (f.rank = 2 OR f.rank = 1 AND f.agreed_at <= %s OR NOT u.is_active OR EXISTS (
            SELECT 1 FROM accounts_absence a WHERE a.user_id = u.id AND a.starts_on <= %s AND a.ends_on >= %s))
"""
_OPEN_CALL = (
    "touchpoints_callattempt c WHERE c.user_id = %s AND c.ended_at IS NULL AND c.direction = 'outbound'"
)
_STANDS = f"""
    SELECT EXISTS (SELECT 1 FROM {_OPEN_CALL}), (SELECT c.follow_up_id FROM {_OPEN_CALL}),
        (SELECT f.id FROM touchpoints_followup f
            WHERE f.lease_by_id = %s AND f.closed_at IS NULL AND f.lease_until > %s
            ORDER BY CASE WHEN f.due_at <= %s THEN 0 ELSE 1 END, f.lease_until DESC LIMIT 1),
        EXISTS ({_COLLEAGUES_WAIT}),
        b.id, b.lead_list_id, b.segment_id, s.query
    FROM (SELECT 1) one LEFT JOIN touchpoints_callblock b
        ON b.user_id = %s AND b.ended_at IS NULL AND b.paused_at IS NULL
    LEFT JOIN leads_segment s ON s.id = b.segment_id
"""  # noqa: S608 - nothing in it comes from outside


def of(user: AbstractUser, *, now: datetime) -> Desk:
    """Where the user stands."""
    pk = user.pk
    waiting = _waiting(user, now=now)
    found = rows(_STANDS, [pk, pk, pk, now, now, *waiting, pk])
    on_a_call, follow_up, held, colleagues, block, lead_list, segment, query = found[0]
    sitting = None
    if block is not None:
        about = Segment(pk=segment, query=json.loads(query)) if segment else None
        sitting = CallBlock(pk=block, user=user, lead_list_id=lead_list, segment=about)  # type: ignore[misc]
    return Desk(bool(on_a_call), follow_up, held, bool(colleagues), sitting)


def colleagues_wait(user: AbstractUser, *, now: datetime) -> bool:
    """Whether it is worth asking what of colleagues' this user may work: `cover.lent_to` finds nothing where not."""
    return bool(rows(f"SELECT 1 WHERE EXISTS ({_COLLEAGUES_WAIT})", _waiting(user, now=now)))


def _waiting(user: AbstractUser, *, now: datetime) -> list[object]:
    day = timedelta(days=1)
    team = user.team_id  # type: ignore[attr-defined]
    around = [(now + day).date(), (now - day).date()]  # whatever zone they live in
    return [user.pk, now, team, user.pk, now - LATE_AFTER, *around]
