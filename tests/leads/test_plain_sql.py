"""Do statements written by hand read what the ORM would?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import Team, User
from leads import plain_sql
from leads.models import Company, Lead
from leads.plain_sql import Joined

pytestmark = pytest.mark.django_db

LEAD = Joined("l", Lead, company="c", owner="o", owner__team="t")
LEADS = f"""
    SELECT {LEAD.columns}, l.fit + 1 FROM leads_lead l LEFT JOIN leads_company c ON c.id = l.company_id
    LEFT JOIN accounts_user o ON o.id = l.owner_id LEFT JOIN accounts_team t ON t.id = o.team_id
    WHERE {{in:l.id}} ORDER BY l.id {{lock:l}}
"""
AT = datetime(2026, 3, 2, 9, 30, 0, 125000, tzinfo=UTC)


def values(row: Lead | Company | User | Team | None) -> dict[str, object] | None:
    return row and {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}


@pytest.fixture
def leads(ada: User) -> list[Lead]:
    company = Company.objects.create(name="Acme", domain="acme.test")
    full = Lead.objects.create(
        first_name="Jo",
        company=company,
        owner=ada,
        team=ada.team,
        value=Decimal("1200.50"),
        warm_until=AT,
        temperature="warm",
        stood_before=[{"zone": "Europe/Copenhagen"}],
        created_at=AT,
    )
    return [full, Lead.objects.create(first_name="Nobody's", created_at=AT)]


def test_models_are_read_as_the_orm_reads_them(leads: list[Lead]) -> None:
    with transaction.atomic():
        found = [LEAD.read(row) for row in plain_sql.rows(LEADS, [[one.pk for one in leads]])]
    ours = [lead for lead, _rest in found]
    theirs = list(Lead.objects.select_related("company", "owner__team").order_by("pk"))
    with CaptureQueriesContext(connection) as asked:
        for mine, other in zip(ours, theirs, strict=True):
            assert values(mine) == values(other)
            assert values(mine.company) == values(other.company)
            assert values(mine.owner) == values(other.owner)
        assert ours[0].owner.team.name == theirs[0].owner.team.name
        assert ours[1].owner is None
    assert len(asked) == 0, "what was joined is not asked for again"
    assert [list(rest) for _lead, rest in found] == [[lead.fit + 1] for lead in ours]


def test_what_was_read_is_saved_like_any_other(leads: list[Lead]) -> None:
    with transaction.atomic():
        lead, _rest = LEAD.read(plain_sql.rows(LEADS, [[leads[0].pk]])[0])
    lead.first_name = "Joanna"
    lead.save()
    lead.refresh_from_db()
    assert (lead.first_name, lead.value, lead.stood_before) == (
        "Joanna",
        Decimal("1200.50"),
        [{"zone": "Europe/Copenhagen"}],
    )


def test_a_list_of_any_length_is_one_parameter(leads: list[Lead]) -> None:
    many = [one.pk for one in leads] + list(range(10_000_000, 10_005_000))
    with transaction.atomic():
        assert len(plain_sql.rows(LEADS, [many])) == 2
        assert plain_sql.rows(LEADS, [[]]) == []


def test_what_is_sent_is_counted_and_logged_like_any_query(leads: list[Lead]) -> None:
    with CaptureQueriesContext(connection) as asked:
        plain_sql.rows("SELECT id FROM leads_lead WHERE id = %s", [leads[0].pk])
    assert ["leads_lead" in one["sql"] for one in asked.captured_queries] == [True]


def test_rows_are_written_with_one_statement_for_each(leads: list[Lead]) -> None:
    for one in leads:
        one.fit, one.cooled_at = 77, AT
    plain_sql.write(leads, ["fit", "cooled_at"])
    assert set(Lead.objects.values_list("fit", "cooled_at")) == {(77, AT)}
