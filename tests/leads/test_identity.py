"""Whose is it? Every way in which what another system knows may or may not point at a lead."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.identity import Identity, Match, check, duplicates_of, match
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_lead

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PHONE, OTHER_PHONE = "+4532123456", "+4532123457"

pytestmark = pytest.mark.django_db


def lead(first_name="Ann", phones=(), ids=None, owner=None, **fields):
    new = NewLead({"first_name": first_name, **fields}, [PhoneInput(p) for p in phones], ids or {})
    return create_lead(new, owner=owner, now=NOW)


def one(user=None, **identity):
    return match([Identity(**identity)], user=user)[0]


class TestStrongIdentities:
    def test_each_of_them_identifies(self):
        ann = lead(email="ann@example.com", phones=[PHONE], ids={"crm": "7"})
        assert one(id=ann.pk).lead_id == ann.pk
        assert one(source="crm", external_id="7").lead_id == ann.pk
        assert one(email=" ANN@Example.com").lead_id == ann.pk
        assert one(phone="32 12 34 56", region="DK").lead_id == ann.pk

    def test_an_external_id_counts_in_its_own_namespace_only(self):
        lead(ids={"crm": "7"})
        assert one(source="other", external_id="7").is_new

    def test_nobody_known_is_new(self):
        assert one(source="crm", external_id="7", email="x@example.com", phone=PHONE) == Match()

    def test_an_id_that_is_nobodys_is_never_new(self):
        assert one(id=999, email="x@example.com") == Match(unknown_id=True)

    def test_the_strongest_decides_where_a_weaker_one_is_unknown(self):
        ann = lead(email="ann@example.com", ids={"crm": "7"})
        assert one(source="crm", external_id="7", email="new@example.com").lead_id == ann.pk
        assert one(source="crm", external_id="8", email="ann@example.com").lead_id == ann.pk

    def test_two_that_disagree_are_candidates(self):
        ann, bo = lead(ids={"crm": "7"}), lead("Bo", email="bo@example.com")
        found = one(source="crm", external_id="7", email="bo@example.com")
        assert (found.lead_id, found.candidates) == (None, (ann.pk, bo.pk))
        assert one(id=ann.pk, email="bo@example.com").candidates == (ann.pk, bo.pk)

    def test_a_couple_with_one_address_is_told_apart_by_anything_else(self):
        ann = lead(email="us@example.com", phones=[PHONE], ids={"crm": "7"})
        bo = lead("Bo", email="us@example.com", phones=[OTHER_PHONE])
        assert one(email="us@example.com").candidates == (ann.pk, bo.pk)
        assert one(email="us@example.com", source="crm", external_id="7").lead_id == ann.pk
        assert one(email="us@example.com", phone=OTHER_PHONE).lead_id == bo.pk


class TestPhones:
    def test_a_shared_number_identifies_nobody(self):
        lead(phones=[PHONE])
        lead("Bo", phones=[PHONE])
        assert one(phone=PHONE).is_new

    def test_a_number_gives_way_to_a_stronger_identity(self):
        ann = lead(email="ann@example.com")
        lead("Bo", phones=[PHONE])
        assert one(email="ann@example.com", phone=PHONE).lead_id == ann.pk

    def test_another_address_contradicts_a_number(self):
        ann = lead(email="ann@example.com", phones=[PHONE])
        assert one(email="someone@example.com", phone=PHONE).is_new
        assert one(email="ann@example.com", phone=PHONE).lead_id == ann.pk

    def test_an_unknown_address_contradicts_nobody_without_one(self):
        ann = lead(phones=[PHONE])
        assert one(email="ann@example.com", phone=PHONE).lead_id == ann.pk

    def test_another_id_of_the_same_system_contradicts_a_number(self):
        ann = lead(phones=[PHONE], ids={"crm": "7"})
        assert one(source="crm", external_id="8", phone=PHONE).is_new
        assert one(source="mail", external_id="8", phone=PHONE).lead_id == ann.pk

    def test_a_number_that_was_taken_away_identifies_nobody(self):
        ann = lead(phones=[PHONE])
        ann.lead_numbers.update(detached_at=NOW)
        assert one(phone=PHONE).is_new

    def test_the_workspace_says_where_a_bare_number_is(self):
        ann = lead(phones=["+1 212 555 0123"])
        assert one(phone="(212) 555-0123").lead_id == ann.pk


class TestMergedAndErased:
    def test_a_merged_lead_is_its_survivor(self):
        ann, bo, cy = lead(email="ann@example.com", phones=[PHONE], ids={"crm": "7"}), lead("Bo"), lead("Cy")
        Lead.objects.filter(pk=ann.pk).update(merged_into=bo)
        Lead.objects.filter(pk=bo.pk).update(merged_into=cy)
        for identity in (
            {"id": ann.pk},
            {"source": "crm", "external_id": "7"},
            {"email": "ann@example.com"},
            {"phone": PHONE},
        ):
            assert one(**identity).lead_id == cy.pk

    def test_merged_into_one_they_agree(self):
        ann, bo = lead(email="ann@example.com"), lead("Bo", ids={"crm": "7"})
        Lead.objects.filter(pk=ann.pk).update(merged_into=bo)
        assert one(email="ann@example.com", source="crm", external_id="7").lead_id == bo.pk

    def test_an_erased_lead_matches_nothing(self):
        ann = lead(email="ann@example.com", phones=[PHONE], ids={"crm": "7"})
        Lead.objects.update(erased_at=NOW)
        assert one(id=ann.pk) == Match(unknown_id=True)
        assert one(source="crm", external_id="7", email="ann@example.com", phone=PHONE).is_new


class TestWhoMayKnow:
    def test_what_a_user_may_not_see_is_hidden(self, ada, cy):
        theirs = lead(email="ann@example.com", owner=cy)
        assert one(user=ada, email="ann@example.com") == Match(hidden=True)
        assert one(user=ada, id=theirs.pk) == one(user=ada, id=987654) == Match(unknown_id=True)
        assert one(user=cy, email="ann@example.com").lead_id == theirs.pk

    def test_hidden_candidates_are_not_named(self, ada, cy):
        lead(ids={"crm": "7"}, owner=cy)
        mine = lead("Bo", email="bo@example.com", owner=ada)
        found = one(user=ada, source="crm", external_id="7", email="bo@example.com")
        assert (found.candidates, found.hidden, found.is_new) == ((mine.pk,), True, False)


class TestDuplicates:
    def test_a_colleague_at_the_switchboard_is_another_person(self):
        lead(last_name="Lee", phones=[PHONE], company="ABC")
        assert duplicates_of(NewLead({"first_name": "Bo", "company": "ABC"}, [PhoneInput(PHONE)])) == []

    def test_the_same_name_at_a_shared_number_is_the_same_person(self):
        lead("Bo", phones=[PHONE])
        ann = lead(last_name="Lee", phones=[PHONE])
        assert duplicates_of(NewLead({"last_name": "ANN  LEE"}, [PhoneInput(PHONE)])) == [ann.pk]

    def test_a_role_without_a_name_is_told_by_company_and_role(self):
        buyer = lead("", company="ABC", job_title="Buyer", phones=[PHONE])
        lead("", company="ABC", job_title="Owner", phones=[PHONE])
        new = NewLead({"company": "abc", "job_title": "buyer"}, [PhoneInput(PHONE)])
        assert duplicates_of(new) == [buyer.pk]
        new.fields["job_title"] = "Cook"
        assert duplicates_of(new) == []

    def test_a_named_person_is_not_the_role_of_another_company_at_the_same_number(self):
        buyer = lead("", company="ABC", job_title="Buyer", phones=[PHONE])
        new = NewLead({"first_name": "Bo", "last_name": "Lund", "company": "Hubco"}, [PhoneInput(PHONE)])
        assert duplicates_of(new) == []
        new.fields["company"] = "abc"
        assert duplicates_of(new) == [buyer.pk]

    def test_an_address_identifies_whatever_the_name(self):
        ann = lead(email="ann@example.com")
        assert duplicates_of(NewLead({"first_name": "Anne", "email": "ANN@example.com"})) == [ann.pk]

    def test_a_bare_name_needs_the_same_company_or_street(self):
        ann = lead("Ångström", "", company="ABC")
        assert duplicates_of(NewLead({"first_name": "ÅNGSTRÖM", "company": "Abc"})) == [ann.pk]
        assert duplicates_of(NewLead({"first_name": "Ångström", "company": "Other"})) == []
        home = lead("Bo", address="1 High St", postcode="AB1")
        same = {"first_name": "bo", "address": "1 High  st", "postcode": "ab1"}
        assert duplicates_of(NewLead(same)) == [home.pk]
        assert duplicates_of(NewLead({**same, "postcode": "AB2"})) == []


def test_what_cannot_be_read_is_named():
    fields = {error.field for error in check(Identity(email="x@", phone="12", external_id="7"))}
    assert fields == {"email", "phone", "source"}
    assert [error.field for error in check(Identity())] == ["lead"]
    assert check(Identity(email="ann@example.com", phone=PHONE)) == []
    assert one(email="x@", phone="12").is_new


def test_the_queries_do_not_grow_with_the_identities():
    leads = [
        lead(f"A{i}", phones=[f"+45321234{i:02}"], ids={"crm": str(i)}, email=f"a{i}@example.com")
        for i in range(40)
    ]
    identities = [
        Identity(source="crm", external_id=str(i), email=f"a{i}@example.com", phone=f"+45321234{i:02}")
        for i in range(40)
    ]

    def count(n):
        with CaptureQueriesContext(connection) as queries:
            found = match(identities[:n])
        assert [m.lead_id for m in found] == [made.pk for made in leads[:n]]
        return len(queries)

    assert count(1) == count(40) <= 6
