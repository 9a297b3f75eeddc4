"""Does a rule of the guard change only by a checked, audited version, and does the form say what it means?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads import law_rows, law_words
from leads.guard_defaults import DEFAULT_GUARD_RULES
from leads.law import RuleBook
from leads.models import AuditEvent, GuardRule

NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def florida(db: None) -> GuardRule:
    return GuardRule.objects.get(jurisdiction="US-FL", audience="any")


def said(rule: GuardRule, **changed: Any) -> dict[str, Any]:
    return {**law_rows.said(rule), "effective_from": TODAY, **changed}


def refused(error: pytest.ExceptionInfo[law_rows.RuleRefused]) -> dict[str, str]:
    return {one.field: one.code for one in error.value.errors}


# --- the door -------------------------------------------------------------------------------------------------------


def test_a_change_is_a_new_version_and_the_old_one_stays_as_it_was(florida: GuardRule, root: Any) -> None:
    before = law_rows.said(florida)
    made = law_rows.revise(florida, said(florida, dials_cap=2), reason="a new act", by=root, now=NOW)
    florida.refresh_from_db()
    assert (made.version, made.dials_cap) == (2, 2)
    assert law_rows.said(florida) == before
    assert (
        RuleBook(GuardRule.objects.all())
        .rules_for(("US", "US-FL"), "consumer", TODAY)
        .version.endswith("US-FL:2")
    )
    event = AuditEvent.objects.get(action="guard_rule.changed")
    assert (event.before["dials_cap"], event.after["dials_cap"]) == (3, 2)
    assert (event.actor, event.reason, event.subject_id) == (root, "a new act", str(made.pk))


def test_of_two_who_change_the_same_version_the_second_is_refused(florida: GuardRule, root: Any) -> None:
    law_rows.revise(florida, said(florida, dials_cap=2), reason="one", by=root, now=NOW)
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.revise(florida, said(florida, dials_cap=1), reason="two", by=root, now=NOW)
    assert refused(error) == {"": "changed"}
    assert GuardRule.objects.filter(jurisdiction="US-FL").count() == 2


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"windows": {"mon": [["21:00", "08:00"]]}}, "windows.mon", "hours"),
        ({"windows": {"tue": [["08:00", "12:00"], ["11:00", "13:00"]]}}, "windows.tue", "hours"),
        ({"windows": {"wed": [["8x", "12:00"]]}}, "windows.wed", "hours"),
        ({"windows": {"someday": []}}, "windows", "unknown"),
        ({"dials_cap": 0}, "dials_cap", "bounds"),
        ({"dials_cap_hours": 24 * 8}, "dials_cap_hours", "bounds"),
        ({"consent_regime": "perhaps"}, "consent_regime", "unknown"),
        ({"registries": [{"registry": "US FTC", "max_age_days": 31}]}, "registries.0.registry", "unknown"),
        ({"registries": [{"registry": "us-ftc", "max_age_days": 0}]}, "registries.0.max_age_days", "bounds"),
        ({"registries": [{"registry": "a1", "max_age_days": 1}] * 2}, "registries.1.registry", "twice"),
        ({"exemptions": [{"kind": "purchase", "lifts": []}]}, "exemptions.0.lifts", "lifts"),
        ({"exemptions": [{"kind": "purchase", "lifts": ["hours"]}]}, "exemptions.0.lifts", "lifts"),
        ({"exemptions": [{"kind": "luck", "lifts": ["registry"]}]}, "exemptions.0.kind", "unknown"),
        ({"exemptions": [{"kind": "trade", "lifts": ["consent"]}]}, "exemptions.0.trades", "trades"),
        ({"citation": "  "}, "citation", "needed"),
        ({"effective_until": TODAY}, "effective_until", "order"),
        ({"effective_from": TODAY - timedelta(days=1)}, "effective_from", "past"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_makes_no_sense_is_refused_by_name(
    florida: GuardRule, root: Any, changed: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.revise(florida, said(florida, **changed), reason="why", by=root, now=NOW)
    assert refused(error) == {field: code}
    assert GuardRule.objects.filter(jurisdiction="US-FL").count() == 1
    assert not AuditEvent.objects.filter(subject_type="guard_rule").exists()


def test_nothing_changed_and_no_reason_are_refused(florida: GuardRule, root: Any) -> None:
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.revise(florida, said(florida), reason="because", by=root, now=NOW)
    assert refused(error) == {"": "unchanged"}
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.revise(florida, said(florida, dials_cap=1), reason=" ", by=root, now=NOW)
    assert refused(error) == {"reason": "needed"}


@pytest.mark.parametrize(
    ("typed", "kept"), [("no", "NO"), ("us-florida", "US-FL"), ("Norway", "NO"), ("us-pr", "US-PR")]
)
def test_a_place_is_named_as_people_name_it(florida: GuardRule, root: Any, typed: str, kept: str) -> None:
    GuardRule.objects.filter(jurisdiction=kept).delete()
    made = law_rows.add(said(florida, jurisdiction=typed), reason="new", by=root, now=NOW)
    assert (made.jurisdiction, made.version) == (kept, 1)


@pytest.mark.parametrize("place", ["Atlantis", "US-ZZ", "*-FL", ""])
def test_an_unknown_place_is_refused(florida: GuardRule, root: Any, place: str) -> None:
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.add(said(florida, jurisdiction=place), reason="new", by=root, now=NOW)
    assert refused(error) == {"jurisdiction": "unknown"}


def test_a_second_rule_of_the_same_place_is_refused(florida: GuardRule, root: Any) -> None:
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.add(said(florida), reason="again", by=root, now=NOW)
    assert refused(error) == {"jurisdiction": "exists"}


def test_a_version_to_come_binds_from_its_day_and_can_be_taken_back(florida: GuardRule, root: Any) -> None:
    starts = TODAY + timedelta(days=10)
    made = law_rows.revise(
        florida, said(florida, dials_cap=1, effective_from=starts), reason="act", by=root, now=NOW
    )
    versions = law_rows.versions_of(florida)
    assert law_rows.in_force(versions, TODAY) == florida
    assert law_rows.in_force(versions, starts) == made
    assert law_rows.standing(made, versions, TODAY) == "scheduled"
    law_rows.withdraw(made, reason="not passed", by=root, now=NOW)
    assert law_rows.in_force(law_rows.versions_of(florida), starts) == florida
    with pytest.raises(law_rows.RuleRefused):
        law_rows.withdraw(florida, reason="too late", by=root, now=NOW)


def test_retiring_ends_every_version_so_that_none_comes_back(florida: GuardRule, root: Any) -> None:
    made = law_rows.revise(florida, said(florida, dials_cap=1), reason="act", by=root, now=NOW)
    law_rows.retire(made, reason="repealed", by=root, now=NOW)
    assert law_rows.in_force(law_rows.versions_of(florida), TODAY) is None
    assert RuleBook(GuardRule.objects.all()).rules_for(("US", "US-FL"), "business", TODAY).version == (
        "US:1 US/business:1"
    )
    again = law_rows.revise(made, said(made), reason="back in force", by=root, now=NOW)
    assert law_rows.in_force(law_rows.versions_of(florida), TODAY) == again


def test_the_rule_of_anywhere_else_cannot_be_ended_or_emptied(db: None, root: Any) -> None:
    world = GuardRule.objects.get(jurisdiction="*")
    with pytest.raises(law_rows.RuleRefused):
        law_rows.retire(world, reason="no", by=root, now=NOW)
    with pytest.raises(law_rows.RuleRefused) as error:
        law_rows.revise(world, said(world, windows={}, dials_cap=None), reason="no", by=root, now=NOW)
    assert refused(error) == {"windows": "needed", "dials_cap": "needed"}


def test_verifying_changes_no_version(florida: GuardRule, root: Any) -> None:
    law_rows.verify(florida, by=root, now=NOW)
    florida.refresh_from_db()
    assert (florida.verified_on, florida.version) == (TODAY, 1)
    assert AuditEvent.objects.get(action="guard_rule.verified").after["verified_on"] == TODAY.isoformat()


def test_every_rule_that_ships_can_be_kept_and_said() -> None:
    for row in DEFAULT_GUARD_RULES:
        values = {field: row[field] for field in law_rows.FIELDS}
        assert law_rows.problems(values) == [], row["jurisdiction"]
        assert all(one.text for one in law_words.in_words(values))


# --- in words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ({}, "says nothing about hours: the wider rule holds"),
        ({day: [["08:00", "21:00"]] for day in law_words.WEEKDAYS}, "every day 08:00–21:00"),
        (
            {day: [["09:00", "21:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
            | {"sun": [["13:30", "21:00"]]},
            "Mon–Fri 09:00–21:00, Sat closed, Sun 13:30–21:00",
        ),
    ],
)
def test_a_week_in_words(windows: dict[str, list[list[str]]], words: str) -> None:
    assert law_words.week_in_words(windows) == words


# --- the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(root: Any) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def manager(max_: Any) -> Client:
    client = Client()
    client.force_login(max_)
    return client


def form_of(rule: GuardRule, **changed: str) -> dict[str, str]:
    """What the form of a rule posts when nothing but `changed` was typed."""
    windows = {
        f"{day}-{place}-{edge}": text
        for day, pairs in rule.windows.items()
        for place, pair in enumerate(pairs)
        for edge, text in zip(("from", "until"), pair, strict=True)
    }
    empty = {
        f"{rows}-{name}_FORMS": "0" for rows in ("registries", "exemptions") for name in ("TOTAL", "INITIAL")
    }
    return {
        "step": "save",
        "has_hours": "yes" if rule.windows else "no",
        **windows,
        **empty,
        "hours_bind_business": "on",
        "dials_cap": str(rule.dials_cap or ""),
        "dials_cap_hours": str(rule.dials_cap_hours),
        "refusal_bars_days": str(rule.refusal_bars_days),
        "citation": rule.citation,
        "verified_on": rule.verified_on.isoformat() if rule.verified_on else "",
        "effective_from": "2099-01-01",
        "reason": "a new act",
        **changed,
    }


def test_the_form_keeps_what_it_shows(admin: Client, db: None) -> None:
    """Posting a rule's form as it stands changes nothing, registries and exemptions included."""
    for place, audience in (
        ("US", "consumer"),
        ("US-FL", "any"),
        ("DK", "consumer"),
        ("US-PA", "any"),
        ("GB", "any"),
    ):
        rule = GuardRule.objects.get(jurisdiction=place, audience=audience)
        page = admin.get(reverse("rules_guard_edit", args=[rule.pk]))
        form = page.context["form"]
        data = {"step": "preview", "reason": "only looking"}
        for field in [
            *form,
            *(field for rows in (form.registries, form.exemptions) for row in rows for field in row),
        ]:
            value = field.value()
            if value is not None and value is not False and value != "":
                data[field.html_name] = "on" if value is True else value
        for rows in (form.registries, form.exemptions):
            for field in rows.management_form:
                data[field.html_name] = field.value()
        for day in form.week:
            for window in day["windows"]:
                data |= {edge["name"]: edge["value"] for edge in window}
        answer = admin.post(reverse("rules_guard_edit", args=[rule.pk]), data)
        assert answer.status_code == 200, answer.context["form"].errors
        assert answer.context["unchanged"], (place, answer.context["changes"])


