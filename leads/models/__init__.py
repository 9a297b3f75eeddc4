"""Who we may sell to, and whether they may be called."""

from .guard_rules import GuardRule
from .numbers import LeadNumber, Number
from .people import Company, ExternalId, Lead, LeadList, ListMembership, Segment
from .permission import Consent, Customer, OwnListLoad, Suppression
from .workspace import AuditEvent, Workspace

__all__ = [
    "AuditEvent",
    "Company",
    "Consent",
    "Customer",
    "ExternalId",
    "GuardRule",
    "Lead",
    "LeadList",
    "LeadNumber",
    "ListMembership",
    "Number",
    "OwnListLoad",
    "Segment",
    "Suppression",
    "Workspace",
]
