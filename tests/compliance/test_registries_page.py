"""Can a manager hand in a registry's lists, follow them, read what was rejected, and an admin force a refused one?"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leads.models import AuditEvent, RegistryArea, RegistryLoad
from leads.registries import load as loading

LIST = b"212,5550101\r\n212,5550102\r\n"


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _no_lists(db: None, settings: Any, tmp_path: Any) -> None:
    """Nothing is loaded, and files lie where the test can see them."""
    RegistryArea.objects.all().delete()
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }


@pytest.fixture
def manager(max_: Any) -> Client:
    client = Client()
    client.force_login(max_)
    return client


@pytest.fixture
def admin(root: Any) -> Client:
    client = Client()
    client.force_login(root)
    return client


def file(name: str, content: bytes = LIST) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def hand_in(client: Client, *files: SimpleUploadedFile, **data: Any) -> Any:
    return client.post("/compliance/registries/", {"registry": "us-ftc", "files": list(files), **data})


def load_all() -> None:
    for pk in loading.waiting(now=clock()):
        loading.run(pk, clock=clock)


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def test_several_files_at_once_take_their_dates_from_their_names(manager: Client, max_: Any) -> None:
    other = b"312,5550101\r\nnonsense\r\n"
    answer = hand_in(
        manager,
        file("2026-11-1_212_aa.txt"),
        file("2026-11-2_312_bb.txt.zip", zipped("2026-11-2_312_bb.txt", other)),
    )
    assert answer.status_code == 302
    first, second = RegistryLoad.objects.filter(by=max_).order_by("pk")
    assert first.status == second.status == "waiting"
    load_all()
    for load in (first, second):
        load.refresh_from_db()
        assert load.status == "loaded", load.why
    assert (first.list_date, second.list_date) == (date(2026, 11, 1), date(2026, 11, 2))
    assert (second.accepted, second.rejected) == (1, 1)
    page = manager.get("/compliance/registries/").content.decode()
    assert "2026-11-1_212_aa.txt" in page
    assert "hx-trigger" not in page.split('id="ledger"')[1].split(">")[0]


def test_the_date_is_asked_for_only_where_the_name_gives_none(manager: Client) -> None:
    answer = hand_in(manager, file("march.txt"), file("2026-11-1_212_aa.txt"))
    assert answer.status_code == 422
    assert "march.txt" in str(answer.context["form"].errors["list_date"])
    assert not RegistryLoad.objects.filter(file_name="march.txt").exists()
    assert hand_in(manager, file("march.txt"), list_date="2026-11-03").status_code == 302
    load_all()
    assert RegistryLoad.objects.get(file_name="march.txt").list_date == date(2026, 11, 3)
    assert hand_in(manager, file("march.txt"), list_date="2999-01-01").status_code == 422


def test_no_file_and_no_such_registry_are_refused(manager: Client) -> None:
    assert "files" in manager.post("/compliance/registries/", {"registry": "us-ftc"}).context["form"].errors
    answer = hand_in(manager, file("2026-11-1_212_aa.txt"), registry="moon")
    assert "registry" in answer.context["form"].errors


def test_the_ledger_asks_again_while_a_file_is_on_its_way(manager: Client) -> None:
    hand_in(manager, file("2026-11-1_212_aa.txt"))
    load = RegistryLoad.objects.get(file_name="2026-11-1_212_aa.txt")
    ledger = manager.get("/compliance/registries/progress/").content.decode()
    assert 'hx-trigger="every 2s"' in ledger
    assert (
        "Waiting for the worker" in manager.get(reverse("compliance_load", args=[load.pk])).content.decode()
    )
    progress = reverse("compliance_load_progress", args=[load.pk])
    assert "HX-Refresh" not in manager.get(progress).headers
    load_all()
    assert manager.get(progress).headers["HX-Refresh"] == "true"


def test_rejected_lines_are_shown_and_all_in_a_file(manager: Client) -> None:
    bad = b"".join(b"line %d\r\n" % n for n in range(150))
    hand_in(manager, file("2026-11-1_212_aa.txt", LIST + bad))
    load_all()
    load = RegistryLoad.objects.get(file_name="2026-11-1_212_aa.txt")
    page = manager.get(reverse("compliance_load", args=[load.pk])).content.decode()
    assert f"The first {len(load.rejections)} of 150" in page
    answer = manager.get(reverse("compliance_load_rejected", args=[load.pk]))
    text = b"".join(answer.streaming_content).decode()
    assert text.count("\n") == 151
    assert "line 149" in text


def test_a_list_that_shrinks_is_refused_and_an_admin_forces_it_with_a_reason(
    manager: Client, admin: Client, root: Any
) -> None:
    many = b"".join(b"212,555%04d\r\n" % n for n in range(1000, 1010))
    hand_in(manager, file("2026-11-1_212_aa.txt", many))
    load_all()
    hand_in(manager, file("2026-11-2_212_bb.txt"))
    load_all()
    refused = RegistryLoad.objects.get(file_name="2026-11-2_212_bb.txt")
    assert refused.status == "refused"
    url = reverse("compliance_load", args=[refused.pk])
    assert "An admin can load it anyway" in manager.get(url).content.decode()
    again = {"file": file("renamed.txt"), "reason": "they cleaned up"}
    assert manager.post(url, again).status_code == 403
    other = admin.post(url, {"file": file("x.txt", LIST + b"212,5550199\r\n"), "reason": "they cleaned up"})
    assert "file" in other.context["form"].errors
    assert "reason" in admin.post(url, {"file": file("x.txt"), "reason": ""}).context["form"].errors
    assert admin.post(url, {"file": file("renamed.txt"), "reason": "they cleaned up"}).status_code == 302
    load_all()
    forced = RegistryLoad.objects.get(forced=True)
    assert (forced.status, forced.accepted, forced.list_date) == ("loaded", 2, date(2026, 11, 2))
    event = AuditEvent.objects.get(action="registry_load.forced")
    assert (event.actor, event.reason, event.subject_id) == (root, "they cleaned up", str(forced.pk))
    assert "they cleaned up" in admin.get(reverse("compliance_load", args=[forced.pk])).content.decode()
