"""What does the call screen say over and over? The keys as the user has them."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.contrib.auth import get_user_model
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from touchpoints import keys

register = template.Library()


@register.filter
def colleagues(user: Any) -> Any:
    """Who else may host a meeting this user books."""
    people = get_user_model().objects.visible_to(user).filter(is_active=True)
    return people.exclude(pk=user.pk).order_by("first_name", "username")


@register.simple_tag(takes_context=True)
def key_of(context: Context, action: str) -> str:
    """The key this user has an action on, as aria-keyshortcuts names it."""
    return _keys(context)[action]


@register.simple_tag(takes_context=True)
def keycap(context: Context, action: str) -> SafeString:
    """The key this user has an action on, drawn; said to be the button's by aria-keyshortcuts, not by its text."""
    key = _keys(context)[action]
    return format_html(
        '<span class="kbd" data-code="{}" aria-hidden="true">{}</span>', keys.code_of(key), key.upper()
    )


@register.simple_tag(takes_context=True)
def action_keys(context: Context) -> str:
    """{place of a key: action} as JSON, for the script."""
    return json.dumps({keys.code_of(key): action for action, key in _keys(context).items()})


def _keys(context: Context) -> dict[str, str]:
    return keys.keys_of({}, context["request"].user.key_map)
