"""Does a touchpoint that cannot be evaluated hold up a running engine, or is it set aside for operators to see?"""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from leads.models import Lead
from tests.faults.conftest import report, waiting
from tests.processes import Worker, wait_until
from touchpoints import set_aside
from touchpoints.models import Touchpoint


def test_a_poison_is_set_aside_visibly_while_the_rest_go_on(
    crowd, program, root, live_engine: Worker
) -> None:
    leads = crowd(30)
    # Nobody is of this audience, so that no plan fits and the promotion of this lead raises.
    poisoned = leads[0]
    Lead.objects.filter(pk=poisoned.pk).update(audience="alien")
    rows = [{**report(lead, 1, at=timezone.now()), "external_id": f"t-{lead.pk}"} for lead in leads]
    assert program.post("/api/v1/touchpoints/batch/", rows).json()["created"] == 30
    sound = Touchpoint.objects.exclude(lead=poisoned)
    wait_until(lambda: not sound.filter(evaluated_at=None).exists(), seconds=30, what=f"{live_engine.log}")
    assert Lead.objects.filter(pk__in=[lead.pk for lead in leads[1:]], temperature="warm").count() == 29
    poison = Touchpoint.objects.get(lead=poisoned)
    wait_until(lambda: not waiting(), seconds=60, what=f"its tries; {live_engine.log}")
    poison.refresh_from_db()
    assert (poison.evaluated_at, poison.evaluation_tries) == (None, set_aside.MOST_TRIES)
    assert poison.set_aside_at is not None
    operator = Client()
    operator.force_login(root)
    page = operator.get("/engine/").content.decode()
    assert poison.evaluation_error
    assert f"/engine/{poison.pk}/again/" in page
    # What was wrong is mended, and the operator has it tried again.
    Lead.objects.filter(pk=poisoned.pk).update(audience="business")
    assert operator.post(f"/engine/{poison.pk}/again/").status_code == 302
    warm = Lead.objects.filter(pk=poisoned.pk, temperature="warm")
    wait_until(warm.exists, seconds=30, what=f"the second chance; {live_engine.log}")
    assert poison.lead.temperature_changes.count() == 1