def test_a_change_is_shown_before_it_is_kept(admin: Client, florida: GuardRule) -> None:
    url = reverse("rules_guard_edit", args=[florida.pk])
    shown = admin.post(url, form_of(florida, step="preview", dials_cap="1"))
    changed = [change.field for change in shown.context["changes"]]
    assert changed == ["dials_cap", "effective_from"]
    assert GuardRule.objects.filter(jurisdiction="US-FL").count() == 1
    kept = admin.post(url, form_of(florida, dials_cap="1"))
    made = GuardRule.objects.get(jurisdiction="US-FL", version=2)
    assert kept.headers["Location"] == reverse("rules_guard_rule", args=[made.pk])
    assert (made.dials_cap, made.windows) == (1, florida.windows)


def test_rows_and_windows_are_typed_as_people_type_them(admin: Client, florida: GuardRule) -> None:
    data = form_of(
        florida,
        **{
            "sun-0-from": "",
            "sun-0-until": "",
            "mon-0-from": "8",
            "mon-0-until": "12.30",
            "mon-1-from": "14:00",
            "mon-1-until": "24:00",
            "registries-TOTAL_FORMS": "2",
            "registries-0-registry": "fl-list",
            "registries-0-max_age_days": "90",
            "registries-0-hit": "block",
            "registries-1-hit": "block",
            "exemptions-TOTAL_FORMS": "1",
            "exemptions-0-kind": "purchase",
            "exemptions-0-months": "18",
            "exemptions-0-lifts": "registry",
            "exemptions-0-firms": "all",
        },
    )
    assert admin.post(reverse("rules_guard_edit", args=[florida.pk]), data).status_code == 302
    made = GuardRule.objects.get(jurisdiction="US-FL", version=2)
    assert made.windows["mon"] == [["08:00", "12:30"], ["14:00", "24:00"]]
    assert made.windows["sun"] == []
    assert made.registries == [{"registry": "fl-list", "max_age_days": 90, "hit": "block"}]
    assert made.exemptions == [{"kind": "purchase", "lifts": ["registry"], "firms": "all", "months": 18}]


