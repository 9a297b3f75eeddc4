"""The demo's people may be called: it brings lists of its own, leaves real ones alone, and takes its own away."""

from datetime import UTC, datetime

import pytest

from crm.demo.build import build
from crm.demo.clear import clear
from leads.models import Lead, Number, RegistryArea, RegistryBitmap, RegistryLoad, RegistryScrub
from tests.lists import load_list
from touchpoints import guarding

NOW = datetime(2026, 11, 18, 13, 40, tzinfo=UTC)  # a Wednesday

pytestmark = pytest.mark.usefixtures("no_lists")


def test_a_demo_in_an_empty_workspace_is_callable_with_some_hits():
    build(leads=300, seed=5, now=NOW, password="secret")
    reasons = [
        {reason.code for reason in verdict.reasons}
        for verdict in guarding.verdicts(list(Lead.objects.all()), now=NOW).values()
    ]
    assert not [codes for codes in reasons if codes & {"registry_area_not_loaded", "registry_list_stale"}]
    assert sum("registry_hit" in codes for codes in reasons) >= 2
    assert Number.objects.exclude(registry_hits=[]).exists()
    clear()
    for model in (RegistryArea, RegistryBitmap, RegistryLoad, RegistryScrub):
        assert not model.objects.exists()


def test_lists_of_the_workspace_stay_as_they_are(tmp_path):
    load_list(tmp_path, "us-ftc", "212,5550101\n", on=NOW.date(), now=NOW)
    load_list(tmp_path, "uk-tps", "01000000000\n", on=NOW.date(), now=NOW)
    own = list(RegistryArea.objects.order_by("pk").values())
    build(leads=120, seed=5, now=NOW, password="secret")
    assert list(RegistryArea.objects.filter(pk__in=[row["id"] for row in own]).order_by("pk").values()) == own
    assert RegistryArea.objects.filter(registry="us-ftc").count() > 1
    clear()
    assert list(RegistryArea.objects.order_by("pk").values()) == own
