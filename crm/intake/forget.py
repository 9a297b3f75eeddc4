"""What do imports remember of a person who is erased?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from crm.intake.models import ImportedRow, LeadImport

if TYPE_CHECKING:
    from touchpoints.traces import Traces

Status = LeadImport.Status


def forget(found: Traces) -> int:
    """Empty the kept cells of refused rows that name the person, and drop files they stand in that are not being
    worked on; a file that is will refuse their row. Returns how many rows and files changed."""
    refused = ImportedRow.objects.filter(result=ImportedRow.Result.REFUSED).exclude(cells=[])
    naming = [
        row.pk
        for row in refused.iterator(chunk_size=1000)
        if found.found_in([row.cells, row.errors]) or found.named_in(row.cells)
    ]
    ImportedRow.objects.filter(Q(pk__in=naming)).update(cells=[], errors=[])
    dropped = [taken for taken in _idle() if _names(taken, found)]
    for taken in dropped:
        taken.file.delete(save=False)
        LeadImport.objects.filter(pk=taken.pk).update(
            file="", status=Status.FAILED, error="The file was dropped: it named an erased person."
        )
    return len(naming) + len(dropped)


def _idle() -> list[LeadImport]:
    return list(LeadImport.objects.filter(status__in=[Status.MAPPING, Status.FAILED]).exclude(file=""))


def _names(taken: LeadImport, found: Traces) -> bool:
    try:
        with taken.file.open("rb") as file:
            return any(found.found_in(line.decode("utf-8", "replace")) for line in file)
    except FileNotFoundError:
        return False
