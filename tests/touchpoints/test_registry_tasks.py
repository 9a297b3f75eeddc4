"""Uploaded lists are worked on in the background, one after another; hits are seen where numbers are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from leads.models import Number, RegistryLoad, RegistryScrub
from leads.registries import load
from tests.lists import load_list
from touchpoints import tasks

pytestmark = pytest.mark.usefixtures("no_lists")


def hand_in(text: str) -> RegistryLoad:
    now = timezone.now()
    file = ContentFile(text.encode(), name="list.txt")
    return load.start(file, registry="us-ftc", list_date=now.date(), now=now)


def test_each_ring_works_on_the_list_that_has_waited_longest():
    first, second = hand_in("212,5550101\n"), hand_in("305,5550101\n")
    tasks.run_registry_loads()
    assert list(RegistryLoad.objects.order_by("pk").values_list("status", flat=True)) == ["loaded", "waiting"]
    tasks.run_registry_loads()
    tasks.run_registry_loads()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("loaded", "loaded")
    assert first.scrubbed_at
    assert second.scrubbed_at


def test_a_scrub_that_a_killed_worker_left_is_made_up_for():
    row = hand_in("212,5550101\n")
    tasks.run_registry_loads()
    Number.objects.create(e164="+12125550101")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    RegistryLoad.objects.filter(pk=row.pk).update(scrubbed_at=None, finished_at=an_hour_ago)
    tasks.run_registry_loads()
    assert Number.objects.get().registry_hits
    row.refresh_from_db()
    assert row.scrubbed_at


def test_the_nightly_scrub_runs_when_it_is_due_and_not_again(tmp_path):
    hand_in("212,5550101\n")
    tasks.run_registry_loads()
    tasks.scrub_numbers()
    tasks.scrub_numbers()
    assert RegistryScrub.objects.filter(cause="nightly").count() == 1


def test_a_hit_stands_beside_the_number(client, a_lead, ada, now, tmp_path):
    lead = a_lead(owner=ada, phones=("+12125550101",), company="Acme", country="US", region="NY")
    load_list(tmp_path, "us-ftc", "212,5550101\n", on=now.date(), now=now)
    client.force_login(ada)
    page = client.get(lead.get_absolute_url()).content.decode()
    assert "on us-ftc, list of 4 March 2026" in page
