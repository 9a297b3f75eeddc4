"""How are the web process and the engine doing, in figures that Prometheus reads?"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from touchpoints import health

logger = structlog.get_logger(__name__)

type_of_view = Callable[[HttpRequest], HttpResponseBase]

REQUESTS = Counter("thaw_requests_total", "Requests answered.", ["method", "view", "status"])
SECONDS = Histogram(
    "thaw_request_seconds",
    "Time from a request to its answer.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def measure(get_response: type_of_view) -> type_of_view:
    """Middleware that counts and times every request under its view's name, never under its path: paths
    hold ids, and a series for each would grow without end."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name or "unnamed" if request.resolver_match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, view, response.status_code).inc()
        SECONDS.labels(view).observe(time.perf_counter() - start)
        return response

    return middleware


def engine_figures(*, now: datetime) -> bytes:
    """The engine's figures at `now`, as Prometheus reads them; none where the database is away."""
    try:
        found = health.figures(now=now)
    except DatabaseError as error:
        logger.warning("engine_figures_unavailable", error=str(error))
        return b""
    registry = CollectorRegistry()
    oldest = found.oldest_age.total_seconds() if found.oldest_age else 0
    for name, text, value in (
        ("thaw_engine_backlog", "Touchpoints that wait to be evaluated.", found.backlog),
        ("thaw_engine_oldest_age_seconds", "For how long the oldest of them has waited.", oldest),
        ("thaw_engine_evaluated_last_hour", "Touchpoints evaluated within an hour.", found.evaluated_hour),
        ("thaw_engine_set_aside", "Touchpoints whose evaluation failed too often.", found.set_aside),
        ("thaw_engine_leads_due", "Leads due for a new evaluation.", found.leads_due),
    ):
        Gauge(name, text, registry=registry).set(value)
    ages = Gauge("thaw_sweep_age_seconds", "Time since the sweep last ran.", ["sweep"], registry=registry)
    for sweep in found.sweeps:
        if sweep.age is not None:
            ages.labels(sweep.name).set(sweep.age.total_seconds())
    return generate_latest(registry)
