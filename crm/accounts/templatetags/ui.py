"""Which small pieces of screen does every page share? Navigation, icons, times, pills, sorting links."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from django import template
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.db.models import TextChoices
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy
from heroicons.templatetags.heroicons import heroicon_mini, heroicon_outline, heroicon_solid

from crm.figures import count_text, percent_text

register = template.Library()


class Entry(NamedTuple):
    """One place in the main navigation and the roles that see it."""

    url_name: str
    label: Promise
    roles: frozenset[str]


EVERYONE = frozenset({"rep", "manager", "admin"})
LEADERS = frozenset({"manager", "admin"})
ENTRIES = (
    Entry("call", gettext_lazy("Call"), EVERYONE),
    Entry("leads", gettext_lazy("Leads"), EVERYONE),
    Entry("inbox", gettext_lazy("Inbox"), EVERYONE),
    Entry("pipeline", gettext_lazy("Pipeline"), LEADERS),
    Entry("rules", gettext_lazy("Rules"), LEADERS),
    Entry("compliance", gettext_lazy("Compliance"), LEADERS),
    Entry("engine", gettext_lazy("Engine"), frozenset({"admin"})),
    Entry("settings", gettext_lazy("Settings"), LEADERS),
)


@register.simple_tag
def url_if(url_name: str, *args: object, **kwargs: object) -> str:
    """The address of a named page, or "" where this installation has no such page."""
    try:
        return reverse(url_name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def nav_entries(context: RequestContext) -> list[dict[str, Any]]:
    """The main navigation of the signed-in user: [{label, url, current}], only pages that exist."""
    user = getattr(context.get("request"), "user", None) or context.get("user")
    if not getattr(user, "is_authenticated", False):
        return []
    role = str(getattr(user, "role", ""))
    path = getattr(context.get("request"), "path", "")
    shown = [(entry, url_if(entry.url_name)) for entry in ENTRIES if role in entry.roles]
    urls = [url for _entry, url in shown if url and path.startswith(url)]
    current = max(urls, key=len, default="")
    return [{"label": entry.label, "url": url, "current": url == current} for entry, url in shown if url]


@register.simple_tag
@functools.lru_cache(maxsize=256)
def icon(name: str, label: str = "", style: str = "mini", size: int = 20) -> str:
    """A heroicon as inline SVG: decoration by default, an image with a name where `label` is given."""
    attributes = {"class": "icon", "focusable": "false"}
    if label:
        attributes |= {"role": "img", "aria_label": str(label), "aria_hidden": "false"}
    draw = {"mini": heroicon_mini, "outline": heroicon_outline, "solid": heroicon_solid}[style]
    return draw(str(name), size=size, **attributes)


@register.simple_tag
def when(moment: datetime | date | None, shape: str = "datetime") -> SafeString:
    """A `<time>` that the browser shows in its own zone. Shapes: datetime, date, time, weekday, relative.

    A plain date is nobody's instant and stays as it is. Nothing given: an en dash.
    """
    if moment is None or moment == "":
        return mark_safe('<span class="muted">–</span>')
    if not isinstance(moment, datetime):
        return format_html(
            '<time datetime="{}">{}</time>', moment.isoformat(), formats.date_format(moment, "DATE_FORMAT")
        )
    here = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    pattern = {
        "date": "DATE_FORMAT",
        "time": "TIME_FORMAT",
        "weekday": "SHORT_DATE_FORMAT",
    }.get(shape, "DATETIME_FORMAT")
    return format_html(
        '<time datetime="{}" data-local="{}">{}</time>',
        moment.isoformat(),
        shape,
        formats.date_format(here, pattern),
    )


@register.simple_tag
def outside_link(address: str) -> SafeString:
    """A link to a page that is not ours, named by its address; nothing but http and https is followed."""
    scheme, colon, rest = address.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        return format_html("{}", address)
    url = address if colon else f"https://{address}"
    return format_html(
        '<a class="wrap-anywhere" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>',
        url,
        (rest or address).removeprefix("www.").rstrip("/"),
    )


@register.simple_tag
def temperature(value: str | TextChoices, until: datetime | None = None, brief: bool = False) -> SafeString:
    """The temperature pill: filled dot and "Warm until …", or hollow dot and "Cold"; `brief`: no date."""
    warm = str(value) == "warm"
    word = gettext("Warm") if warm else gettext("Cold")
    kind = "warm" if warm else "cold"
    tail: SafeString | str = ""
    if warm and until is not None and not brief:
        word = gettext("Warm until")
        tail = format_html(" {}", when(until, "date"))
    return format_html(
        '<span class="pill {}"><span class="dot {}" aria-hidden="true"></span><span>{}{}</span></span>',
        kind,
        kind,
        word,
        tail,
    )


register.filter("percent", percent_text)
register.filter("count", count_text)


@register.filter
def tone(message: Message) -> str:
    """How a message of Django's is shown: ok, warn, stop, or plain."""
    return {messages.SUCCESS: "ok", messages.WARNING: "warn", messages.ERROR: "stop"}.get(message.level, "")


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: RequestContext, label: str, field: str, param: str = "ordering", css: str = ""
) -> Mapping[str, Any]:
    """A `<th>` whose link sorts by `field`, then the other way round, and keeps every filter."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    state = {field: "ascending", f"-{field}": "descending"}.get(query.get(param, ""), "none")
    query[param] = f"-{field}" if state == "ascending" else field
    for place in ("page", "after", "before"):
        query.pop(place, None)
    return {"label": label, "state": state, "href": f"?{query.urlencode()}", "css": css}
