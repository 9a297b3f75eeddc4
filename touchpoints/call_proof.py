"""What is kept with a call, besides the guard's verdict, that could not be told years later?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leads.models import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from leads.guard import Verdict
    from leads.guard_facts import GuardFacts


def proof_of(user: AbstractUser, facts: GuardFacts | None, *, shared: str | None = None) -> dict[str, Any]:
    """The fields of an attempt: the number it was made from as it is now, and which lists the verdict went by.

    `shared`: the workspace's own number, where the caller has read it.
    """
    own: str = user.calling_number  # type: ignore[attr-defined]
    if shared is None:
        shared = next(iter(Workspace.objects.values_list("calling_number", flat=True)), "")
    return {"calling_number": own or shared, "guard_lists": _lists(facts)}


def verdict_as_kept(verdict: Verdict, facts: GuardFacts | None, *, at: datetime) -> dict[str, Any]:
    """The verdict as the API gives it; and when it was asked for, with every candidate zone and whence it is known."""
    return {
        **verdict.as_json(),
        "asked_at": at.isoformat(),
        "zones": list(facts.zones) if facts else [],
        "zones_from": facts.zones_from if facts else "unknown",
    }


def refusal_as_kept(verdict: Verdict, facts: GuardFacts | None, *, at: datetime) -> dict[str, Any]:
    """What is kept of a dial that the guard refused: the verdict, and which lists it went by."""
    return {**verdict_as_kept(verdict, facts, at=at), "lists": _lists(facts)}


def _lists(facts: GuardFacts | None) -> list[dict[str, Any]]:
    return [
        {
            "registry": fact.registry,
            "list_date": fact.list_date.isoformat() if fact.list_date else None,
            "load": fact.load,
            "loaded": fact.loaded,
            "hit": fact.hit,
        }
        for fact in (facts.registries if facts else None) or ()
    ]
