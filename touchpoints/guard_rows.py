"""Which rows does the guard read of these leads? Each kind by one query, as many for one lead as for thousands.

Written as SQL: asked at every dial and for every placement, of one lead or of ten thousand, a query costs here
less than what the ORM takes to word it. A list of any length is one parameter. A kind of which nothing can exist
(a lead without numbers) is not asked for. Nothing is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from leads.erasure import Lookup, key_ids
from leads.guard import Permission
from leads.known import folded
from leads.models import LeadNumber, Suppression
from leads.plain_sql import Joined, rows

if TYPE_CHECKING:
    from leads.erasure import Callee

# A law's cap spans at most a week, and the house's week is one too; one day more for the zones.
CAPS_REACH_BACK = timedelta(days=8)
HISTORY_REACHES_BACK = timedelta(days=200)

Scope = Suppression.Scope
_CUSTOMER = "customer"


# --- numbers -------------------------------------------------------------------------------------------------


_LINK = Joined("l", LeadNumber, number="n")
_LINKS = f"""
    SELECT {_LINK.columns},
        (SELECT count(*) FROM leads_leadnumber o WHERE o.number_id = l.number_id AND o.detached_at IS NULL),
        EXISTS (
            SELECT 1 FROM touchpoints_followup f
            WHERE f.lead_id = l.lead_id AND f.closed_at IS NULL AND f.due_at <= %s AND f.lifts_house_caps
        )
    FROM leads_leadnumber l JOIN leads_number n ON n.id = l.number_id
    WHERE l.detached_at IS NULL AND {{in:l.lead_id}}
    ORDER BY l.position, l.id
"""  # noqa: S608 - the columns are our models' own


def links_of(lead_ids: Sequence[int], *, now: datetime) -> dict[int, list[LeadNumber]]:
    """Each lead's current numbers in the order we try them, with `users` (how many people share the number) and
    `asked`: a call that the lead itself asked for is due.

    A callback agreed for next week lifts the caps for that call, not for those a rep makes before it.
    """
    found: dict[int, list[LeadNumber]] = defaultdict(list)
    for row in rows(_LINKS, [now, list(lead_ids)]):
        link, (link.users, asked) = _LINK.read(row)
        link.asked = bool(asked)
        found[link.lead_id].append(link)
    return found


# --- our own lists -------------------------------------------------------------------------------------------


@dataclass
class Lists:
    """What our own lists hold: do-not-call entries, erased persons, customers."""

    on_list: set[tuple[str, Any]] = field(default_factory=set)  # (scope, number, lead's or company's id)
    erased: set[Callee] = field(default_factory=set)
    stopped_at: dict[int, datetime] = field(default_factory=dict)  # lead id -> the last request to stop
    customers: set[str] = field(default_factory=set)  # numbers and mail domains
    # number -> who of its people is on the list, by name, else by role
    namesakes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def holds_namesake(self, e164: str, person: str, role: str) -> bool:
        """Is whoever goes by this name on this number on the list under another id? Who has neither name nor role
        may be anybody on the number, so also the one who asked to be left alone."""
        known = self.namesakes.get(e164, set())
        return called(person, role) in known if person.strip() or role.strip() else bool(known)


def called(person: str, role: str) -> str:
    """A person's name as names are compared, else the role we ask for."""
    return folded(person) or f"ask for {folded(role)}"


_ENTRY = (
    "SELECT scope, e164, lead_id, company_id, digest, key_id, requested_at, lifted_at FROM leads_suppression"
)
_CUSTOMERS = "SELECT 'customer', e164, NULL, NULL, domain, '', added_at, NULL FROM leads_customer"
_NAMESAKE = "namesake"
# People on the list who have or had one of the numbers, by the names of leads merged into theirs too: made anew under
# another id, they are the same people.
_NAMESAKES = " UNION ALL ".join(
    f"""
    SELECT 'namesake', n.e164, s.lead_id, NULL, p.first_name || ' ' || p.last_name, p.job_title, s.requested_at, NULL
    FROM leads_number n JOIN leads_leadnumber k ON k.number_id = n.id
    JOIN leads_suppression s ON s.lead_id = k.lead_id JOIN leads_lead p ON p.{which} = s.lead_id
    WHERE s.scope = 'person' AND s.state <> 'declined' AND s.lifted_at IS NULL AND {{in:n.e164}}
"""  # noqa: S608 - the columns are named here
    for which in ("id", "merged_into_id")
)
# A declined proposal was no wish: it stops nothing and voids nothing that was granted before.
_LISTS = f"""
    {_ENTRY} WHERE scope = 'number' AND state <> 'declined' AND NOT e164 = '' AND {{in:e164}}
    UNION ALL {_ENTRY} WHERE scope = 'person' AND state <> 'declined' AND {{in:lead_id}}
    UNION ALL {_ENTRY} WHERE scope = 'company' AND state <> 'declined' AND {{in:company_id}}
    UNION ALL {_NAMESAKES}
    UNION ALL {_ENTRY} WHERE scope = 'erased' AND lifted_at IS NULL AND {{in:digest}}
    UNION ALL {_CUSTOMERS} WHERE NOT e164 = '' AND {{in:e164}}
    UNION ALL {_CUSTOMERS} WHERE NOT domain = '' AND {{in:domain}}
"""
_MISSING = f" UNION ALL {_ENTRY} WHERE scope = 'erased' AND lifted_at IS NULL"


