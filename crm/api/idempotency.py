"""Was this POST sent before? With an `Idempotency-Key` it is done once, and its answer given again for 24 hours.

What the request changes and the answer kept for it are committed together: where a process dies between, neither
is there and the client's next try does the work. A claim in a transaction of its own makes tries at the same time
see each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed

from crm.accounts.models import User
from crm.api.keys import KeyAuthentication
from crm.api.problems import refusal, too_large
from crm.integrations.models import IdempotencyKey
from touchpoints import repeated_dials

KEPT = timedelta(hours=24)
# A claim without an answer this old belongs to a process that died; no request takes as long.
DEAD_AFTER = timedelta(minutes=10)
LONGEST_KEY = 200
# Refusals of the caller rather than of the request: worth another try with the same key.
NOT_KEPT = {401, 403, 429}

GetResponse = Callable[[HttpRequest], HttpResponse]


def do_once(get_response: GetResponse) -> GetResponse:
    """The middleware: the last one, so that what it repeats is what the view said."""

    def middleware(request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or key is None or not request.path.startswith("/api/v1/"):
            return get_response(request)
        if not 0 < len(key) <= LONGEST_KEY:
            field = {
                "field": "Idempotency-Key",
                "code": "invalid",
                "detail": _("Expected 1 to 200 characters."),
            }
            return refusal(
                400, "invalid", _("Refused: %(fields)s.") % {"fields": field["field"]}, errors=[field]
            )
        user = _caller(request)
        return get_response(request) if user is None else _once(request, user, key, get_response)

    return middleware


def _caller(request: HttpRequest) -> User | None:
    """Whose request it is; None where the view will refuse it anyway."""
    try:
        by_key = KeyAuthentication().authenticate(request)
    except AuthenticationFailed:
        return None
    if by_key is not None:
        return by_key[0]
    return request.user if request.user.is_authenticated else None


def _once(request: HttpRequest, user: User, key: str, get_response: GetResponse) -> HttpResponse:
    now = timezone.now()
    path = request.get_full_path()[:300]
    try:
        digest = hashlib.sha256(request.body).hexdigest()
    except RequestDataTooBig:
        return refusal(413, "too_large", too_large())
    IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()
    claim = _claim(user, key, path, digest, now=now)
    if claim is None:
        return _answer_again(user, key, path, digest, now=now)
    with transaction.atomic():
        response = get_response(request)
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif response.status_code not in NOT_KEPT:
            IdempotencyKey.objects.filter(pk=claim.pk).update(
                status=response.status_code,
                response=response.content.decode(),
                content_type=response.headers.get("Content-Type", ""),
            )
    IdempotencyKey.objects.filter(pk=claim.pk, status=None).delete()
    return response


def _claim(user: User, key: str, path: str, digest: str, *, now: datetime) -> IdempotencyKey | None:
    """The row that makes this the one try that does the work; None where another has it."""
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                user=user, key=key, path=path, body_sha256=digest, created_at=now
            )
    except IntegrityError:
        dead = Q(
            user=user, key=key, path=path, body_sha256=digest, status=None, created_at__lt=now - DEAD_AFTER
        )
        if IdempotencyKey.objects.filter(dead).update(created_at=now):
            return IdempotencyKey.objects.get(user=user, key=key)
        return None


def _answer_again(user: User, key: str, path: str, digest: str, *, now: datetime) -> HttpResponse:
    kept = IdempotencyKey.objects.filter(user=user, key=key).first()
    if kept is not None and (kept.path, kept.body_sha256) != (path, digest):
        return refusal(422, "idempotency_mismatch", _("This Idempotency-Key was used for another request."))
    if kept is None or kept.status is None:
        response: HttpResponse = refusal(
            409,
            "idempotency_in_flight",
            _("The first request with this Idempotency-Key is still being done."),
        )
        response["Retry-After"] = "1"
        return response
    text = _without_old_link(kept.response, now=now)
    response = HttpResponse(text, status=kept.status, content_type=kept.content_type)
    response["Idempotency-Replayed"] = "true"
    return response


def _without_old_link(answer: str, *, now: datetime) -> str:
    """The answer to a dial without its link once that would be a new call, about which the guard was not asked."""
    if '"tel_url"' not in answer:
        return answer
    call = json.loads(answer)
    if not call.get("tel_url") or repeated_dials.may_still_dial(call["id"], now=now):
        return answer
    return json.dumps({**call, "tel_url": ""})
