"""What a loaded, old, missing or half-loaded do-not-call list means to a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Consent, Number, RegistryArea, RegistryLoad, Workspace
from tests.lists import load_list
from touchpoints import calls, guarding, refusals
from touchpoints.models import CallAttempt, Dial

DAY = timedelta(days=1)
NEW_YORK, LONDON = "+12125550101", "+442079460101"

pytestmark = pytest.mark.usefixtures("no_lists")


@pytest.fixture
def lists(tmp_path, now):
    """lists("us-ftc", age=3, numbers=[…]): a list so many days old; without numbers it holds nobody of the test."""

    def load(*registries: str, age: int = 1, numbers: tuple[str, ...] = ()) -> None:
        for registry in registries:
            american = registry == "us-ftc"
            lines = ["212,0000000"] if american else ["01000000000"]
            lines += [f"{e164[2:5]},{e164[5:]}" if american else f"0{e164[3:]}" for e164 in numbers]
            on = now.date() - age * DAY
            row = load_list(tmp_path, registry, "\n".join(lines) + "\n", on=on, now=now)
            assert row.status == "loaded", row.why

    return load


@pytest.fixture
def consumer(a_lead, ada):
    return a_lead(owner=ada, phones=(NEW_YORK,), country="US", region="NY", audience="consumer")


@pytest.fixture
def firm(a_lead, ada):
    return a_lead(owner=ada, phones=(NEW_YORK,), company="Acme", country="US", region="NY")


@pytest.fixture
def british_firm(a_lead, ada):
    return a_lead(owner=ada, phones=(LONDON,), company="Acme Ltd", country="GB")


def codes(lead, now) -> tuple[str, ...]:
    return tuple(reason.code for reason in guarding.verdict(lead, now=now).reasons)


def test_a_household_is_blocked_until_its_areas_list_is_loaded(consumer, lists, now):
    assert codes(consumer, now) == ("registry_area_not_loaded",)
    assert guarding.gather([consumer], now=now)[consumer.pk].missing()[0] == "load_registry"
    lists("us-ftc")
    assert codes(consumer, now) == ()


@pytest.mark.parametrize(("age", "expected"), [(31, ()), (32, ("registry_list_stale",))])
def test_an_american_list_serves_31_days(consumer, lists, now, age, expected):
    lists("us-ftc", age=age)
    assert codes(consumer, now) == expected


@pytest.mark.parametrize(("age", "expected"), [(28, ()), (29, ("registry_list_stale",))])
def test_the_british_lists_serve_28_days(british_firm, lists, now, age, expected):
    lists("uk-tps", age=1)
    lists("uk-ctps", age=age)
    assert codes(british_firm, now) == expected


def test_both_british_lists_are_needed_for_companies_too(british_firm, lists, now):
    lists("uk-tps")
    assert codes(british_firm, now) == ("registry_area_not_loaded",)
    lists("uk-ctps", numbers=(LONDON,))
    assert codes(british_firm, now) == ("registry_hit",)


def test_a_registered_household_is_not_called_whoever_asks(consumer, lists, ada, now):
    lists("us-ftc", numbers=(NEW_YORK,))
    assert codes(consumer, now) == ("registry_hit",)
    with pytest.raises(refusals.Refused) as refused:
        calls.dial(consumer, user=ada, warn_reason="I want to", now=now)
    assert refused.value.code == "guard_blocked"
    assert not CallAttempt.objects.exists()
    assert not Dial.objects.exists()


BUSINESS = [("unknown", "warn"), ("mobile", "warn"), ("fixed", "allow")]


@pytest.mark.parametrize(("line_type", "decision"), BUSINESS)
def test_a_firm_needs_no_list_but_a_registered_mobile_warns(firm, lists, now, line_type, decision):
    assert codes(firm, now) == ()
    Number.objects.update(line_type=line_type)
    lists("us-ftc", age=90, numbers=(NEW_YORK,))
    assert guarding.verdict(firm, now=now).decision == decision


LIFTS = [
    ("consent", 900, True),
    ("purchase", 500, True),
    ("purchase", 600, False),
    ("enquiry", 80, True),
    ("enquiry", 100, False),
]


@pytest.mark.parametrize(("kind", "ago", "lifts"), LIFTS)
def test_what_lifts_a_registration_of_a_household(consumer, lists, now, kind, ago, lifts):
    lists("us-ftc", numbers=(NEW_YORK,))
    Consent.objects.create(
        lead=consumer, kind=kind, starts_at=now - ago * DAY, evidence="a form", recorded_at=now
    )
    assert codes(consumer, now) == (() if lifts else ("registry_hit",))


def test_a_relationship_does_not_lift_a_british_registration(british_firm, lists, now):
    lists("uk-tps", "uk-ctps", numbers=(LONDON,))
    Consent.objects.create(
        lead=british_firm, kind="purchase", starts_at=now - DAY, evidence="an order", recorded_at=now
    )
    assert codes(british_firm, now) == ("registry_hit",)


def test_a_list_being_loaded_counts_as_stale(consumer, lists, now):
    lists("us-ftc")
    underway = RegistryLoad.objects.create(
        registry="us-ftc",
        file_name="x",
        at=now,
        status="loading",
        claimed_until=datetime.now(UTC) + DAY,
        host="elsewhere",
    )
    RegistryArea.objects.update(loading=underway)
    assert codes(consumer, now) == ("registry_list_stale",)


def test_the_verdict_names_the_list_it_was_made_by(consumer, lists, now):
    lists("us-ftc", age=3)
    facts = guarding.gather([consumer], now=now)[consumer.pk].facts
    (fact,) = next(iter(facts.values())).registries
    assert (fact.registry, fact.list_date) == ("us-ftc", now.date() - 3 * DAY)
    assert fact.load == RegistryLoad.objects.get().pk


def test_lists_cost_one_query_for_many_leads(a_lead, lists, now):
    lists("us-ftc")
    leads = [a_lead(country="US", region="NY", audience="consumer") for _lead in range(12)]

    def queries(some) -> int:
        guarding.verdicts(some, now=now)
        with CaptureQueriesContext(connection) as seen:
            guarding.verdicts(some, now=now)
        return sum("registryarea" in one["sql"] for one in seen)

    assert queries(leads[:1]) == queries(leads) == 1


DANE = "+4532123456"


def test_an_insurer_may_call_danish_households_that_the_robinson_list_leaves_out(
    a_lead, lists, now, tmp_path
):
    """Of the trades that the rule exempts; `Workspace.trades` says which are ours."""
    dane = a_lead(phones=(DANE,), country="DK", audience="consumer")
    assert codes(dane, now) == ("consent_missing",)
    Workspace.objects.update(trades=["cars"])
    assert codes(dane, now) == ("consent_missing",)
    Workspace.objects.update(trades=["insurance"])
    assert codes(dane, now) == ("registry_area_not_loaded",)
    for text, expected in (("+4532999999\n", ()), (f"{DANE}\n+4532999999\n", ("registry_hit",))):
        row = load_list(tmp_path, "dk-robinson", text, on=now.date(), now=now)
        assert row.status == "loaded", row.why
        assert codes(dane, now) == expected


def test_operators_choose_among_the_trades_that_a_rule_exempts(client, root):
    client.force_login(root)
    page = client.get("/admin/leads/workspace/1/change/")
    form = page.context["adminform"].form
    assert [value for value, _name in form.fields["trades"].choices] == [
        "books",
        "insurance",
        "magazine_subscriptions",
        "newspaper_subscriptions",
        "rescue",
    ]
    said = {name: value for name, value in form.initial.items() if value not in (None, False)}
    assert (
        client.post("/admin/leads/workspace/1/change/", said | {"trades": ["insurance"]}).status_code == 302
    )
    assert Workspace.current().trades == ["insurance"]
    assert client.post("/admin/leads/workspace/1/change/", said | {"trades": ["cars"]}).status_code == 200
    assert Workspace.current().trades == ["insurance"]
    assert client.post("/admin/leads/workspace/1/change/", said | {"trades": []}).status_code == 302
    assert Workspace.current().trades == []
