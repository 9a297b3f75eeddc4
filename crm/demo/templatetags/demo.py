"""Does this page offer to remove the demo? `{% demo_banner %}` in a base page; one query, for admins only."""

from typing import Any

from django import template

from crm.demo.manifest import has_logins

register = template.Library()


@register.inclusion_tag("demo/banner.html", takes_context=True)
def demo_banner(context: dict[str, Any]) -> dict[str, Any]:
    request = context.get("request")
    user = getattr(request, "user", None)
    shown = bool(user and user.is_authenticated and user.is_admin and has_logins())
    return {"shown": shown, "csrf_token": context.get("csrf_token"), "request": request}
