"""Is an erased person gone from every table, never called again, and are our calls to them still provable?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import User
from crm.intake.models import ImportedRow, LeadImport
from crm.integrations.models import IdempotencyKey
from leads import erasure, register
from leads.models import (
    AuditEvent,
    Consent,
    Customer,
    ExternalId,
    Lead,
    LeadList,
    ListMembership,
    Number,
    Suppression,
)
from leads.register import LeadRefused, NewLead, PhoneInput
from touchpoints import calls, erase, forgetting, guarding, outcomes, pursue, record, refusals, suppress
from touchpoints.models import (
    Answer,
    CallAttempt,
    Complaint,
    Dial,
    FollowUp,
    Promise,
    Pursuit,
    Touchpoint,
    UnmatchedTouchpoint,
)

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
OWN, SWITCHBOARD = "+12125550142", "+12125550177"
# Nothing of these may be left anywhere; the number in the spellings it was typed in as well.
SECRETS = ("quillfeather", "zebulon", "zq@secret.example", "2125550142", "555-0142", "rosebud", "crm-4711")


@pytest.fixture(autouse=True)
def ledger(settings: Any, tmp_path: Path) -> Path:
    settings.ERASURE_LEDGER = tmp_path / "erasures.jsonl"
    settings.ERASURE_KEYS = ("a key that is long enough",)
    return settings.ERASURE_LEDGER


@pytest.fixture
def zebulon(ada: User, max_: User, now: datetime) -> Lead:
    """A person of whom something stands in nearly every table."""
    new = NewLead(
        {
            "first_name": "Zebulon",
            "last_name": "Quillfeather",
            "email": "zq@secret.example",
            "company": "Acme",
            "needs": "rosebud",
        },
        [PhoneInput("(212) 555-0142"), PhoneInput(SWITCHBOARD)],
        {"crm": "crm-4711"},
    )
    lead = register.create_lead(new, owner=ada, now=now - timedelta(days=40))
    register.edit_lead(lead, {"research": "rosebud"}, by=max_, now=now)
    ListMembership.objects.create(
        lead=lead, list=LeadList.objects.create(name="Fair", created_at=now), added_at=now
    )
    record.record(
        record.NewTouchpoint(
            kind="referral",
            occurred_at=now - timedelta(days=1),
            lead=record.identity.Identity(id=lead.pk),
            source="crm",
            external_id="zq@secret.example/1",
            summary="Zebulon said rosebud",
            url="https://x.example/quillfeather",
            data={"note": "rosebud"},
        ),
        user=ada,
        now=now,
    )
    pursue.start([lead], by=ada, now=now - timedelta(days=2))
    call = calls.dial(lead, user=ada, number=Number.objects.get(e164=OWN), now=now - timedelta(days=1))
    outcomes.log_outcome(
        call,
        outcomes.Logged(
            "info_requested",
            notes="rosebud, says Zebulon",
            promise={"text": "send rosebud", "due_at": now + timedelta(days=1)},
        ),
        user=ada,
        now=now - timedelta(days=1),
    )
    CallAttempt.objects.update(warn_reason="Zebulon Quillfeather agreed", recording_url="https://pbx/rosebud")
    Answer.objects.create(lead=lead, question="Who?", answer="rosebud", at=now)
    Consent.objects.create(
        lead=lead,
        kind="consent",
        starts_at=now - timedelta(days=30),
        recorded_at=now,
        evidence="Zebulon's form",
    )
    Complaint.objects.create(lead=lead, call=call, said="I, Zebulon Quillfeather, will report you", at=now)
    suppress.suppress(
        scope="number",
        e164=OWN,
        lead=lead,
        by=ada,
        now=now,
        reason="Zebulon Quillfeather",
        evidence="rosebud",
    )
    Customer.objects.create(name="Zebulon", e164=OWN, added_at=now)
    UnmatchedTouchpoint.objects.create(payload={"lead": {"phone": "212-555-0142"}}, received_at=now)
    AuditEvent.objects.create(at=now, action="number.looked_up", subject_type="number", subject_id=OWN)
    brought = LeadImport.objects.create(file="", file_name="a.csv", created_at=now)
    ImportedRow.objects.create(
        lead_import=brought,
        line=2,
        result="refused",
        cells=["Zebulon", "Quillfeather", "555-0142"],
        errors=[{"field": "phone", "value": "555-0142", "reason": "", "expected": ""}],
    )
    IdempotencyKey.objects.create(
        user=ada, key="k", path="/api/v1/leads/", created_at=now, response='{"email": "zq@secret.example"}'
    )
    return lead


def everything() -> str:
    """Every value of every table of ours, as one text in small letters."""
    rows = []
    for model in apps.get_models():
        if model._meta.app_label not in ("admin", "contenttypes", "sessions", "auth"):
            rows += [json.dumps(row, default=str, ensure_ascii=False) for row in model._base_manager.values()]
    return "\n".join(rows).lower()


def test_nothing_is_left_that_says_who(zebulon: Lead, root: User, now: datetime, ledger: Path) -> None:
    assert all(secret in everything() for secret in SECRETS)
    erase.erase(zebulon, reason="wrote to us: Zebulon Quillfeather", by=root, now=now)
    left = everything() + ledger.read_text().lower()
    assert [secret for secret in SECRETS if secret in left] == []
    assert ledger.stat().st_mode & 0o777 == 0o600


def test_the_call_stays_provable(zebulon: Lead, root: User, ada: User, now: datetime) -> None:
    before = CallAttempt.objects.get()
    dialled = Dial.objects.count()
    erase.erase(zebulon, reason="", by=root, now=now)
    call = CallAttempt.objects.get()
    kept = ("user_id", "started_at", "duration_seconds", "outcome_id", "guard", "breach", "attempt")
    assert [getattr(call, name) for name in kept] == [getattr(before, name) for name in kept]
    assert (call.number, call.notes, call.number_digest) == (None, "", erasure.digests(OWN)[0])
    assert Dial.objects.count() == dialled
    consent = Consent.objects.get()
    assert (consent.kind, consent.evidence) == (
        "consent",
        "sealed " + erasure.seal("Zebulon's form"),
    )
    assert Complaint.objects.get().said == "I, …, will report you"


def test_everything_planned_ends(zebulon: Lead, root: User, now: datetime) -> None:
    pursue.start([zebulon], by=root, now=now)
    erase.erase(zebulon, reason="", by=root, now=now)
    assert not Pursuit.objects.open().exists()
    assert not FollowUp.objects.open().exists()
    assert Pursuit.objects.order_by("-pk")[0].end_reason in ("erased", "do_not_call")
    assert Promise.objects.get().cancelled_at == now
    zebulon.refresh_from_db()
    assert (zebulon.erased_at, zebulon.temperature, zebulon.owner) == (now, "cold", None)
    assert not Lead.objects.live().exists()


def test_a_pursuit_that_was_open_ends_as_erased(a_lead: ALead, ada: User, root: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    erase.erase(lead, reason="asked", by=root, now=now)
    assert Pursuit.objects.get().end_reason == "erased"
    event = AuditEvent.objects.get(action="lead.erased")
    assert (event.actor, event.reason, event.after["digests"]) == (root, "asked", 1)


def test_an_open_call_ends_and_takes_no_notes_any_more(
    a_lead: ALead, ada: User, root: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    call = calls.dial(lead, user=ada, now=now)
    erase.erase(lead, reason="", by=root, now=now)
    with pytest.raises(refusals.AttemptClosed):
        outcomes.log_outcome(call, outcomes.Logged("callback_requested", notes="rosebud"), user=ada, now=now)
    assert "rosebud" not in everything()


def test_only_an_admin(zebulon: Lead, ada: User, max_: User, now: datetime, ledger: Path) -> None:
    before = everything()
    for user in (ada, max_):
        with pytest.raises(refusals.NotYours):
            erase.erase(zebulon, reason="", by=user, now=now)
    assert (everything(), ledger.exists()) == (before, False)


def test_twice_changes_nothing(zebulon: Lead, root: User, now: datetime) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    before = everything()
    assert erase.erase(zebulon, reason="", by=root, now=now + timedelta(days=1)).erased_at == now
    assert everything() == before


# --- never again ---------------------------------------------------------------------------------------------


def refused(make: Callable[[], Any]) -> list[str]:
    with pytest.raises(LeadRefused) as refusal:
        make()
    assert not any(secret in str(refusal.value).lower() for secret in SECRETS)
    return [error.code for error in refusal.value.errors]


@pytest.mark.parametrize(
    "fields, phones, ids",
    [
        pytest.param({"last_name": "Other"}, ["212 555 0142"], {}, id="the number, by whatever name"),
        pytest.param({"last_name": "Other", "email": "ZQ@secret.example"}, [], {}, id="the e-mail"),
        pytest.param({"last_name": "Other"}, [], {"crm": "crm-4711"}, id="the id in another system"),
        pytest.param(
            {"first_name": "zebulon", "last_name": " QUILLFEATHER "},
            [SWITCHBOARD],
            {},
            id="name and switchboard",
        ),
    ],
)
def test_nobody_brings_them_back(
    zebulon: Lead,
    root: User,
    now: datetime,
    fields: dict[str, str],
    phones: list[str],
    ids: dict[str, str],
) -> None:
    colleague = NewLead({"first_name": "Col", "last_name": "League"}, [PhoneInput(SWITCHBOARD)])
    register.create_lead(colleague, now=now)
    erase.erase(zebulon, reason="", by=root, now=now)
    new = NewLead(fields, [PhoneInput(phone) for phone in phones], ids)
    count = Lead.objects.count()
    assert refused(lambda: register.create_lead(new, now=now)) == ["erased"]
    assert Lead.objects.count() == count


def test_the_switchboard_stays_callable_for_the_others(
    zebulon: Lead, a_lead: ALead, ada: User, root: User, now: datetime
) -> None:
    colleague = a_lead(owner=ada, company="Acme", phones=(SWITCHBOARD,))
    erase.erase(zebulon, reason="", by=root, now=now)
    assert calls.dial(colleague, user=ada, now=now).number.e164 == SWITCHBOARD  # type: ignore[union-attr]
    newcomer = a_lead(owner=ada, company="Acme", phones=(SWITCHBOARD,))
    assert newcomer.pk


def test_an_edit_does_not_bring_number_name_or_mail_back(
    zebulon: Lead, a_lead: ALead, ada: User, root: User, now: datetime
) -> None:
    colleague = a_lead(owner=ada, phones=(SWITCHBOARD,))
    erase.erase(zebulon, reason="", by=root, now=now)
    for changes in (
        {"phone": OWN},
        {"phones": [OWN, SWITCHBOARD]},
        {"first_name": "Zebulon", "last_name": "Quillfeather"},
        {"email": "zq@secret.example"},
        {"external_ids": {"crm": "crm-4711"}},
    ):
        assert refused(lambda given=changes: register.edit_lead(colleague, given, by=ada, now=now)) == [
            "erased"
        ]
    register.edit_lead(colleague, {"last_name": "Married"}, by=ada, now=now)


def test_a_file_does_not_bring_them_back(
    zebulon: Lead, root: User, now: datetime, tmp_path: Path, capsys: Any
) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    path = tmp_path / "list.csv"
    path.write_text("Name,Phone\nAnn Lee,+12125550191\nZebulon Quillfeather,(212) 555-0142\n")
    for more in (["--dry-run"], []):
        out = StringIO()
        call_command("import_leads", str(path), "--list", "L", "--region", "US", "--json", *more, stdout=out)
        told = json.loads(out.getvalue())
        assert (told["created"], told["refused"]) == (1, 1)
        assert "quillfeather" not in out.getvalue().lower()
    assert Lead.objects.live().count() == 1
    left = everything()
    assert [secret for secret in SECRETS if secret in left] == []


def test_a_namesake_on_the_same_number_is_the_same_person(
    a_lead: ALead, ada: User, root: User, now: datetime
) -> None:
    one, twin = (
        a_lead(first_name="Jo", last_name="Twin", company="Acme", owner=ada, phones=(OWN,)) for _ in range(2)
    )
    assert erase.namesakes(one) == [twin]
    erase.erase(one, reason="", by=root, now=now)
    assert erasure.erased_among([OWN, SWITCHBOARD]) == {OWN}
    assert twin.lead_numbers.current().count() == 1


def test_merged_leads_go_with_the_one_they_went_into(
    a_lead: ALead, root: User, now: datetime, zebulon: Lead
) -> None:
    survivor = a_lead()
    Lead.objects.filter(pk=zebulon.pk).update(merged_into=survivor)
    with pytest.raises(refusals.Invalid):
        erase.erase(zebulon, reason="", by=root, now=now)
    erase.erase(survivor, reason="", by=root, now=now)
    left = everything()
    assert [secret for secret in SECRETS if secret in left] == []


# --- keys ----------------------------------------------------------------------------------------------------


def test_one_query_answers_for_any_number_of_people(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert erasure.erased_callees((f"+1212555{n:04d}", f"Jo {n}") for n in range(500)) == set()


def test_the_look_up_uses_indexes(zebulon: Lead, root: User, now: datetime) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans a tiny table by reading it")
    rows = Suppression.objects.filter(erasure.Lookup([(OWN, "Jo")]).q).values_list("digest", "key_id")
    plan = rows.explain()
    # Not the whole list, which may be long: only entries of erased persons, or the very digests.
    assert "erased_key" in plan or "digest_suppressed_once" in plan, plan


def test_a_new_key_leaves_the_old_digests_readable(
    zebulon: Lead, a_lead: ALead, root: User, now: datetime, settings: Any
) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    old = settings.ERASURE_KEYS[0]
    settings.ERASURE_KEYS = ("a newer key that is long enough", old)
    assert erasure.erased_among([OWN]) == {OWN}
    erase.erase(a_lead(phones=("+12125550199",)), reason="", by=root, now=now)
    assert set(Suppression.objects.filter(scope="erased").values_list("key_id", flat=True)) == {
        erasure.key_id(old),
        erasure.key_id(settings.ERASURE_KEYS[0]),
    }
    assert erasure.erased_among([OWN, "+12125550199", "+12125550188"]) == {OWN, "+12125550199"}


@pytest.mark.parametrize("keys", [("b" * 20,), ("b" * 20, "c" * 20), tuple(c * 20 for c in "bcdefgh")])
def test_without_the_key_nobody_may_be_called(
    zebulon: Lead, root: User, now: datetime, settings: Any, keys: tuple[str, ...]
) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    missing = erasure.current_key_id()
    settings.ERASURE_KEYS = keys
    with pytest.raises(erasure.KeyMissing, match=missing):
        erasure.erased_among([SWITCHBOARD])
    assert erasure.keys_missing() == [missing]
    new = NewLead({"last_name": "New"}, [PhoneInput("+12125550155")])
    assert refused(lambda: register.create_lead(new, now=now)) == ["erasure_key_missing"]
    stranger = Lead.objects.create(last_name="Old", created_at=now)
    edited = refused(lambda: register.edit_lead(stranger, {"phone": "+12125550156"}, by=root, now=now))
    assert edited == ["erasure_key_missing"]


def test_the_guard_blocks_an_erased_number(a_lead: ALead, ada: User, root: User, now: datetime) -> None:
    twins = [
        a_lead(first_name="Jo", last_name="Twin", company="Acme", owner=ada, phones=(OWN,)) for _ in range(2)
    ]
    erase.erase(twins[0], reason="", by=root, now=now)
    with pytest.raises(refusals.GuardBlocked) as block:
        calls.dial(twins[1], user=ada, now=now)
    assert block.value.verdict is not None
    assert block.value.verdict.codes[0] == "erased"


# --- the ledger ----------------------------------------------------------------------------------------------


def test_a_backup_does_not_bring_them_back(zebulon: Lead, a_lead: ALead, root: User, now: datetime) -> None:
    other = a_lead()
    ids = {}
    with CaptureQueriesContext(connection):
        from django.db import transaction

        with transaction.atomic():
            erase.erase(zebulon, reason="asked", by=root, now=now)
            ids["digests"] = set(Suppression.objects.filter(scope="erased").values_list("digest", flat=True))
            transaction.set_rollback(True)
    # The database is as it was before; the ledger is not.
    assert "quillfeather" in everything()
    assert erase.reapply(now=now) == [zebulon.pk]
    left = everything()
    assert [secret for secret in SECRETS if secret in left] == []
    assert set(Suppression.objects.filter(scope="erased").values_list("digest", flat=True)) == ids["digests"]
    assert Lead.objects.live().get() == other
    assert erase.reapply(now=now) == []


def test_the_ledger_of_another_installation_erases_nobody(
    a_lead: ALead, zebulon: Lead, root: User, now: datetime
) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    Lead.objects.filter(pk=zebulon.pk).update(
        erased_at=None, last_name="Else", created_at=now - timedelta(days=9)
    )
    assert erase.reapply(now=now) == []


def test_without_a_ledger_nothing_happens(django_assert_num_queries: Any, now: datetime) -> None:
    with django_assert_num_queries(0):
        assert erase.reapply(now=now) == []


# --- the command, and every kind of row ----------------------------------------------------------------------


def test_the_command_says_what_it_did(zebulon: Lead) -> None:
    out = StringIO()
    call_command("erase", str(zebulon.pk), "--reason", "letter of 3 May", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["lead"], told["key_id"], told["namesakes"]) == (zebulon.pk, erasure.current_key_id(), [])
    assert told["rows"]["calls"] == 1
    assert set(Suppression.objects.filter(scope="erased").values_list("reason", flat=True)) == {
        "letter of 3 May"
    }


@pytest.mark.parametrize("arguments", [["99999"], ["x"], ["9" * 30], [], ["1", "--reapply"]])
def test_the_command_refuses_clearly(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="LEAD"):
        call_command("erase", *arguments)


def test_every_row_of_a_lead_has_a_decision() -> None:
    decided = {*forgetting.GONE, *forgetting.WITHOUT_WORDS, *forgetting.KEPT_WHOLE}
    of_lead = {
        relation.related_model
        for relation in Lead._meta.get_fields(include_hidden=True)
        if (relation.one_to_many or relation.one_to_one) and relation.related_model is not Lead
    }
    through = {UnmatchedTouchpoint.candidates.through, ImportedRow}
    assert of_lead - decided - through == set()


def test_touchpoints_and_ids_of_the_person_are_gone_or_bare(zebulon: Lead, root: User, now: datetime) -> None:
    erase.erase(zebulon, reason="", by=root, now=now)
    assert not ExternalId.objects.exists()
    assert set(Touchpoint.objects.values_list("summary", "external_id", "url")) <= {("", "", "")}


def test_another_lead_s_consent_for_the_number_does_not_grow_to_all_its_numbers(
    a_lead: ALead, ada: User, root: User, now: datetime
) -> None:
    theirs = a_lead(last_name="Quist", owner=ada, country="PL", phones=(OWN, "+48123456789"))
    Consent.objects.create(
        lead=theirs,
        number=Number.objects.get(e164=OWN),
        starts_at=now - timedelta(days=9),
        recorded_at=now,
        evidence="form 7",
    )
    register.edit_lead(theirs, {"phones": ["+48123456789"]}, by=root, now=now, action="lead.wrong_number")
    owner = a_lead(last_name="Nowak", owner=ada, phones=(OWN,))
    before = guarding.verdict(theirs, now=now)
    erase.erase(owner, reason="asked", by=root, now=now)
    assert not Number.objects.filter(e164=OWN).exists()
    assert guarding.verdict(theirs, now=now).codes == before.codes
    assert "consent_missing" in before.codes
    kept = Consent.objects.get()
    assert (kept.number, kept.ends_at, kept.evidence) == (None, now, "form 7")
    assert AuditEvent.objects.filter(action="consent.ended", lead=theirs, actor=root).count() == 1
