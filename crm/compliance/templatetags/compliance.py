"""Which pages does compliance have, and which of them does this user see?"""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.template.context import RequestContext
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from crm.accounts.templatetags.ui import LEADERS, url_if
from crm.pipeline.panels import Panel

register = template.Library()


class Tab(NamedTuple):
    """One page under the bar and the roles that see it."""

    url_name: str
    label: Promise
    roles: frozenset[str] = LEADERS


TABS = (
    Tab("compliance", gettext_lazy("Overview")),
    Tab("compliance_registries", gettext_lazy("Registries")),
    Tab("compliance_own_list", gettext_lazy("Own list")),
    Tab("compliance_wishes", gettext_lazy("Wishes")),
    Tab("compliance_complaints", gettext_lazy("Complaints")),
    Tab("compliance_consents", gettext_lazy("Consents")),
    Tab("compliance_customers", gettext_lazy("Customers")),
    Tab("compliance_people", gettext_lazy("Access and erasure")),
    Tab("compliance_evidence", gettext_lazy("Evidence")),
    Tab("compliance_lookup", gettext_lazy("Look up a number")),
    Tab("compliance_audit", gettext_lazy("Audit trail")),
)


@register.simple_tag(takes_context=True)
def compliance_tabs(context: RequestContext) -> list[dict[str, Any]]:
    """The pages of compliance for the signed-in user: [{label, url, current}], only those that exist."""
    request = context.get("request")
    role = str(getattr(getattr(request, "user", None), "role", ""))
    path = getattr(request, "path", "")
    shown = [(tab, url_if(tab.url_name)) for tab in TABS if role in tab.roles]
    current = max((url for _tab, url in shown if url and path.startswith(url)), key=len, default="")
    return [{"label": tab.label, "url": url, "current": url == current} for tab, url in shown if url]


@register.simple_tag
def bars(panel: Panel) -> list[dict[str, Any]]:
    """A tile's lines as bars: [{label, text, href, width}], the longest 100 wide; its second column counts."""
    named, counted = panel.tile.columns[0].key, panel.tile.columns[1].key
    most = max((row.values[counted] for row in panel.tile.rows), default=0)
    return [
        {
            "label": row.values[named],
            "text": line[1].text,
            "href": line[1].href,
            # A figure of an address or an attribute is written the same in every language.
            "width": f"{100 * row.values[counted] / most:.1f}",
        }
        for row, line in zip(panel.tile.rows, panel.lines, strict=True)
    ]
