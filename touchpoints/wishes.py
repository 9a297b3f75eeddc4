"""What did people ask of us in their messages, and what becomes of it? The one door for wishes that were written.

Called where touchpoints are stored and corrected, historical ones too: a wish never expires, and a reply that an old
tool stored and nobody read binds us as much as today's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from leads import consents
from leads.models import Consent, Lead, Suppression

from . import refusals, suppress, todo
from .bell import EVALUATE, ring_on_commit
from .models import Direction, Task, Touchpoint, Wish
from .revocation import LONGEST, Asked, asks_to_stop, message_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

Kind, State = Wish.Kind, Wish.State


def read(touchpoints: Iterable[Touchpoint], *, now: datetime) -> int:
    """Look for wishes in touchpoints that were just stored or corrected; a constant number of statements, none where
    nobody asks for anything. Returns how many were found.

    A wish to stop blocks at once. What a correction takes out of a message changes nothing: a person decides.
    """
    said = [(one, asked) for one in touchpoints if (asked := _asked(one)) is not None]
    if not said:
        return 0
    with transaction.atomic():
        known = {
            wish.touchpoint_id: wish
            for wish in Wish.objects.filter(touchpoint__in=[one.pk for one, _asked in said])
        }
        fresh = [
            (one, asked)
            for one, asked in said
            if one.pk not in known or (known[one.pk].kind == Kind.HINT and asked.kind == Kind.STOP)
        ]
        # What only warned and now asks outright is read anew.
        Wish.objects.filter(pk__in=[known[one.pk].pk for one, _a in fresh if one.pk in known]).delete()
        _keep(fresh, now=now)
    return len(fresh)


def _asked(touchpoint: Touchpoint) -> Asked | None:
    if touchpoint.direction != Direction.INBOUND:
        return None
    data = touchpoint.data if isinstance(touchpoint.data, dict) else {}
    return asks_to_stop(message_of(touchpoint.kind_id, touchpoint.summary, data))


def _keep(said: Sequence[tuple[Touchpoint, Asked]], *, now: datetime) -> None:
    stopping = [(one, asked) for one, asked in said if asked.kind == Kind.STOP]
    entries = suppress.propose([_proposal(one, asked) for one, asked in stopping], now=now)
    wishes = Wish.objects.bulk_create(
        _wish(one, asked, entries.get(one.lead_id) if asked.kind == Kind.STOP else None, now=now)
        for one, asked in said
    )
    _no_more_mail([wish for wish in wishes if wish.kind == Kind.NEWSLETTER], now=now)
    _ask_managers([wish for wish in wishes if wish.kind == Kind.STOP and wish.state == State.OPEN], now=now)


def _proposal(touchpoint: Touchpoint, asked: Asked) -> suppress.Proposal:
    return suppress.Proposal(
        lead_id=touchpoint.lead_id,
        said_at=touchpoint.occurred_at,
        reason=gettext("wrote “%(word)s”") % {"word": asked.word},
        channel="text" if touchpoint.kind_id == "text_reply" else "mail",
        evidence=f"touchpoint {touchpoint.pk}: {touchpoint.kind_id}, {touchpoint.occurred_at.isoformat()}, "
        f"{touchpoint.source or '–'}",
    )


def _wish(touchpoint: Touchpoint, asked: Asked, entry: Suppression | None, *, now: datetime) -> Wish:
    """A new wish. What is decided already, or needs no decision, is not asked about again."""
    decided = asked.kind == Kind.NEWSLETTER or (
        entry is not None and entry.state == Suppression.State.CONFIRMED
    )
    message = message_of(touchpoint.kind_id, touchpoint.summary, touchpoint.data or {})
    return Wish(
        lead_id=touchpoint.lead_id,
        touchpoint=touchpoint,
        suppression=entry,
        kind=asked.kind,
        word=asked.word,
        message="\n".join(part for part in (message.subject, message.text) if part.strip())[:LONGEST],
        said_at=touchpoint.occurred_at,
        found_at=now,
        state=State.CONFIRMED if decided else State.OPEN,
        decided_at=now if decided else None,
    )


def _no_more_mail(wishes: Sequence[Wish], *, now: datetime) -> None:
    """Leaving a newsletter takes back consent to mail; whoever may be called still may."""
    if wishes:
        said_at = max(wish.said_at for wish in wishes)
        rows = Consent.objects.filter(
            lead__in=[wish.lead_id for wish in wishes], channel=Consent.Channel.MAIL, starts_at__lte=said_at
        )
        consents.revoke_all(rows, reason="unsubscribed from mail", by=None, now=now)


def _ask_managers(wishes: Sequence[Wish], *, now: datetime) -> None:
    leads = Lead.objects.in_bulk([wish.lead_id for wish in wishes])
    deciders = todo.managers_of(leads.values()) if leads else {}
    Task.objects.bulk_create(
        (
            Task(
                lead=lead,
                kind=Task.Kind.DECIDE_WISH,
                reason=gettext("They wrote “%(word)s”: nobody calls until this is decided.")
                % {"word": next(wish.word for wish in wishes if wish.lead_id == pk)},
                assignee_id=deciders[pk],
                team_id=lead.team_id,
                created_at=now,
            )
            for pk, lead in leads.items()
        ),
        ignore_conflicts=True,
    )


# --- deciding -------------------------------------------------------------------------------------------------


def confirm(
    wish: Wish,
    *,
    by: AbstractUser,
    now: datetime,
    reason: str = "",
    own_numbers: bool = False,
    company: bool = False,
) -> None:
    """They want no more calls. `own_numbers`: the numbers nobody else uses go on the list too; `company`: they speak
    for all of it. Whoever sees the lead may confirm: that only restricts."""
    with transaction.atomic():
        wish = _open(wish)
        said = reason.strip() or gettext("wrote “%(word)s”") % {"word": wish.word}
        common: dict[str, Any] = {"reason": said, "channel": "message", "evidence": _evidence(wish)}
        entry = suppress.suppress(scope="person", lead=wish.lead, by=by, now=now, **common)
        if own_numbers:
            for link in wish.lead.lead_numbers.current().with_shared().select_related("number"):
                if not link.shared:
                    suppress.suppress(scope="number", number=link.number, by=by, now=now, **common)
        if company and wish.lead.company_id:
            suppress.suppress(scope="company", lead=wish.lead, by=by, now=now, **common)
        _decided(wish, State.CONFIRMED, entry, reason=said, by=by, now=now)
        _cool(wish, now=now)


def decline(wish: Wish, *, reason: str, by: AbstractUser, now: datetime) -> None:
    """It was no wish. For what blocks that is a manager's to say; a hint anybody who sees the lead puts aside."""
    with transaction.atomic():
        wish = _open(wish)
        if not reason.strip():
            raise refusals.Invalid(gettext("Say why this is no wish to be left alone."), field="reason")
        others = Wish.objects.open().filter(suppression=wish.suppression_id).exclude(pk=wish.pk)
        if wish.kind == Kind.STOP and wish.suppression is not None and not others.exists():
            suppress.decline(wish.suppression, reason=reason, by=by, now=now)
        elif wish.kind == Kind.STOP and not by.is_manager:  # type: ignore[attr-defined]
            raise refusals.NotYours(
                gettext("A manager decides that this was no wish; you may confirm that it was.")
            )
        _decided(wish, State.DECLINED, wish.suppression, reason=reason, by=by, now=now)


