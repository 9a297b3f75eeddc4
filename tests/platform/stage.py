"""The stage on which every address is tried: Ada of team North owns a lead, and everything hangs on that lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from crm.accounts.models import Absence, Team, User
from crm.intake import receive
from leads import consents, law_rows
from leads.identity import Identity
from leads.models import (
    Consent,
    Customer,
    GuardRule,
    Lead,
    LeadList,
    OwnListLoad,
    RegistryLoad,
    Segment,
    Suppression,
)
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import (
    blocks,
    cadences,
    calendar_link,
    calls,
    complaints,
    outcomes,
    own_list,
    pauses,
    pursue,
    reassign,
    record,
    rulesets,
    talk_tracks,
    their_zone,
)
from touchpoints.models import (
    Cadence,
    CallAttempt,
    CallBlock,
    Complaint,
    EvaluationFailure,
    FollowUp,
    Meeting,
    Promise,
    Pursuit,
    Reassignment,
    TalkTrack,
    Task,
    Touchpoint,
    TouchpointKind,
    UnmatchedTouchpoint,
    WarmthRule,
    WarmthRuleset,
    Wish,
)

# A Wednesday, noon in New York: the guard lets everybody call.
NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
NUMBER = "+12125550123"
CSV = b"name,email\nAnn Lee,ann.lee@example.com\n,not an address\n"


@dataclass
class Stage:
    """`stage.one("lead")`: a row by the word the tables use for it, made when first asked for."""

    cast: dict[str, User]
    made: dict[str, Any] = field(default_factory=dict)

    def one(self, what: str) -> Any:
        if what not in self.made:
            maker: Callable[[], Any] = getattr(self, f"_{what}")
            self.made[what] = maker()
        return self.made[what]

    def arguments(self, what: str) -> list[Any]:
        """What the address of this row needs."""
        if what == "-":
            return []
        made = self.one(what)
        return list(made) if isinstance(made, tuple) else [made if isinstance(made, str) else made.pk]

    @property
    def ada(self) -> User:
        return self.cast["ada"]

    def _lead(self) -> Lead:
        fields = {
            "first_name": "Ann",
            "last_name": "Jones",
            "email": "ann@acme.example",
            "company": "Acme",
            "country": "US",
            "region": "NY",
        }
        lead = create_lead(
            NewLead(fields, [PhoneInput(NUMBER)], {"forms": "lead-1"}),
            owner=self.ada,
            now=NOON - timedelta(days=9),
        )
        pursue.start([lead], by=self.ada, now=NOON - timedelta(days=1))
        FollowUp.objects.update(due_at=NOON - timedelta(hours=1), window_end=NOON + timedelta(hours=1))
        return lead

    def _resting(self) -> Lead:
        """Whose pursuit rests."""
        lead: Lead = self.one("lead")
        pursuit = Pursuit.objects.open().get(lead=lead)
        pauses.pause(pursuit, NOON + timedelta(days=9), why="budget frozen", by=self.ada, now=NOON)
        return lead

    def _link(self) -> tuple[int, int]:
        """The lead and one of its numbers, as the address of that number wants them."""
        lead = self.one("lead")
        return lead.pk, lead.lead_numbers.get().pk

    def _follow_up(self) -> FollowUp:
        return FollowUp.objects.open().get(lead=self.one("lead"))

    def _touchpoint(self) -> Touchpoint:
        new = record.NewTouchpoint(
            kind="event",
            occurred_at=NOON - timedelta(days=2),
            lead=Identity(id=self.one("lead").pk),
            source="forms",
            external_id="t-1",
        )
        stored = record.record(new, user=self.ada, now=NOON - timedelta(days=2)).touchpoint
        assert stored is not None
        return stored

    def _set_aside(self) -> Touchpoint:
        """One that could not be evaluated."""
        stored = self.one("touchpoint")
        stored.evaluation_tries, stored.evaluation_error, stored.set_aside_at = 5, "division by zero", NOON
        stored.save()
        return stored  # type: ignore[no-any-return]

    def _given_up_lead(self) -> Lead:
        """One that could not be evaluated by new rules."""
        lead = self.one("lead")
        EvaluationFailure.objects.create(
            lead=lead,
            cause="rule_change",
            tries=5,
            error="division by zero",
            failed_at=NOON,
            set_aside_at=NOON,
        )
        return lead  # type: ignore[no-any-return]

    def _idle_lead(self) -> Lead:
        """One that nobody pursues."""
        new = NewLead({"first_name": "Ida", "country": "US", "region": "NY"}, [PhoneInput("+12125550166")])
        return create_lead(new, owner=self.ada, now=NOON - timedelta(days=9))

    def _earlier_call(self) -> CallAttempt:
        """A call to another lead, so that nothing later rests on its outcome."""
        at, lead = NOON - timedelta(hours=3), self.one("idle_lead")
        pursue.start([lead], by=self.ada, now=at)
        call = calls.dial(lead, user=self.ada, now=at)
        return outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=self.ada, now=at)

    def _open_call(self) -> CallAttempt:
        self.one("earlier_call")  # only one call can be open at a time
        # The house leaves hours between two calls to a number.
        lead = self.one("idle_lead" if "logged_call" in self.made else "lead")
        return calls.dial(lead, user=self.ada, now=NOON)

    def _logged_call(self) -> CallAttempt:
        call = calls.dial(self.one("lead"), user=self.ada, now=NOON)
        return outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=self.ada, now=NOON)

    def _member(self) -> User:
        return self.ada

    def _leaver(self) -> User:
        """Somebody of the team who has left."""
        return User.objects.create_user("lee", role="rep", team=self.ada.team, is_active=False)

    def _team(self) -> Team:
        return self.ada.team  # type: ignore[return-value]

    def _reassignment(self) -> Reassignment:
        """Ada's lead went to the pool."""
        self.one("lead")
        made = reassign.plan(self.ada, reassign.Wish(method="pool"), receivers=[], now=NOON)
        return reassign.carry_out(made, by=self.ada, now=NOON)

    def _absence(self) -> Absence:
        return Absence.objects.create(user=self.ada, starts_on=NOON.date(), ends_on=NOON.date())

    def _meeting(self) -> Meeting:
        return Meeting.objects.create(
            lead=self.one("lead"),
            title="Demo",
            starts_at=NOON - timedelta(hours=3),
            host=self.ada,
            booked_by=self.ada,
            booked_at=NOON - timedelta(days=3),
        )

    def _block(self) -> CallBlock:
        return blocks.start(user=self.ada, now=NOON)

    def _message(self) -> FollowUp:
        row: FollowUp = self.one("follow_up")
        row.channel = "mail"
        row.save(update_fields=["channel"])
        return row

    def _visit(self) -> FollowUp:
        row: FollowUp = self.one("follow_up")
        row.channel = "visit"
        row.save(update_fields=["channel"])
        return row

    def _cadence(self) -> Cadence:
        kept = Cadence.objects.filter(key="warm-18").get()
        return cadences.copy(kept, "Mine", by=self.ada, now=NOON)

    def _track(self) -> TalkTrack:
        return TalkTrack.objects.in_use().get(key="default-en")

    def _track_draft(self) -> TalkTrack:
        return talk_tracks.start("Mine", "en", by=self.ada, now=NOON)

    def _calendar(self) -> str:
        return calendar_link.token_of(self.ada)

    def _promise(self) -> Promise:
        return Promise.objects.create(
            lead=self.one("lead"), text="send the study", due_at=NOON, made_at=NOON, made_by=self.ada
        )

    def _task(self) -> Task:
        return Task.objects.create(
            lead=self.one("lead"), kind=Task.Kind.LOOK_INTO, reason="no number", created_at=NOON
        )

    def _later_task(self) -> Task:
        """One that was put off till tomorrow."""
        task: Task = self.one("task")
        task.put_off_until = NOON + timedelta(days=1)
        task.save(update_fields=["put_off_until"])
        return task

    def _rep_zone(self) -> Lead:
        """A lead of Ada's whose zone a rep confirmed."""
        return their_zone.confirm_zone(self.one("lead"), "America/New_York", by=self.ada, now=NOON)

    def _segment(self) -> Segment:
        return Segment.objects.create(name="mine", owner=self.ada, query={"stage": "new"})

    def _list(self) -> LeadList:
        return LeadList.objects.create(name="Fair", created_at=NOON)

    def _customer(self) -> Customer:
        return Customer.objects.create(name="Umbrella", domain="umbrella.example", added_at=NOON)

    def _suppression(self) -> Suppression:
        return Suppression.objects.create(
            scope=Suppression.Scope.NUMBER, e164="+12125550177", requested_at=NOON, by=self.ada
        )

    def _own_list_load(self) -> OwnListLoad:
        return own_list.load(
            b"number\n+12125550178\nnone\n", file_name="stop.csv", region="US", by=self.ada, now=NOON
        )

    def _consent(self) -> Consent:
        return consents.record(self.one("lead"), evidence="said so on the phone", by=self.ada, now=NOON)

    def _wish(self) -> Wish:
        """Ann wrote STOP."""
        new = record.NewTouchpoint(
            kind="text_reply",
            occurred_at=NOON - timedelta(hours=1),
            lead=Identity(id=self.one("lead").pk),
            source="sms",
            external_id="m-1",
            summary="STOP",
        )
        record.record(new, user=self.ada, now=NOON)
        return Wish.objects.get()

    def _complaint(self) -> Complaint:
        return complaints.complain(self.one("lead"), said="I will report you", by=self.ada, now=NOON)

    def _upload(self) -> Any:
        file = SimpleUploadedFile("people.csv", CSV)
        return receive.keep(
            file, receive.recognise(file.file), name=file.name, region="US", by=self.ada, now=NOON
        )

    def _unmatched(self) -> UnmatchedTouchpoint:
        """A report that fits Ada's lead and another of hers."""
        lead = self.one("lead")
        other = create_lead(
            NewLead({"first_name": "Al", "email": "al@acme.example"}), owner=self.ada, now=NOON
        )
        new = record.NewTouchpoint(
            kind="event",
            occurred_at=NOON - timedelta(days=2),
            lead=Identity(source="forms", external_id="lead-1", email=other.email),
            source="forms",
            external_id="t-2",
        )
        waiting = record.record(new, user=self.ada, now=NOON).unmatched
        assert waiting is not None
        assert lead.pk in waiting.candidates.values_list("pk", flat=True)
        return waiting

    def _refused_load(self) -> RegistryLoad:
        return RegistryLoad.objects.create(
            registry="us-ftc",
            file_name="2026-3-1_212_x.txt",
            status=RegistryLoad.Status.REFUSED,
            why="Area 212 would shrink by more than half.",
            at=NOON,
        )

    def _guard_rule(self) -> GuardRule:
        return GuardRule.objects.get(jurisdiction="US-FL", audience="any")

    def _coming_rule(self) -> GuardRule:
        """A version that is not in effect yet."""
        rule = self.one("guard_rule")
        said = {**law_rows.said(rule), "dials_cap": 1, "effective_from": date(2099, 1, 1)}
        return law_rows.revise(rule, said, reason="a law to come", by=self.cast["root"], now=NOON)

    def _draft(self) -> WarmthRuleset:
        return rulesets.draft(by=self.cast["max"], now=NOON)

    def _draft_rule(self) -> WarmthRule:
        return self.one("draft").rules.get(kind="event")

    def _rules_version(self) -> str:
        return "1"

    def _kind(self) -> str:
        """One that a workspace made for itself."""
        return TouchpointKind.objects.create(key="tasting", label="Tasting").pk

    def _nowhere(self) -> str:
        return "nowhere"

    def _evidence_format(self) -> str:
        return "csv"

    def _mail_key(self) -> str:
        return "no-such-key"

    def _reset_key(self) -> tuple[str, str]:
        return "1", "no-such-key"
