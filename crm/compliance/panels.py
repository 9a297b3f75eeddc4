"""How is a tile of the compliance page shown, and where does each of its figures lead?"""

from __future__ import annotations

from dataclasses import dataclass

from crm.accounts.templatetags.ui import url_if
from crm.pipeline.panels import Panel

# Tiles with a page of their own, where one can act on what they count.
PAGES = {
    "registries": "compliance_registries",
    "wishes": "compliance_wishes",
    "complaints": "compliance_complaints",
    "own_list": "compliance_own_list",
    "consents_ending": "compliance_consents",
}


@dataclass(frozen=True)
class CompliancePanel(Panel):
    page: str = "compliance"
    behind: str = "compliance_dials"

    def href(self, part: str) -> str:
        if self.tile.key == "loads" and part:
            return url_if("compliance_load", int(part.removeprefix("load.")))
        return super().href(part)

    @property
    def own_page(self) -> str:
        """The address of the page where one acts on what the tile counts; blank where there is none."""
        return url_if(PAGES[self.tile.key]) if self.tile.key in PAGES else ""

    @property
    def value_href(self) -> str:
        return super().value_href or self.own_page
