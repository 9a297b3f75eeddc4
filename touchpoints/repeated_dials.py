"""Is a dial that a program sends a second time still the same dial, or a call that the guard was never asked about?"""

from __future__ import annotations

from datetime import datetime, timedelta

from . import guarding
from .models import CallAttempt

# Who did not hear the answer asks again at once; later than this somebody would dial anew.
SAME_WITHIN = timedelta(minutes=1)


def may_still_dial(pk: int, *, now: datetime) -> bool:
    """Whether the link of this call may be given again: the call is open, has just begun, and nobody has asked since
    to be left alone."""
    just_begun = CallAttempt.objects.open().outbound().filter(pk=pk, started_at__gt=now - SAME_WITHIN)
    call = just_begun.select_related("lead", "number").first()
    if call is None:
        return False
    situation = guarding.gather([call.lead], now=now)[call.lead_id]
    facts = situation.facts.get(call.number_id or 0)
    return facts is not None and not (facts.suppressed or facts.erased or facts.failed)