def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(admin: Client, florida: GuardRule) -> None:
    data = form_of(florida, **{"mon-0-from": "22:00", "dials_cap": "900"})
    answer = admin.post(reverse("rules_guard_edit", args=[florida.pk]), data)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert form.day_errors["mon"][0].startswith("a window is two times")
    assert form.errors["dials_cap"]
    assert GuardRule.objects.filter(jurisdiction="US-FL").count() == 1


def test_one_more_row_keeps_what_was_typed(admin: Client, florida: GuardRule) -> None:
    url = reverse("rules_guard_edit", args=[florida.pk])
    answer = admin.post(url, form_of(florida, more="registries", citation="half a sentence"))
    assert len(answer.context["form"].registries.forms) == 1
    assert answer.context["form"]["citation"].value() == "half a sentence"
    answer = admin.post(url, form_of(florida, more="week", **{"mon-0-from": "10:00"}))
    assert answer.context["form"].windows["sun"] == [["10:00", "20:00"]]


def test_rules_are_searched_and_filtered(manager: Client, db: None) -> None:
    def places(query: str) -> list[str]:
        return [entry.rule.jurisdiction for entry in manager.get(f"/rules/guard/?{query}").context["found"]]

    assert places("search=florida") == ["US-FL"]
    assert set(places("country=GB")) == {"GB"}
    assert places("search=uk-ctps") == ["GB"]
    assert set(places("audience=consumer&country=DK")) == {"DK"}
    assert "*" in places("verified=no")
    assert places("search=nothing-like-it") == []


