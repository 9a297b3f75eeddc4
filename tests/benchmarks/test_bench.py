"""How long do the things take that people and programs do all day? In one process, through the whole stack.

`make bench`; BENCH_LEADS says how many leads (20,000). The control U, a bare list view of 20 rows, is measured in
the same run: figures of two machines compare as multiples of it.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from rest_framework import generics, serializers
from rest_framework.test import APIClient, APIRequestFactory

from leads.models import Lead
from tests.benchmarks.conftest import Figures
from tests.benchmarks.data import NOON, World
from touchpoints import engine, guarding, queue
from touchpoints.models import FollowUp, Touchpoint

EVALUATED = 10_000


@pytest.fixture(autouse=True)
def at_noon(world: World) -> Any:
    """It is noon in New York and the clock goes on, so that everybody may be called."""
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def program(world: World) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {world.key}"})


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


class BareShape(serializers.ModelSerializer[Lead]):
    class Meta:
        model = Lead
        fields = ["id", "first_name", "last_name", "email", "country", "stage", "temperature", "warm_until"]


class BareList(generics.ListAPIView[Lead]):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    pagination_class = None
    filter_backends = ()
    serializer_class = BareShape

    def get_queryset(self) -> Any:
        return Lead.objects.order_by("-pk")[:20]


def test_control(figures: Figures, world: World) -> None:
    view, factory = BareList.as_view(), APIRequestFactory()

    def look() -> None:
        view(factory.get("/")).render()

    # The machine may be busy with something else for a moment: the calmest of three rounds is the control.
    figures.u_ms = min(figures.measure("U: bare list view, 20 rows", look, times=40) for _round in range(3))


PAGES = {
    "leads page, admin": ("root", "/leads/"),
    "leads page, admin, warm": ("root", "/leads/?temperature=warm"),
    "leads page, admin, search": ("root", "/leads/?search=Last77"),
    "leads page, manager": ("manager", "/leads/"),
    "leads page, rep": ("rep", "/leads/"),
    "lead page": ("root", "/leads/{lead}/"),
    "lookup page, by name": ("rep", "/lookup/?q=First7+Last7"),
    "pipeline page, manager": ("manager", "/pipeline/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_pages(figures: Figures, world: World, name: str) -> None:
    who, path = PAGES[name]
    client = signed_in({"root": world.root, "manager": world.manager, "rep": world.reps[0]}[who])
    url = path.format(lead=some_lead().pk)

    def look() -> None:
        assert client.get(url).status_code == 200

    figures.measure(name, look, times=5 if "pipeline" in name else 15)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("API list, 50 leads", "/api/v1/leads/"),
        ("API list, 50 warm leads", "/api/v1/leads/?temperature=warm"),
        ("API one lead", "/api/v1/leads/{lead}/"),
        ("API guard", "/api/v1/leads/{lead}/guard/"),
    ],
)
def test_api(figures: Figures, world: World, program: APIClient, name: str, path: str) -> None:
    url = path.format(lead=some_lead().pk)

    def ask() -> None:
        assert program.get(url).status_code == 200

    figures.measure(name, ask)


def test_guard(figures: Figures, world: World) -> None:
    lead = some_lead()
    figures.measure(
        "guard: verdict on one lead", lambda: guarding.verdict(lead, user=world.root, now=NOON), times=30
    )
    leads = list(Lead.objects.order_by("pk")[:50])
    figures.measure("guard: verdicts on 50 leads", lambda: guarding.verdicts(leads, now=NOON))
    many = list(Lead.objects.order_by("pk")[:EVALUATED])
    figures.measure(f"guard: facts of {len(many):,} leads", lambda: guarding.gather(many, now=NOON), times=3)


def test_queue(figures: Figures, world: World) -> None:
    rep = world.reps[1]

    def next_lead() -> None:
        queue.release(rep, now=NOON)
        assert queue.next_lead(rep, now=NOON) is not None

    figures.measure(f"queue: next of {world.leads // len(world.reps):,} due", next_lead)
    client = signed_in(rep)
    figures.measure("call page", lambda: client.get("/call/"))


def test_calls(figures: Figures, world: World) -> None:
    """A rep at the keyboard: dial, log, and have the next lead on the screen."""
    rep = world.reps[2]
    client = signed_in(rep)
    client.get("/call/")
    headers = {"HX-Request": "true"}

    def dial() -> None:
        held = FollowUp.objects.open().get(lease_by=rep)
        answer = client.post("/call/dial/", {"lead": held.lead_id}, headers=headers)
        assert answer.status_code == 200, answer.content[-500:]

    def log() -> None:
        call = rep.calls.get(ended_at=None)
        answer = client.post(f"/call/{call.pk}/outcome/", {"outcome": "no_answer"}, headers=headers)
        assert answer.status_code == 200, answer.content[-500:]

    def dial_and_log() -> None:
        dial()
        log()

    figures.measure("call page: dial, log, next lead shown", dial_and_log)


def test_touchpoints(figures: Figures, world: World, program: APIClient) -> None:
    ids = itertools.count()

    def body() -> dict[str, Any]:
        n = next(ids)
        return {
            "kind": "website_visit",
            "occurred_at": (NOON - timedelta(hours=1)).isoformat(),
            "source": "bench-post",
            "external_id": str(n),
            "lead": {"email": f"p{n * 7 % world.leads}@example.com"},
        }

    def post() -> None:
        assert program.post("/api/v1/touchpoints/", body()).status_code == 201

    def batch() -> None:
        assert (
            program.post("/api/v1/touchpoints/batch/", [body() for _n in range(500)]).json()["created"] == 500
        )

    figures.measure("POST one touchpoint, by e-mail", post, times=30)
    figures.measure("POST a batch of 500 touchpoints", batch, times=3)


def test_evaluation(figures: Figures, world: World) -> None:
    ids = list(Lead.objects.order_by("pk").values_list("pk", flat=True)[:EVALUATED])
    Touchpoint.objects.filter(lead__in=Lead.objects.order_by("pk")[:EVALUATED]).update(evaluated_at=None)
    figures.measure(
        f"evaluate {len(ids):,} leads", lambda: engine.evaluate_leads(ids, now=NOON), times=1, unit="ms"
    )


def some_lead() -> Lead:
    lead = Lead.objects.order_by("pk")[100:].first()
    assert lead is not None
    return lead
