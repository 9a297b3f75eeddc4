"""The demo's people may be called: it brings lists of its own, leaves real ones alone, and takes its own away."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.demo import lists
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


def test_a_month_later_the_demo_may_still_be_called(tmp_path):
    load_list(tmp_path, "us-ftc", "212,5550101\n", on=NOW.date(), now=NOW)
    build(leads=300, seed=5, now=NOW, password="secret")
    real = RegistryArea.objects.get(registry="us-ftc", area="212")
    assert lists.renew(now=NOW + timedelta(days=6)) == []
    later = NOW + timedelta(days=40)
    assert {one.registry for one in lists.renew(now=later)} == {"us-ftc", "uk-tps", "uk-ctps"}
    assert lists.renew(now=later) == []
    assert RegistryLoad.objects.exclude(status="loaded").count() == 0
    stale = {
        code
        for lead in guarding.verdicts(list(Lead.objects.all()), now=later).items()
        for code in lead[1].codes
        if code.startswith("registry_") and not numbers_of(lead[0][1]).startswith("+1212")
    }
    assert stale == {"registry_hit"}
    kept = RegistryArea.objects.get(registry="us-ftc", area="212")
    assert (kept.load_id, kept.list_date, kept.version) == (real.load_id, real.list_date, real.version)
    clear()
    assert list(RegistryArea.objects.values_list("area", flat=True)) == ["212"]
    assert lists.renew(now=later + timedelta(days=40)) == []


def test_lists_of_a_workspace_without_a_demo_grow_old(tmp_path):
    load_list(tmp_path, "us-ftc", "212,5550101\n", on=NOW.date(), now=NOW)
    assert lists.renew(now=NOW + timedelta(days=40)) == []
    assert RegistryLoad.objects.count() == 1


def numbers_of(pk: int) -> str:
    return Number.objects.get(pk=pk).e164