def test_the_list_is_a_file_too_and_costs_one_query(
    manager: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        manager.get("/rules/guard/")
    text = b"".join(manager.get("/rules/guard/?format=csv&search=florida").streaming_content).decode()
    assert "Fla. Stat. 501.059" in text
    assert text.count("\n") == 2


def test_a_rule_tells_its_versions_and_who_made_them(admin: Client, florida: GuardRule, root: Any) -> None:
    made = law_rows.revise(florida, said(florida, dials_cap=2), reason="a new act", by=root, now=NOW)
    page = admin.get(reverse("rules_guard_rule", args=[made.pk]))
    assert [one["standing"] for one in page.context["versions"]] == ["in_effect", "superseded"]
    assert [change.field for change in page.context["versions"][0]["changes"]] == [
        "dials_cap",
        "effective_from",
    ]
    assert "a new act" in page.content.decode()


def test_buttons_of_a_rule(admin: Client, florida: GuardRule) -> None:
    admin.post(reverse("rules_guard_verified", args=[florida.pk]))
    florida.refresh_from_db()
    assert florida.verified_on == datetime.now(UTC).date()
    admin.post(reverse("rules_guard_retire", args=[florida.pk]), {"reason": ""})
    assert GuardRule.objects.get(pk=florida.pk).active
    admin.post(reverse("rules_guard_retire", args=[florida.pk]), {"reason": "repealed"})
    assert not GuardRule.objects.get(pk=florida.pk).active


def test_a_manager_reads_and_does_not_write(manager: Client, florida: GuardRule) -> None:
    page = manager.get(reverse("rules_guard_rule", args=[florida.pk])).content.decode()
    assert reverse("rules_guard_edit", args=[florida.pk]) not in page
    assert manager.post(reverse("rules_guard_edit", args=[florida.pk]), form_of(florida)).status_code == 403