def lists_of(
    *,
    callees: set[Callee],
    lead_ids: Sequence[int] = (),
    company_ids: Iterable[int] = (),
    domains: Iterable[str] = (),
    at: datetime | None = None,
) -> Lists:
    """The entries that concern these callees and leads: as they stand now, or as they stood `at` a past call.

    A call about to be made goes by every entry, however its clock stands to ours. Raises `erasure.KeyMissing`.
    """
    e164s = sorted({e164 for e164, _name in callees})
    erasures = Lookup(callees)
    missing, bounds = _outside(tuple(key_ids()))
    found = rows(
        _LISTS + missing,
        [
            e164s,
            list(lead_ids),
            sorted(company_ids),
            e164s,
            e164s,
            erasures.digests,
            e164s,
            sorted(domains),
            *bounds,
        ],
    )
    return _read(found, erasures, at)


def _outside(keys: tuple[str, ...]) -> tuple[str, list[str]]:
    """Entries under a key that is missing here, as ranges between the known ones: what an index can find."""
    edges: list[tuple[str | None, str | None]] = [*zip((None, *keys), (*keys, None), strict=True)]
    sql, bounds = "", []
    for low, high in edges:
        known = [("key_id > %s", low), ("key_id < %s", high)]
        sql += " ".join([_MISSING, *(f"AND {text}" for text, edge in known if edge is not None)])
        bounds += [edge for _text, edge in known if edge is not None]
    return sql, bounds


def _read(rows: Iterable[tuple[Any, ...]], erasures: Lookup, at: datetime | None) -> Lists:
    lists = Lists()
    digests = []
    for scope, e164, lead, company, text, key, since, until in rows:
        if scope == Scope.ERASED:
            digests.append((text, key))
            continue
        if at is not None and since > at:
            continue
        if scope == _CUSTOMER:
            lists.customers |= {one for one in (e164, text) if one}
            continue
        if scope == _NAMESAKE:
            lists.namesakes[e164].add(called(text, key))
            continue
        if until is None or (at is not None and until > at):
            lists.on_list.add((scope, e164 or lead or company))
        if lead is not None:
            lists.stopped_at[lead] = max(since, lists.stopped_at.get(lead, since))
    lists.erased = erasures.erased(digests)
    return lists


# --- permissions and dials -----------------------------------------------------------------------------------

_PERMISSIONS = """
    SELECT c.lead_id, c.kind, c.starts_at, c.ends_at, c.revoked_at, n.e164
    FROM leads_consent c LEFT JOIN leads_number n ON n.id = c.number_id
    WHERE c.channel = 'call' AND {in:c.lead_id}
    ORDER BY c.starts_at, c.id
"""


def permissions_of(lead_ids: Sequence[int]) -> dict[int, tuple[Permission, ...]]:
    """Consents, permissions and relationships for calls, by lead id."""
    found: dict[int, list[Permission]] = defaultdict(list)
    for lead, kind, start, end, revoked, number in rows(_PERMISSIONS, [list(lead_ids)]):
        found[lead].append(Permission(kind, start, end, revoked, number or ""))
    return {lead: tuple(permissions) for lead, permissions in found.items()}


@dataclass
class Dials:
    """Dials so far, oldest first: of each number by anybody, of each lead on any number."""

    to_number: dict[int, tuple[datetime, ...]] = field(default_factory=dict)
    to_lead: dict[int, tuple[datetime, ...]] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)  # the numbers whose last dial was answered by the busy tone


# Two halves, each found by its own index: of the leads how often, which the index alone holds; of the numbers also with
# which outcome. Times come as text: a lead has a dozen of them, and Python reads that five times as fast as the driver
# reads its own.
_DIALS = """
    SELECT of, key, CAST(at AS text), outcome FROM (
        SELECT 'lead' AS of, d.lead_id AS key, d.at, NULL AS outcome, 0 AS id
        FROM touchpoints_dial d WHERE d.at >= %s AND {in:d.lead_id}
        UNION ALL SELECT 'number', d.number_id, d.at, c.outcome_id, d.id
        FROM touchpoints_dial d JOIN touchpoints_callattempt c ON c.id = d.call_id
        WHERE d.at >= %s AND {in:d.number_id}
    ) dials ORDER BY at, id
"""


def dials_of(
    lead_ids: Sequence[int], number_ids: Iterable[int], *, now: datetime, past: bool = False
) -> Dials:
    """Dials of the numbers as far back as caps reach, of the leads as far as the planner looks; for a `past` call
    only those before it."""
    to_number: dict[int, list[datetime]] = defaultdict(list)
    to_lead: dict[int, list[datetime]] = defaultdict(list)
    last: dict[int, str | None] = {}
    params = [now - HISTORY_REACHES_BACK, list(lead_ids), now - CAPS_REACH_BACK, sorted(number_ids)]
    for of, pk, text, outcome in rows(_DIALS, params):
        at = _moment(text)
        if past and at > now:
            break
        if of == "lead":
            to_lead[pk].append(at)
        else:
            to_number[pk].append(at)
            last[pk] = outcome
    return Dials(
        {number: tuple(times) for number, times in to_number.items()},
        {lead: tuple(times) for lead, times in to_lead.items()},
        {number for number, outcome in last.items() if outcome == "busy"},
    )


def _moment(text: str) -> datetime:
    """SQLite keeps times without a zone; they are UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
