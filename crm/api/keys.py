"""Whose key is this, what may it do, and how often?

A key has its user's rights, narrowed by scopes: "read", "write", or one resource's, as in "touchpoints:write".
No scopes: all its user may do. There is no rate limit until an admin sets one on the key.
"""

from __future__ import annotations

import binascii
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from crm.accounts.models import ApiKey, User
from leads.plain_sql import Joined, rows

RESOURCES = (
    "calls",
    "customers",
    "imports",
    "leads",
    "lists",
    "meetings",
    "queue",
    "reports",
    "rules",
    "segments",
    "suppressions",
    "tasks",
    "touchpoints",
    "webhooks",
)
VERBS = ("read", "write")
SCOPES = frozenset([*VERBS, *(f"{resource}:{verb}" for resource in RESOURCES for verb in VERBS)])
# `last_used_at` answers "is this key still in use?", to the minute: not worth a write for every request.
NOTED_EVERY = timedelta(minutes=1)
_KEY = Joined("k", ApiKey, user="u", user__team="t")
_KEYS = f"""
    SELECT {_KEY.columns} FROM accounts_apikey k
    JOIN accounts_user u ON u.id = k.user_id LEFT JOIN accounts_team t ON t.id = u.team_id
    WHERE k.token_key = %s AND (k.expiry IS NULL OR k.expiry > %s)
"""  # noqa: S608 - the columns are our models' own


class KeyAuthentication(TokenAuthentication):
    """`Authorization: Bearer <key>`; asked once a request however many parts of it want to know."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        http = getattr(request, "_request", request)
        if not hasattr(http, "api_identity"):
            http.api_identity = super().authenticate(request)
        return http.api_identity  # type: ignore[no-any-return]

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiKey]:
        try:
            text = token.decode("ascii")
            digest = hash_token(text)
        except (UnicodeDecodeError, TypeError, binascii.Error):
            raise AuthenticationFailed(_("This is no valid key.")) from None
        now = timezone.now()
        found = rows(_KEYS, [text[: CONSTANTS.TOKEN_KEY_LENGTH], now])
        keys: list[ApiKey] = [_KEY.read(row)[0] for row in found]
        key = next((one for one in keys if compare_digest(one.digest, digest)), None)
        if key is None or not key.user.is_active:
            raise AuthenticationFailed(_("This is no valid key."))
        if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key


class WithinScopes(BasePermission):
    """The key's scopes cover this resource and verb. Signed-in people have no key and no scopes."""

    message = _("This key's scopes do not cover this.")
    code = "missing_scope"

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey) or not request.auth.scopes:
            return True
        verb = "read" if request.method in SAFE_METHODS else "write"
        resource = getattr(view, "scope_of", None) or _resource(request.path)
        return verb in request.auth.scopes or f"{resource}:{verb}" in request.auth.scopes


def _resource(path: str) -> str:
    """The resource an address belongs to: what follows /api/v1/."""
    parts = path.strip("/").split("/")
    return parts[2] if len(parts) > 2 else ""


class KeyThrottle(SimpleRateThrottle):
    """As many requests a minute as the key allows; counted in the database, not in the broker."""

    scope = "api_key"

    def get_rate(self) -> str | None:
        """None in general: the rate is the key's own."""
        return None

    def allow_request(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey) or not key.requests_a_minute:
            return True
        self.rate = f"{key.requests_a_minute}/min"
        self.num_requests, self.duration = key.requests_a_minute, 60
        return super().allow_request(request, view)  # type: ignore[no-any-return]

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"api-key-rate:{request.auth.pk}"
