"""What do the health pages say, and to whom?"""

from collections.abc import Callable

import pytest
from django.test import Client

from crm.accounts.models import User
from tests.processes import Valkey


def test_healthz_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").status_code == 200  # without access to a database


@pytest.mark.django_db
def test_readyz_says_what_is_missing(client: Client, valkey: Valkey) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    valkey.stop()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {"database": "ok", "broker": "unavailable", "migrations": "ok", "engine": "ok"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked, status",
    [
        ({}, 200),
        ({"HTTP_HOST": "127.0.0.1:8000"}, 200),
        ({"REMOTE_ADDR": "10.1.2.3"}, 403),
        ({"HTTP_X_FORWARDED_FOR": "10.1.2.3"}, 403),
        ({"HTTP_HOST": "thaw.example.com"}, 403),
    ],
    ids=["this machine", "by its number", "another machine", "through a proxy", "by the public name"],
)
def test_metrics_are_for_this_machine(
    client: Client, settings: object, asked: dict[str, str], status: int
) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    asked = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", **asked}
    assert client.get("/metrics", **asked).status_code == status


def test_metrics_are_for_admins(client: Client, root: User, ada: User, api_key: Callable[..., str]) -> None:
    elsewhere = {"REMOTE_ADDR": "10.1.2.3"}
    client.force_login(ada)
    assert client.get("/metrics", **elsewhere).status_code == 403
    client.force_login(root)
    assert b"thaw_requests_total" in client.get("/metrics", **elsewhere).content
    by_key = Client(REMOTE_ADDR="10.1.2.3")
    statuses = [
        by_key.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in (api_key(root), api_key(ada), "nonsense")
    ]
    assert statuses == [200, 403, 403]


@pytest.mark.django_db
def test_pages_forbid_inline_script_and_framing(client: Client) -> None:
    answer = client.get("/account/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_wrong_passwords_are_throttled(client: Client, ada: User) -> None:
    for _ in range(5):
        client.post("/account/login/", {"login": "ada", "password": "wrong"})
    answer = client.post("/account/login/", {"login": "ada", "password": "melt-the-ice-18"})
    assert "_auth_user_id" not in client.session
    assert b"too many" in answer.content.lower() or answer.status_code == 429


def test_sign_in_by_name(client: Client, ada: User) -> None:
    answer = client.post("/account/login/", {"login": "ada", "password": "melt-the-ice-18"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/").headers["Location"] == "/call/"


@pytest.mark.django_db
def test_visitors_make_no_account(client: Client) -> None:
    client.post(
        "/account/signup/",
        {
            "username": "eve",
            "email": "eve@thaw.example",
            "password1": "melt-the-18",
            "password2": "melt-the-18",
        },
    )
    assert not User.objects.exists()
