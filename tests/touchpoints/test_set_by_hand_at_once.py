"""What becomes of a lead that several people set by hand in the same instant?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from crm.accounts.models import User
from leads.models import Lead
from touchpoints import engine

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PEOPLE = 6


def test_each_is_kept_and_one_of_them_stands(a_lead: Callable[..., Lead], ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    together = Barrier(PEOPLE)

    def set_warm(n: int) -> None:
        mine = Lead.objects.get(pk=lead.pk)
        try:
            together.wait()
            engine.set_override(
                mine, temperature="warm", until=now + timedelta(days=n + 1), reason=str(n), by=ada, now=now
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(set_warm, range(PEOPLE)))
    lead.refresh_from_db()
    assert lead.overrides.count() == PEOPLE
    assert lead.warm_until == lead.overrides.get(ended_at=None).until
