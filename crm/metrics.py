"""How is the web process doing, in figures that Prometheus reads?"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

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
