"""A step of the plan that is no call: what it says, and the one door to say that it was done.

It is logged as a touchpoint of ours and takes its place in the plan; only calls count towards the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db import transaction
from django.utils.translation import gettext

from leads import identity
from leads.models import Lead, Workspace

from . import engine, follow_ups, guarding, prepared, pursue, record, refusals, stage
from .models import Channel, FollowUp, Pursuit, TemperatureChange
from .next_attempt import place_next
from .plans import Plans

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .models import Touchpoint

# What came of a visit. A message is sent or it is not.
VisitOutcome = Literal["nobody_met", "met", "refused"]
KIND_OF = {
    Channel.MAIL: "email_sent",
    Channel.TEXT: "text_sent",
    Channel.SOCIAL: "social_message",
    Channel.VISIT: "visit",
}


@dataclass(frozen=True)
class Prepared:
    """A step as a rep sees it: its text for this lead, and the link that opens it where there is one."""

    channel: str
    message: prepared.Message
    link: str


def prepare(row: FollowUp, *, user: AbstractUser, now: datetime) -> Prepared:
    """What a step that is no call says to its lead."""
    lead = row.lead
    number = next((link.number.e164 for link in lead.lead_numbers.current().select_related("number")), "")
    text = _text_of(row)
    message = prepared.filled(text, facts_of(lead, user=user))
    return Prepared(row.channel, message, prepared.link(row.channel, message, email=lead.email, e164=number))


def facts_of(lead: Lead, *, user: AbstractUser, workspace: Workspace | None = None) -> dict[str, str]:
    """What a prepared text may say of a lead and of whoever sends it."""
    workspace = workspace or Workspace.current()
    return {
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "name": lead.person,
        "company": str(lead.company or ""),
        "job_title": lead.job_title,
        "sender": user.get_full_name() or user.get_username(),
        "firm": workspace.seller_name or workspace.name,
    }


def _text_of(row: FollowUp) -> str:
    if row.pursuit is None:
        return ""
    found = row.pursuit.cadence.steps.filter(step=row.step).values_list("text", flat=True).first()
    return found or ""


def done(
    row: FollowUp, *, note: str = "", outcome: VisitOutcome = "nobody_met", user: AbstractUser, now: datetime
) -> Touchpoint | None:
    """Note that the step was done: a touchpoint of ours is recorded and the plan goes on with its next step.

    `outcome` is a visit's. Raises `refusals.Invalid` for a call, and where somebody was faster.
    """
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=row.lead_id)
        step = FollowUp.objects.open().filter(pk=row.pk).first()
        if step is None:
            raise refusals.Invalid(gettext("Somebody was faster: this step was done already."))
        if step.channel == Channel.CALL:
            raise refusals.Invalid(gettext("This is a call: dial, and log what came of it."))
        follow_ups.close([lead.pk], FollowUp.Closed.DONE, now=now, why=step.channel)
        touchpoint = _recorded(step, lead, note, outcome, user=user, now=now)
        pursuit = Pursuit.objects.open().filter(lead=lead).first()
        if pursuit is not None:
            _go_on(lead, pursuit, step, outcome, by=user, now=now)
    return touchpoint


def _recorded(
    step: FollowUp, lead: Lead, note: str, outcome: VisitOutcome, *, user: AbstractUser, now: datetime
) -> Touchpoint | None:
    met = step.channel == Channel.VISIT and outcome != "nobody_met"
    found = record.record(
        record.NewTouchpoint(
            kind="conversation" if met else KIND_OF[Channel(step.channel)],
            occurred_at=now,
            lead=identity.Identity(id=lead.pk),
            source="thaw",
            external_id=f"step:{step.pk}",
            direction="outbound",
            summary=note[:500],
            by=user.get_full_name() or user.get_username(),
            by_user_id=user.pk,
        ),
        user=user,
        now=now,
    )
    return found.touchpoint


def _go_on(
    lead: Lead,
    pursuit: Pursuit,
    step: FollowUp,
    outcome: VisitOutcome,
    *,
    by: AbstractUser,
    now: datetime,
) -> None:
    visit = step.channel == Channel.VISIT
    if visit and outcome == "refused":
        lead.cooled_at = now
        lead.save(update_fields=["cooled_at", "updated_at"])
        pursue.end(pursuit, Pursuit.EndReason.NOT_INTERESTED, by=by, now=now)
        engine.evaluate_leads([lead.pk], now=now, cause=TemperatureChange.Cause.REFUSAL)
        return
    pursuit.step = step.step + 1
    if visit and outcome == "met":
        stage.move(lead, "conversation", by=by, now=now)
        pursuit.reached_at = pursuit.reached_at or now
    pursuit.save(update_fields=["step", "reached_at"])
    place_next([(lead, pursuit)], guarding.gather([lead], now=now), Plans(), now=now)
