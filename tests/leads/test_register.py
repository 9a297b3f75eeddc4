"""One door for new and changed leads: what it stores, what it refuses, and how few statements it takes."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from leads.models import AuditEvent, Company, ExternalId, Lead, LeadList, Number
from leads.register import LeadRefused, NewLead, PhoneInput, create_lead, create_leads, edit_lead, home_of

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def make(phones=(), external_ids=None, **fields):
    new = NewLead(fields, [PhoneInput(phone) for phone in phones], external_ids or {})
    return create_lead(new, now=NOW)


def errors_of(**fields):
    with pytest.raises(LeadRefused) as refused:
        make(**fields)
    assert not Lead.objects.exists()
    return {(error.field, error.code) for error in refused.value.errors}


def test_a_lead_is_stored_as_it_will_be_compared(ada):
    new = NewLead(
        {
            "first_name": "  Ann ",
            "last_name": "Lee  Jones",
            "email": "Ann@Example.COM",
            "company": "ABC  Ltd",
            "country": "united states",
            "region": "New York",
            "language": "English",
            "value": "1200.5",
            "time_zone": "America/New_York",
        },
        [PhoneInput("(212) 555-0123 ext 7", label="work"), PhoneInput("+45 32 12 34 56")],
        {"hubspot": " 77 "},
    )
    lead = create_lead(new, owner=ada, by=ada, now=NOW)
    lead.refresh_from_db()
    assert (lead.first_name, lead.last_name, lead.email) == ("Ann", "Lee Jones", "ann@example.com")
    assert (lead.company.name, lead.audience) == ("ABC Ltd", "business")
    assert (lead.country, lead.region, lead.language) == ("US", "NY", "en")
    assert str(lead.value) == "1200.50"
    assert (lead.owner, lead.team, lead.created_by, lead.created_at) == (ada, ada.team, ada, NOW)
    assert lead.zone_confirmed_at is None
    first, second = lead.lead_numbers.select_related("number")
    assert (first.number.e164, first.extension, first.label, first.region_used) == (
        "+12125550123",
        "7",
        "work",
        "US",
    )
    assert (second.number.e164, second.position) == ("+4532123456", 1)
    assert list(lead.external_id_rows.values_list("source", "external_id")) == [("hubspot", "77")]


@pytest.mark.parametrize(
    "fields, error",
    [
        pytest.param({}, ("lead", "required"), id="nobody"),
        pytest.param({"company": "ABC"}, ("lead", "required"), id="a company alone"),
        pytest.param({"first_name": "x" * 101}, ("first_name", "too_long"), id="long name"),
        pytest.param({"first_name": "a\x00b"}, ("first_name", "invalid"), id="NUL"),
        pytest.param({"first_name": "a\ud800"}, ("first_name", "invalid"), id="half a surrogate pair"),
        pytest.param({"first_name": ["x"]}, ("first_name", "invalid"), id="list for a name"),
        pytest.param({"email": "ann@"}, ("email", "invalid"), id="e-mail"),
        pytest.param({"first_name": "A", "country": "Atlantis"}, ("country", "invalid"), id="country"),
        pytest.param(
            {"first_name": "A", "country": "US", "region": "Narnia"}, ("region", "invalid"), id="state"
        ),
        pytest.param({"first_name": "A", "value": "NaN"}, ("value", "invalid"), id="not a number"),
        pytest.param({"first_name": "A", "value": "-1"}, ("value", "invalid"), id="negative value"),
        pytest.param({"first_name": "A", "value": "1e20"}, ("value", "invalid"), id="huge value"),
        pytest.param({"first_name": "A", "time_zone": "CET5"}, ("time_zone", "invalid"), id="zone"),
        pytest.param({"first_name": "A", "language": "klingonish"}, ("language", "invalid"), id="language"),
        pytest.param({"first_name": "A", "audience": "all"}, ("audience", "invalid"), id="audience"),
        pytest.param({"first_name": "A", "fit": 101}, ("fit", "invalid"), id="fit"),
        pytest.param(
            {"first_name": "A", "website": "javascript:alert(1)"}, ("website", "invalid"), id="script link"
        ),
        pytest.param({"first_name": "A", "owner": 1}, ("owner", "unknown"), id="mass assignment"),
        pytest.param({"phones": ["12"]}, ("phone", "invalid"), id="number"),
        pytest.param({"external_ids": {"crm": ""}}, ("external_ids", "required"), id="blank external id"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(fields, error):
    assert error in errors_of(**fields)


def test_every_wrong_field_is_named_at_once():
    found = errors_of(email="x", country="Atlantis", phones=["1"])
    assert {field for field, _code in found} == {"email", "country", "phone"}


def test_a_company_and_a_role_are_somebody():
    assert make(company="ABC", job_title="Head of purchasing").person == ""


@pytest.mark.parametrize(
    "given, country, region",
    [
        ("us", "US", ""),
        ("USA", "US", ""),
        ("United States of America", "US", ""),
        ("Danmark", "DK", ""),
        ("Deutschland", "DE", ""),
        ("Россия", "RU", ""),
        ("Wielka Brytania", "GB", ""),
        ("UK", "GB", ""),
    ],
)
def test_countries_are_known_by_their_names(given, country, region):
    assert make(first_name="A", country=given).country == country


@pytest.mark.parametrize(
    "country, given, region",
    [
        ("US", "ny", "NY"),
        ("US", "US-NY", "NY"),
        ("US", "california", "CA"),
        ("CA", "Québec", "QC"),
        ("AU", "nsw", "NSW"),
        ("DE", "Bayern", "BY"),
        ("", "Texas", "TX"),
        ("DK", "84", "84"),
    ],
)
def test_regions_are_kept_as_codes(country, given, region):
    assert make(first_name="A", country=country, region=given).region == region


def test_companies_are_found_whatever_the_case():
    first = make(first_name="A", company="Ærø Bryg A/S")
    news = [
        NewLead({"first_name": "B", "company": name}) for name in ("ÆRØ BRYG A/S", "ærø bryg a/s", "Other")
    ]
    made = create_leads(news, now=NOW)
    assert made[0].company_id == made[1].company_id == first.company_id
    assert Company.objects.count() == 2


def test_two_leads_share_one_number_row():
    make(first_name="A", phones=["+1 212 555 0123"])
    make(first_name="B", phones=["2125550123"])
    assert Number.objects.with_shared().get().shared


def test_an_external_id_that_is_taken_refuses_its_lead_alone():
    make(first_name="A", external_ids={"crm": "1"})
    news = [
        NewLead({"first_name": n}, external_ids={"crm": e}) for n, e in (("B", "1"), ("C", "2"), ("D", "2"))
    ]
    b, c, d = create_leads(news, now=NOW)
    assert [error.code for error in b.errors + d.errors] == ["taken", "taken"]
    assert c.first_name == "C"
    assert Lead.objects.count() == ExternalId.objects.count() == 2


def test_the_statements_do_not_grow_with_the_rows(max_):
    sheet = LeadList.objects.create(name="Fair", created_at=NOW)

    def count(n, offset):
        news = [
            NewLead(
                {"first_name": f"A{i}", "email": f"a{i}@example.com", "company": f"Firm {i % 50 + offset}"},
                [PhoneInput(f"+1212555{i % 9000 + 1000}")],
                {"crm": str(i)},
            )
            for i in range(offset, offset + n)
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            made = create_leads(news, lead_list=sheet, team=max_.team, by=max_, now=NOW)
        assert all(isinstance(lead, Lead) for lead in made)
        return len(queries)

    assert count(10, 0) == count(1000, 10) <= 16
    assert sheet.leads.count() == 1010


def test_a_refused_row_spoils_nothing():
    good, bad = create_leads([NewLead({"first_name": "A"}), NewLead({"email": "x"})], now=NOW)
    assert good.pk
    assert isinstance(bad, LeadRefused)


def test_whose_a_new_lead_is(ada, max_, root):
    assert home_of(ada) == (ada, ada.team)
    assert home_of(max_) == (None, max_.team)
    assert home_of(root) == home_of(None) == (None, None)


class TestEdit:
    def test_what_changed_is_recorded_with_before_and_after(self, ada):
        lead = make(first_name="A", email="a@example.com", country="US", company="ABC")
        edited = edit_lead(
            lead, {"region": "ny", "audience": "consumer", "email": "A@example.com"}, by=ada, now=NOW
        )
        assert (edited.region, edited.audience) == ("NY", "consumer")
        event = AuditEvent.objects.get()
        assert (event.actor, event.lead, event.at) == (ada, lead, NOW)
        assert event.before == {"region": "", "audience": "business"}
        assert event.after == {"region": "NY", "audience": "consumer"}

    def test_nothing_changed_leaves_no_trace(self, ada):
        lead = make(first_name="A", phones=["+4532123456"])
        edit_lead(lead, {"first_name": " A ", "phones": ["+45 32 12 34 56"]}, by=ada, now=NOW)
        assert not AuditEvent.objects.exists()

    def test_a_zone_that_is_set_is_the_addresss_and_confirms_nothing(self, ada):
        lead = make(first_name="A", time_zone="Europe/Copenhagen")
        Lead.objects.update(confirmed_zone="Europe/Paris", zone_confirmed_at=NOW, zone_confirmed_by=ada)
        edited = edit_lead(lead, {"time_zone": "America/Denver"}, by=ada, now=NOW)
        assert (edited.time_zone, edited.confirmed_zone) == ("America/Denver", "Europe/Paris")
        new = make(first_name="B", time_zone="America/Denver")
        assert (new.confirmed_zone, new.zone_confirmed_at) == ("", None)

    def test_phones_replace_the_numbers_and_keep_the_history(self, ada):
        lead = make(first_name="A", phones=["+4532123456", "+4532123457"])
        edit_lead(lead, {"phones": ["+4532123458", "+4532123457"]}, by=ada, now=NOW)
        current = lead.lead_numbers.current().order_by("position").values_list("number__e164", flat=True)
        assert list(current) == ["+4532123458", "+4532123457"]
        assert lead.lead_numbers.get(number__e164="+4532123456").detached_at == NOW

    def test_phone_goes_first_and_the_others_stay(self, ada):
        lead = make(first_name="A", phones=["+4532123456"])
        edit_lead(lead, {"phone": "+4532123457"}, by=ada, now=NOW)
        current = lead.lead_numbers.current().order_by("position").values_list("number__e164", flat=True)
        assert list(current) == ["+4532123457", "+4532123456"]

    def test_a_refused_change_changes_nothing(self, ada):
        lead = make(first_name="A", external_ids={"crm": "1"})
        make(first_name="B", external_ids={"crm": "2"})
        changes = {"first_name": "C", "email": "x", "phone": "1", "external_ids": {"crm": "2"}}
        with pytest.raises(LeadRefused) as refused:
            edit_lead(lead, changes, by=ada, now=NOW)
        assert {error.field for error in refused.value.errors} == {"email", "phone", "external_ids"}
        lead.refresh_from_db()
        assert lead.first_name == "A"
        assert not AuditEvent.objects.exists()

    def test_a_lead_cannot_be_edited_into_nobody(self, ada):
        lead = make(first_name="A")
        with pytest.raises(LeadRefused):
            edit_lead(lead, {"first_name": ""}, by=ada, now=NOW)
        lead.refresh_from_db()
        assert lead.first_name == "A"

    def test_external_ids_are_set_and_removed_by_source(self, ada):
        lead = make(first_name="A", external_ids={"crm": "1", "old": "2"})
        edit_lead(lead, {"external_ids": {"crm": "3", "old": ""}}, by=ada, now=NOW)
        assert dict(lead.external_id_rows.values_list("source", "external_id")) == {"crm": "3"}


def test_a_number_row_is_one_however_it_is_made():
    Number.objects.create(e164="+4532123456")
    with pytest.raises(IntegrityError):
        Number.objects.create(e164="+4532123456")
