"""What must be known about a call before the guard can judge it?"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Permission:
    """A consent to calls, a signed permission or a relationship, from when to when.

    `kind` is consent, written_permission, purchase, enquiry or personal_relationship; `number` the one number
    it is limited to, "" for any number of the lead.
    """

    kind: str
    starts_at: datetime
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class RegistryFact:
    """What a registry's list says of the number; `list_date` is the list's own, `loaded` its area's.

    `load` is the ledger's id of the load the list in use came from: with `list_date` the list's version.
    """

    registry: str
    hit: bool
    list_date: date | None = None
    loaded: bool = True
    loading: bool = False
    load: int | None = None


@dataclass(frozen=True, slots=True)
class HouseCaps:
    """The house's own limits; 0 is no limit."""

    per_day: int = 2
    per_7_days: int = 5
    min_gap: timedelta = timedelta(hours=2)
    busy_gap: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The settings of the firm that calls. An enquiry counts as consent for so many months (0: never)."""

    house_caps: HouseCaps = field(default_factory=HouseCaps)
    mobile_hit_blocks: bool = False
    securities_firm: bool = False
    enquiry_consent_months: int = 0
    trades: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """Everything known about one call to one number of one lead.

    `country` and `region` are the address's. `suppressed` holds the scopes of our own list that match:
    number, person, company. `registries` holds what each list that covers the number's area says: one that the
    rules ask for and that is not among them counts as not loaded.
    `dials_to_number` counts every lead's, `dials_to_lead` every number's; both reach back at least 7 days and
    the longest cap.
    `stop_requested_at`: the last request not to call, even if lifted since; what was granted before is void.
    `refused_at`: the last refusal of any kind. `lead_request`: this call answers the lead's own recorded
    request. `permissions` are those for calls only. `failed`: why something could not be found out.
    """

    number: str
    country: str = ""
    region: str = ""
    audience: str = "consumer"
    zones: tuple[str, ...] = ()
    zones_from: str = "unknown"
    line_type: str = "unknown"
    number_status: str = "ok"
    call_mode: Literal["manual", "machine"] = "manual"
    erased: bool = False
    suppressed: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    stop_requested_at: datetime | None = None
    refused_at: datetime | None = None
    registries: tuple[RegistryFact, ...] = ()
    dials_to_number: tuple[datetime, ...] = ()
    dials_to_lead: tuple[datetime, ...] = ()
    last_dial_busy: bool = False
    lead_request: bool = False
    is_customer: bool = False
    failed: str = ""
    workspace: Workspace = field(default_factory=Workspace)
