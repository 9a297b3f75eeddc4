"""Does Thaw repeat the security bugs that other CRMs have shipped? Each of them is a test of ours."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from crm.intake.models import LeadImport
from crm.intake.tasks import run_waiting_imports
from leads.models import Lead, LeadList
from leads.register import NewLead, PhoneInput, create_lead
from tests.platform.stage import NOON, NUMBER, Stage
from tests.platform.test_matrix import DECIDED, OURS, QUERIES
from touchpoints import outcomes
from touchpoints.models import CallAttempt, Touchpoint

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
FORMULA = "=HYPERLINK(A1)"
READ = [(name, of) for name, verbs in DECIDED.items() for verb, (of, _who) in verbs.items() if verb == "GET"]
OWN_PAGES = [
    (name, of)
    for name, of in READ
    if name in OURS
    and not OURS[name].startswith(("api/", "account/"))
    and name not in ("healthz", "readyz", "metrics", "home")
]


@pytest.fixture
def stage(ada, bea, max_, cy, root, time_machine) -> Stage:
    time_machine.move_to(NOON, tick=False)
    return Stage({"ada": ada, "bea": bea, "max": max_, "cy": cy, "root": root})


@pytest.fixture
def program_of(api_key):
    return lambda user: APIClient(headers={"Authorization": f"Bearer {api_key(user)}"})


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def looked_at(client: Client, stage: Stage, name: str, of: str) -> Any:
    query, needed = QUERIES.get((name, "GET"), ("", "-"))
    stage.arguments(needed)
    return client.get(reverse(name, args=stage.arguments(of)) + query)


def body_of(response: Any) -> str:
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


# --- stored scripts (Horilla CVE-2025-59832) ---------------------------------------------------------------


def poison(stage: Stage) -> None:
    """Put the hostile text wherever somebody may type."""
    for what in ("idle_lead", "touchpoint", "promise", "task", "unmatched", "segment", "list", "customer"):
        stage.one(what)
    short = HOSTILE[:90]
    Lead.objects.update(
        first_name=short,
        last_name=short,
        job_title=short,
        city=short,
        occupation=short,
        needs=HOSTILE,
        research=HOSTILE,
    )
    lead = stage.one("lead")
    type(lead.company).objects.update(name=HOSTILE)
    Touchpoint.objects.update(
        summary=HOSTILE, campaign=HOSTILE, referred_by=HOSTILE, by=HOSTILE, network=short[:40]
    )
    lead.promises.update(text=HOSTILE)
    stage.one("task").__class__.objects.update(reason=HOSTILE)
    type(stage.one("segment")).objects.update(name=HOSTILE[:80])
    LeadList.objects.update(name=HOSTILE)
    lead.follow_ups.update(reason=HOSTILE)
    unmatched = stage.one("unmatched")
    payload = unmatched.payload | {"summary": HOSTILE, "campaign": HOSTILE}
    type(unmatched).objects.update(payload=payload)
    call = stage.one("logged_call")
    CallAttempt.objects.filter(pk=call.pk).update(notes=HOSTILE)
    stage.one("meeting").__class__.objects.update(title=HOSTILE, place=HOSTILE)
    type(stage.ada).objects.update(first_name=HOSTILE[:100], last_name=HOSTILE[:100])


def test_what_people_type_is_only_text_on_every_page(stage: Stage) -> None:
    poison(stage)
    shown = set()
    for who in ("ada", "max", "root"):
        client = signed_in(stage.cast[who])
        for name, of in OWN_PAGES:
            answer = looked_at(client, stage, name, of)
            text = body_of(answer)
            if answer["Content-Type"].startswith("text/calendar"):
                # A file for calendars, which no browser shows: it is handed over as what it is.
                assert answer["Content-Disposition"].startswith("attachment")
                assert answer["X-Content-Type-Options"] == "nosniff"
                continue
            for tag in ("<script>alert", "<img src=x"):
                assert tag not in text, f"{name} shows {tag} to {who}"
            if "&lt;script&gt;alert" in text:
                shown.add(name)
        found = body_of(client.get("/lookup/?q=script"))
        assert "<script>alert" not in found
    # The pages are not merely empty.
    assert {"call", "lead", "leads", "inbox", "pipeline", "tasks"} <= shown


# --- formulas in spreadsheets, both ways (SuiteCRM CVE-2020-15301) -----------------------------------------


def test_an_exported_lead_runs_nothing_and_comes_back_as_it_was(stage: Stage) -> None:
    new = NewLead(
        {"first_name": "Ann", "last_name": FORMULA, "company": "@SUM(A1)", "country": "US"},
        [PhoneInput(NUMBER)],
    )
    lead = create_lead(new, owner=stage.ada, now=NOON)
    client = signed_in(stage.ada)
    exported = body_of(client.post("/leads/bulk/", {"action": "export", "lead": lead.pk}))
    (row,) = csv.DictReader(StringIO(exported.removeprefix("\ufeff")))
    assert (row["last_name"], row["company"], row["phone"]) == (f"'{FORMULA}", "'@SUM(A1)", NUMBER)
    lead.lead_numbers.all().delete()
    lead.delete()
    _import(client, exported.encode(), who=f"user-{stage.ada.pk}")
    again = Lead.objects.get()
    assert (again.last_name, again.company.name) == (FORMULA, "@SUM(A1)")
    assert again.lead_numbers.get().number.e164 == NUMBER


def test_refused_rows_run_nothing(stage: Stage) -> None:
    client = signed_in(stage.ada)
    received = _import(
        client, f"name,email,phone\n{FORMULA},not an address,{NUMBER}\n".encode(), who=f"user-{stage.ada.pk}"
    )
    refused = body_of(client.get(f"/leads/import/{received.pk}/refused.csv"))
    cells = [cell for row in csv.reader(StringIO(refused.removeprefix("\ufeff"))) for cell in row]
    assert f"'{FORMULA}" in cells
    assert NUMBER in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_a_tile_s_figures_run_nothing(stage: Stage) -> None:
    type(stage.ada).objects.update(first_name=FORMULA, last_name="")
    stage.one("logged_call")
    text = body_of(signed_in(stage.cast["max"]).get("/pipeline/?tile=reps&format=csv"))
    cells = [cell for row in csv.reader(StringIO(text.removeprefix("\ufeff"))) for cell in row]
    assert f"'{FORMULA}" in cells


def _import(client: Client, data: bytes, *, who: str) -> LeadImport:
    page = client.post("/leads/import/", {"file": SimpleUploadedFile("people.csv", data)}).url
    form = client.get(page).context["form"]
    chosen = {field.name: field.value() or "" for field in form}
    assert client.post(page, {**chosen, "who": who}).status_code == 302
    run_waiting_imports()
    received = LeadImport.objects.latest("pk")
    assert received.status == "done", received.error
    return received


# --- sort and filter names (Twenty GHSA-jgx4-6mr9-9573), answers by yes and no (Odoo CVE-2024-36259) -------

SMUGGLED = [
    ("ordering", "owner__password"),
    ("ordering", "-owner__api_keys__digest"),
    ("ordering", "id; DROP TABLE leads_lead"),
    ("ordering", "?"),
    ("owner__password__startswith", "p"),
    ("owner__is_superuser", "true"),
    ("created_by__email", "root@thaw.example"),
    ("password", "x"),
    ("pk__in", "1"),
    ("extra", "1=1"),
]
LISTS = sorted(
    address
    for name, address in OURS.items()
    if address.startswith("api/v1/") and "<" not in address and "GET" in DECIDED.get(name, {})
)


@pytest.mark.parametrize(("name", "value"), SMUGGLED, ids=lambda value: str(value))
def test_no_list_sorts_or_filters_by_what_it_does_not_name(stage, program_of, name, value) -> None:
    stage.one("lead")
    program = program_of(stage.cast["root"])
    for address in LISTS:
        answer = program.get(f"/{address}", {name: value})
        assert answer.status_code == 400, f"{address}?{name}={value}: {answer.content[:200]!r}"
        assert [error["field"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize(("name", "value"), SMUGGLED, ids=lambda value: str(value))
def test_the_leads_page_neither_breaks_nor_obeys(stage, name, value) -> None:
    stage.one("lead")
    client = signed_in(stage.ada)
    plain = [row.lead.pk for row in client.get("/leads/").context["rows"]]
    answer = client.get("/leads/", {name: value})
    assert answer.status_code in (200, 400)
    assert [row.lead.pk for row in answer.context["rows"]] in (plain, [])


def test_no_search_finds_another_s_lead(stage, program_of) -> None:
    """Neither by name, number, address or note: not even that there is one."""
    lead = stage.one("lead")
    for who in ("bea", "cy"):
        client, program = signed_in(stage.cast[who]), program_of(stage.cast[who])
        for text in ("Jones", "ann@acme.example", "Acme", NUMBER, "+1 (212) 555-0123", str(lead.pk)):
            assert not program.get("/api/v1/leads/", {"search": text}).json()["results"]
            for page in ("/lookup/", "/leads/"):
                found = client.get(page, {"q": text, "search": text}).content.decode()
                assert f"/leads/{lead.pk}/" not in found, f"{page} {text} {who}"


# --- hashes and keys in answers (SuiteCRM CVE-2026-29108) --------------------------------------------------


def test_no_answer_holds_a_secret(stage, program_of) -> None:
    program = program_of(stage.cast["root"])
    root = type(stage.ada).objects.get(username="root")
    key = root.auth_token_set.get()
    secrets = (root.password, stage.ada.password, key.digest, key.token_key)
    for name, of in READ:
        if OURS.get(name, "").startswith("api/v1"):
            text = looked_at(program, stage, name, of).content.decode()
            assert not [secret for secret in secrets if secret in text], name


# --- mass assignment of owner, role, consent, and of the facts the guard rests on --------------------------

NEVER_SET = {
    "id": 999,
    "temperature": "warm",
    "warm_until": "2030-01-01T00:00:00Z",
    "evidence_until": "2030-01-01T00:00:00Z",
    "cooled_at": None,
    "stage": "won",
    "role": "admin",
    "is_demo": True,
    "owner_id": 1,
    "team_id": 1,
    "created_by": "root",
    "merged_into": None,
    "erased_at": None,
    "confirmed_zone": "Pacific/Honolulu",
    "zone_confirmed_by": "root",
    "line_type": "fixed",
    "consents": [{"kind": "express"}],
    "consent": True,
    "suppressed": False,
    "status": "ok",
    "pursuit": None,
    "evidence": [],
}


@pytest.mark.parametrize("name", NEVER_SET)
def test_a_program_sets_no_field_that_is_not_its_to_set(stage, program_of, name) -> None:
    lead = stage.one("lead")
    program = program_of(stage.ada)
    before = list(Lead.objects.values())
    for answer in (
        program.patch(f"/api/v1/leads/{lead.pk}/", {"first_name": "Eve", name: NEVER_SET[name]}),
        program.post("/api/v1/leads/", {"last_name": "Eve", name: NEVER_SET[name]}),
        program.post(
            "/api/v1/touchpoints/",
            {
                "kind": "event",
                "occurred_at": NOON.isoformat(),
                "source": "x",
                "external_id": "1",
                "lead": {"email": "eve@example.com", name: NEVER_SET[name]},
            },
        ),
    ):
        if name == "id" and answer.status_code != 400:
            continue  # a touchpoint's lead may be named by its id
        assert answer.status_code == 400, answer.content
    assert list(Lead.objects.values()) == before


@pytest.mark.parametrize("name", ["line_type", "status", "shared"])
def test_a_number_s_facts_are_not_a_program_s_to_set(stage, program_of, name) -> None:
    lead = stage.one("lead")
    body = {"phones": [{"number": NUMBER, name: {"line_type": "fixed", "status": "ok"}.get(name, False)}]}
    assert program_of(stage.ada).patch(f"/api/v1/leads/{lead.pk}/", body).status_code == 400


@pytest.mark.parametrize(
    "name", ["evaluated_at", "recorded_at", "recorded_by", "set_aside_at", "by_user", "lead_id"]
)
def test_a_touchpoint_s_bookkeeping_is_not_a_program_s_to_set(stage, program_of, name) -> None:
    stored = stage.one("touchpoint")
    answer = program_of(stage.ada).patch(f"/api/v1/touchpoints/{stored.pk}/", {name: "2026-01-01T00:00:00Z"})
    assert answer.status_code == 400


def test_a_form_takes_only_its_own_fields(stage) -> None:
    lead = stage.one("lead")
    client = signed_in(stage.ada)
    hidden = [f.name for f in Lead._meta.concrete_fields if f.name not in ("first_name", "updated_at")]
    before = Lead.objects.values(*hidden).get(pk=lead.pk)
    facts = {
        field.name: field.value() or ""
        for field in client.get(f"/leads/{lead.pk}/edit/").context["facts_form"]
    }
    forged = {name: str(value) for name, value in NEVER_SET.items() if name not in facts}
    answer = client.post(
        f"/leads/{lead.pk}/edit/", {**facts, **forged, "owner": stage.cast["cy"].pk, "first_name": "Eve"}
    )
    assert answer.status_code == 302, answer.content[-300:]
    assert Lead.objects.get(pk=lead.pk).first_name == "Eve"
    assert Lead.objects.values(*hidden).get(pk=lead.pk) == before


@pytest.mark.parametrize("who", ["bea", "cy", "root"])
def test_a_rep_gives_leads_to_nobody_but_themselves_and_their_pool(stage, program_of, who) -> None:
    lead, other = stage.one("lead"), stage.cast[who]
    client, program = signed_in(stage.ada), program_of(stage.ada)
    assert program.patch(f"/api/v1/leads/{lead.pk}/", {"owner": other.username}).status_code == 400
    assert client.post(f"/leads/{lead.pk}/keeper/", {"keeper": f"user:{other.pk}"}).status_code == 422
    client.post("/leads/bulk/", {"action": "assign", "lead": lead.pk, "keeper": f"user:{other.pk}"})
    assert Lead.objects.get(pk=lead.pk).owner == stage.ada


# --- a flag that only changes the style of a link that still dials (EspoCRM, Django-CRM) -------------------


@pytest.mark.parametrize("why", ["night", "do_not_call"])
def test_no_page_and_no_answer_dials_what_the_guard_blocks(stage, program_of, time_machine, why) -> None:
    lead = stage.one("lead")
    for what in ("touchpoint", "promise", "task", "unmatched"):
        stage.one(what)
    if why == "do_not_call":
        call = stage.one("open_call")
        outcomes.log_outcome(call, outcomes.Logged("do_not_call", scope="person"), user=stage.ada, now=NOON)
    else:
        time_machine.move_to(NOON + timedelta(hours=11), tick=False)
    client, program = signed_in(stage.ada), program_of(stage.ada)
    assert program.get(f"/api/v1/leads/{lead.pk}/guard/").json()["decision"] == "block"
    texts = {}
    for name, of in READ:
        if name in OURS and of in ("-", "lead", "touchpoint") and not OURS[name].startswith("account/"):
            asking = program if OURS[name].startswith("api/") else client
            texts[name] = body_of(looked_at(asking, stage, name, of))
    texts["call of this lead"] = body_of(client.get(f"/call/?lead={lead.pk}"))
    texts["lookup of this lead"] = body_of(client.get("/lookup/?q=Jones"))
    texts.pop("api_schema"), texts.pop("api_docs")
    before = CallAttempt.objects.count()
    for headers in ({}, {"HX-Request": "true"}):
        refused = client.post("/call/dial/", {"lead": lead.pk}, headers=headers)
        told = {name: value for name, value in refused.headers.items() if name.startswith("HX-")}
        texts[f"dial {headers}"] = body_of(refused) + json.dumps(told)
        assert refused.status_code == 422
    refused = program.post(f"/api/v1/leads/{lead.pk}/dial/", {})
    assert refused.status_code == 409
    texts["api dial"] = refused.content.decode()
    assert CallAttempt.objects.count() == before
    assert not [name for name, text in texts.items() if "tel:" in text or "sip:" in text]
