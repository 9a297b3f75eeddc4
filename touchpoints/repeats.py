"""Was this very outcome logged already? A browser that lost the answer sends it again, and is not refused for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import CallAttempt
    from .outcomes import Logged


def mark_of(logged: Logged) -> str:
    """A mark of everything that was said of a call; kept with its effects."""
    said = json.dumps(asdict(logged), sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()[:24]


def is_repeat(call: CallAttempt, logged: Logged) -> bool:
    """Whether what stands with the call is what `logged` says, to the letter."""
    return call.outcome_id is not None and call.effects.get("said") == mark_of(logged)
