"""Is this process up, can it do its work, and how is it doing?"""

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from knox.auth import TokenAuthentication
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.exceptions import AuthenticationFailed

from crm.metrics import engine_figures
from touchpoints import health as engine_health

logger = structlog.get_logger(__name__)

LOOPBACK = {"127.0.0.1", "::1"}
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Anybody may ask; the database is not touched."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The process can work: {"ready": bool, "checks": {name: "ok" | what is wrong}}; 503 where one fails.

    Anybody may ask: the answer names no host, version or error text, which go to the log.
    """
    answers = {name: _ask(name, check) for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in answers.values())
    return JsonResponse({"ready": ready, "checks": answers}, status=200 if ready else 503)


def _ask(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # whatever is wrong with a part, the answer is that it is not ready
        logger.warning("not_ready", check=name, error=str(error))
        return "unavailable"


def database_answers() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def broker_answers() -> str:
    with redis.Redis.from_url(settings.BROKER_URL, socket_timeout=1, socket_connect_timeout=1) as broker:
        broker.ping()
    return "ok"


def migrations_applied() -> str:
    pending = pending_migrations()
    return "ok" if not pending else f"{pending} to apply"


def pending_migrations() -> int:
    """How many migrations this code has that the database has not."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def engine_keeps_up() -> str:
    return "behind" if engine_health.is_behind(now=timezone.now()) else "ok"


CHECKS = {
    "database": database_answers,
    "broker": broker_answers,
    "migrations": migrations_applied,
    "engine": engine_keeps_up,
}


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures of this web process and of the engine.

    For a scraper on this machine, a signed-in admin or an admin's API key.
    """
    if not _may_read_metrics(request):
        return HttpResponse("For admins, or from this machine.\n", status=403, content_type="text/plain")
    figures = generate_latest() + engine_figures(now=timezone.now())
    return HttpResponse(figures, content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    """A proxy on this machine also calls from loopback: then it names itself, or the public name."""
    direct = not any(header in request.META for header in FORWARDED)
    asked_here = request.get_host().rsplit(":", 1)[0] in settings.LOOPBACK_HOSTS
    if request.META.get("REMOTE_ADDR") in LOOPBACK and direct and asked_here:
        return True
    if getattr(request.user, "is_admin", False):
        return True
    try:
        by_key = TokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        return False
    return by_key is not None and by_key[0].is_admin
