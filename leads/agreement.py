"""What a rep says of where and what a lead is: how far does it count before a manager agrees?

Place and audience decide which rules bind a call, so a word of a rep may tighten them at once and loosen nothing:
what stood before is kept with the lead, and binds beside what stands now. A manager's word stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from leads.models import Lead

if TYPE_CHECKING:
    from collections.abc import Iterable

FACTS = ("audience", "country", "region", "postcode", "time_zone")

Standing = dict[str, str]


def standing_of(lead: Lead) -> Standing:
    """The facts of a lead that decide which rules bind."""
    return {name: getattr(lead, name) for name in FACTS}


def keep_before(lead: Lead, before: Standing, changed: Iterable[str], *, by: Any) -> None:
    """Note on a lead whose facts have just changed from `before` what still binds; the caller saves it.

    A rep's way back to what stood takes the note away; a manager's word (and an import's) settles the facts it names.
    """
    named = {name for name in changed if name in FACTS}
    if not named:
        return
    if by is not None and not by.is_manager:
        _bind(lead, lead.stood_before or [before])
    else:
        now = standing_of(lead)
        _bind(lead, [one | {name: now[name] for name in named} for one in lead.stood_before])


def bind_too(lead: Lead, others: Iterable[Standing]) -> None:
    """Let these facts bind the lead as well, until a manager agrees; the caller saves it."""
    _bind(lead, [*lead.stood_before, *others])


def _bind(lead: Lead, standings: Iterable[Standing]) -> None:
    now = standing_of(lead)
    kept: list[Standing] = []
    for one in standings:
        if one != now and one not in kept:
            kept.append(one)
    lead.stood_before = kept


def former(lead: Lead) -> list[Standing]:
    """What binds beside what stands now, in the order in which it was changed."""
    return [standing_of(lead) | one for one in lead.stood_before]


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that a manager has to agree to: what it is called, what stood before, what stands now."""

    name: str
    label: str
    before: str
    now: str


def differences(lead: Lead) -> list[Difference]:
    """What a manager has to agree to, fact by fact; [] where everything stands."""
    found = []
    for name in FACTS:
        now = getattr(lead, name)
        old = dict.fromkeys(one[name] for one in former(lead) if one[name] != now)
        if old:
            label = str(Lead._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            before = ", ".join(text or _("nothing known") for text in old)
            found.append(Difference(name, label, before, now or _("nothing known")))
    return found


def settle(lead: Lead) -> None:
    """What stands now stands alone; the caller saves it."""
    lead.stood_before = []