def withdrawn(touchpoint: Touchpoint, *, by: AbstractUser | None, now: datetime, reason: str) -> None:
    """The message is withdrawn: a hint in it goes with it. What blocks stays until a manager decides, or withdrawing
    would be the way around them."""
    Wish.objects.open().filter(touchpoint=touchpoint, kind=Kind.HINT).update(
        state=State.WITHDRAWN, decided_at=now, decided_by=by, reason=reason[:300]
    )


def _cool(wish: Wish, *, now: datetime) -> None:
    """A request to stop is a refusal: neither it nor what came before it warms them."""
    older = Q(cooled_at=None) | Q(cooled_at__lt=wish.said_at)
    Lead.objects.filter(older, pk=wish.lead_id).update(cooled_at=wish.said_at, evaluation_due_at=now)
    ring_on_commit(EVALUATE)


def _open(wish: Wish) -> Wish:
    locked = Wish.objects.select_for_update(of=("self",)).get(pk=wish.pk)
    if locked.state != State.OPEN:
        raise refusals.TooLate(gettext("Somebody decided this already."))
    return locked


def _decided(
    wish: Wish, state: str, entry: Suppression | None, *, reason: str, by: AbstractUser, now: datetime
) -> None:
    """Note the decision, also where deciding about the entry has noted it for all its messages."""
    Wish.objects.filter(pk=wish.pk).update(
        state=state, suppression=entry, decided_at=now, decided_by=by, reason=reason[:300]
    )
    if not Wish.objects.open().filter(lead=wish.lead_id, kind=Kind.STOP).exists():
        todo.finish_all([wish.lead_id], Task.Kind.DECIDE_WISH, by=by, now=now)


def _evidence(wish: Wish) -> str:
    where = f"touchpoint {wish.touchpoint_id}" if wish.touchpoint_id else "message"
    return f"{where}, {wish.said_at.isoformat()}: {wish.message}"


# --- what a lead's screens say --------------------------------------------------------------------------------


def of_lead(lead: Lead) -> list[Wish]:
    """What of the lead's is still to be decided, what blocks first."""
    rows = Wish.objects.open().filter(lead=lead).select_related("suppression")
    return sorted(rows, key=lambda wish: (wish.kind != Kind.STOP, -wish.said_at.timestamp()))
