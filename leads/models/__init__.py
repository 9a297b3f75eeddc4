"""Who we may sell to, and whether they may be called."""

from .guard_rules import GuardRule
from .numbers import LeadNumber, Number
from .people import Company, ExternalId, Lead, LeadList, ListMembership, Segment
from .permission import Consent, Customer, OwnListLoad, Suppression
from .registries import RegistryArea, RegistryBitmap, RegistryLoad, RegistryScrub
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
    "RegistryArea",
    "RegistryBitmap",
    "RegistryLoad",
    "RegistryScrub",
    "Segment",
    "Suppression",
    "Workspace",
]
