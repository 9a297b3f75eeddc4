"""Who may open a page of compliance? Managers and admins read; some pages are for admins alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

View = Callable[..., HttpResponseBase]


def managers_only(view: View) -> View:
    """Managers and admins; everybody else gets a 403, the anonymous the login."""
    return _only(view, lambda user: user.is_manager)


def admins_only(view: View) -> View:
    """Admins alone; everybody else gets a 403, the anonymous the login."""
    return _only(view, lambda user: user.is_admin)


def _only(view: View, may: Callable[[Any], bool]) -> View:
    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(checked)  # type: ignore[no-any-return]
