"""What does somebody let go who signs out? Whatever way they sign out, what is on their screen is free."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from touchpoints import queue


def let_go(*, user: Any = None, **_said: Any) -> None:
    """Release what the person who signs out holds, unless a call is open on it."""
    if user is not None:
        queue.release(user, now=timezone.now())
