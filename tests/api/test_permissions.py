"""Who records, ends and reads consents over the API, and what of the own list and the customers is found?"""

from __future__ import annotations

from datetime import timedelta

from leads.models import Consent, Customer
from tests.api.conftest import codes
from touchpoints import suppress

URL = "/api/v1/consents/"


def test_a_rep_records_what_they_heard_and_cannot_say_who_did(client_of, ada, max_, a_lead, cy, noon):
    lead, other = a_lead(owner=ada, phones=("+12125550123",)), a_lead(owner=cy)
    rep, manager = client_of(ada), client_of(max_)
    given = {"lead": lead.pk, "evidence": "said so on the phone", "number": "+12125550123"}
    made = rep.post(URL, given)
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "lead": lead.pk,
        "kind": "consent",
        "channel": "call",
        "number": "+12125550123",
        "starts_at": "2026-03-04T17:00:00Z",
        "ends_at": None,
        "revoked_at": None,
        "evidence": "said so on the phone",
        "recorded_at": "2026-03-04T17:00:00Z",
        "recorded_by": "ada",
    }
    assert codes(rep.post(URL, given | {"recorded_by": "max"})) == {"recorded_by": "read_only"}
    assert codes(rep.post(URL, given | {"evidence": "-"})) == {"evidence": "required"}
    assert codes(rep.post(URL, given | {"number": "+12125550199"})) == {"number": "invalid"}
    assert codes(rep.post(URL, given | {"lead": other.pk})) == {"lead": "does_not_exist"}
    assert rep.post(URL, given | {"kind": "purchase"}).status_code == 403
    assert manager.post(URL, given | {"kind": "purchase"}).status_code == 201
    assert Consent.objects.count() == 2
    assert [one["kind"] for one in rep.get(URL, {"kind": "purchase"}).json()["results"]] == ["purchase"]
    assert client_of(cy).get(URL).json()["results"] == []


def test_managers_end_and_whoever_hears_it_revokes(client_of, ada, max_, a_lead, noon):
    rep = client_of(ada)
    given = {"lead": a_lead(owner=ada).pk, "evidence": "by phone"}
    first, second = (rep.post(URL, given).json()["id"] for _ in range(2))
    assert rep.post(f"{URL}{first}/end/", {"reason": "over"}).status_code == 403
    assert codes(rep.post(f"{URL}{first}/revoke/", {})) == {"reason": "required"}
    assert rep.post(f"{URL}{first}/revoke/", {"reason": "changed their mind"}).json()["revoked_at"]
    assert client_of(max_).post(f"{URL}{second}/end/", {"reason": "over"}).json()["ends_at"]
    assert rep.post(f"{URL}{second}/revoke/", {"reason": "again"}).status_code == 400


def test_the_own_list_is_filtered(client_of, max_, root, noon):
    kept = suppress.suppress(scope="number", e164="+12125550123", channel="letter", by=max_, now=noon)
    lifted = suppress.suppress(scope="number", e164="+12125550177", by=max_, now=noon)
    suppress.lift(lifted, reason="sold", evidence="mail", by=root, now=noon + timedelta(hours=1))
    manager, url = client_of(max_), "/api/v1/suppressions/"

    def found(**asked: str) -> list[int]:
        return [one["id"] for one in manager.get(url, asked).json()["results"]]

    assert found() == found(search="(212) 555-0123") == found(channel="LETTER") == [kept.pk]
    assert found(state="lifted") == [lifted.pk]
    assert manager.get(f"{url}{lifted.pk}/").json()["lifted_at"]
    assert codes(manager.get(url, {"state": "gone"})) == {"state": "invalid_choice"}
    assert codes(manager.get(url, {"e164": "x"})) == {"e164": "unknown_parameter"}


def test_a_customer_has_an_account_owner(client_of, max_, ada):
    manager, url = client_of(max_), "/api/v1/customers/"
    made = manager.post(url, {"domain": "acme.example", "account_owner": "ada"})
    assert (made.status_code, made.json()["account_owner"]) == (201, "ada")
    assert codes(manager.post(url, {"domain": "b.example", "account_owner": "nobody"})) == {
        "account_owner": "unknown"
    }
    assert codes(manager.post(url, {"domain": "gmail.com"})) == {"domain": "free_mail"}
    assert len(manager.get(url, {"account_owner": "ada"}).json()["results"]) == 1
    one = f"{url}{made.json()['id']}/"
    assert manager.patch(one, {"account_owner": None}).json()["account_owner"] is None
    assert Customer.objects.count() == 1
