"""What does somebody report to us, and what became of it? A touchpoint on its way in, as values and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from leads import identity, register

if TYPE_CHECKING:
    from .models import Touchpoint, UnmatchedTouchpoint


@dataclass(frozen=True)
class NewTouchpoint:
    """A touchpoint as somebody reports it. `lead` says whose it is, `lead_fields` what to make of an unknown one."""

    kind: str
    occurred_at: datetime
    lead: identity.Identity
    lead_fields: register.NewLead | None = None
    source: str = ""
    external_id: str = ""
    direction: str = ""
    network: str = ""
    campaign: str = ""
    summary: str = ""
    referred_by: str = ""
    by: str = ""
    by_user_id: int | None = None
    url: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    historical: bool = False


@dataclass(frozen=True)
class Recorded:
    """What became of one report. `unmatched` is set where it waits in the matching inbox, `touchpoint` elsewhere."""

    status: Literal["created", "duplicate", "updated", "unresolved"]
    touchpoint: Touchpoint | None = None
    lead_created: bool = False
    unmatched: UnmatchedTouchpoint | None = None


@dataclass(frozen=True)
class RowRefused:
    """A report that cannot be stored, with the fields to mend; the others of its batch are not touched."""

    errors: list[register.FieldError]


def refused(name: str, code: str, detail: str) -> RowRefused:
    return RowRefused([register.FieldError(name, code, detail)])


def to_payload(new: NewTouchpoint) -> dict[str, Any]:
    """A report as JSON, so that it can wait; `from_payload` reads it back."""
    payload = asdict(new)
    payload["occurred_at"] = new.occurred_at.isoformat()
    return payload


def from_payload(payload: dict[str, Any]) -> NewTouchpoint:
    values = dict(payload)
    values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
    values["lead"] = identity.Identity(**values["lead"])
    if values["lead_fields"] is not None:
        fields = dict(values["lead_fields"])
        fields["phones"] = [register.PhoneInput(**phone) for phone in fields["phones"]]
        values["lead_fields"] = register.NewLead(**fields)
    return NewTouchpoint(**values)
