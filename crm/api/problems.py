"""How does the API say no? As RFC 9457 `application/problem+json`, whatever refused and wherever it did."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from leads.api.strict import Problem, flat_errors

MEDIA_TYPE = "application/problem+json"
API_ROOT = "/api/"


def problem(status_code: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The body of a refusal: {type, title, status, detail, code, …}; `extra` where it applies."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": detail,
        "code": code,
        **extra,
    }


def refusal(status_code: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    """A refusal from outside a DRF view."""
    return JsonResponse(
        problem(status_code, code, detail, **extra), status=status_code, content_type=MEDIA_TYPE
    )


def too_large() -> str:
    """What to say of a body that nobody will read."""
    return _("The body is larger than %(most)d bytes.") % {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}


def as_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what is a bug of ours: it is logged and answered by `server_error`."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = Problem(413, "too_large", too_large())
    answer = exception_handler(error, context)
    if answer is None or not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    answer.data = _body(error)
    answer.content_type = MEDIA_TYPE
    return answer


def _body(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        errors = flat_errors(error.detail)
        named = ", ".join(dict.fromkeys(one["field"] for one in errors))
        return problem(
            status.HTTP_400_BAD_REQUEST,
            "invalid",
            _("Refused: %(fields)s.") % {"fields": named},
            errors=errors,
        )
    extra = error.extra if isinstance(error, Problem) else {}
    return problem(error.status_code, _code(error), str(error.detail), **extra)


def _code(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ParseError):
        return "malformed"
    return str(getattr(error.detail, "code", error.default_code))


@csrf_exempt
def nothing_here(request: HttpRequest, path: str) -> HttpResponse:
    """Anybody may ask: an address under the API that is none."""
    detail = _("There is nothing at this address.")
    if not path.endswith("/"):
        detail = _("There is nothing at this address; the API's addresses end with a slash.")
    return refusal(404, "not_found", detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """What a fault of ours looks like: a problem to programs, a page to people. Nothing of the fault is told."""
    if request.path.startswith(API_ROOT):
        return refusal(500, "server_error", _("Something went wrong here; it has been logged."))
    return defaults.server_error(request)
