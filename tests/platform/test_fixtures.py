"""Do the things that all other tests stand on do what they promise?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from crm.accounts.models import Team, User
from tests.processes import Valkey, Worker


def test_cast(ada: User, bea: User, cy: User, max_: User, root: User) -> None:
    assert ada.team == bea.team == max_.team != cy.team
    assert [user.role for user in (ada, cy, max_, root)] == ["rep", "rep", "manager", "admin"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "again"])
def test_rows_of_migrations_survive_tests_that_commit(time: str) -> None:
    assert Team.objects.get(is_default=True).name == "Everyone"
    assert cache.get("left_behind") is None
    Team.objects.all().delete()
    cache.set("left_behind", time)


def test_worker_works_on_the_rows_of_the_test(live_worker: Worker) -> None:
    before = live_worker.pid
    live_worker.kill()
    live_worker.start()
    assert live_worker.pid != before


def test_page_shows_the_rows_of_the_test(
    page: Any, sign_in: Callable[..., None], transactional_db: None, person: Callable[..., User]
) -> None:
    ada = person("ada", role="admin", is_staff=True, is_superuser=True)
    sign_in(page, ada)
    page.goto("/admin/password_change/")
    assert "ADA" in page.text_content("#user-tools").upper()
    assert User.objects.count() == 1  # the ORM may be used while the browser runs


def test_valkey_can_be_taken_away(valkey: Valkey) -> None:
    valkey.stop()
    assert not valkey.answers()
    valkey.start()
    assert valkey.answers()
