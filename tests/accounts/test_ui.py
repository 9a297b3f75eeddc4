"""Do the shared tags show the right places to the right people, and times, icons and links as they should?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import path

from crm.accounts.models import User
from crm.accounts.templatetags.ui import nav_entries, url_if

MOMENT = datetime(2026, 3, 30, 14, 32, tzinfo=UTC)


def page(request: Any) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("call/", page, name="call"),
    path("leads/", page, name="leads"),
    path("leads/inbox/", page, name="inbox"),
    path("pipeline/", page, name="pipeline"),
    path("settings/", page, name="settings"),
]
only_these_pages = override_settings(ROOT_URLCONF=__name__)


def render(source: str, **values: Any) -> str:
    return Template("{% load ui %}" + source).render(Context(values))


def entries(role: str, at: str = "/") -> list[tuple[str, bool]]:
    request = RequestFactory().get(at)
    request.user = User(username="someone", role=role)
    return [(str(entry["label"]), entry["current"]) for entry in nav_entries(Context({"request": request}))]


@only_these_pages
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("rep", ["Call", "Leads", "Inbox"]),
        ("manager", ["Call", "Leads", "Inbox", "Pipeline", "Settings"]),
        ("admin", ["Call", "Leads", "Inbox", "Pipeline", "Settings"]),
    ],
)
def test_navigation_shows_a_role_its_places_and_only_pages_that_exist(role: str, expected: list[str]) -> None:
    assert [label for label, _current in entries(role)] == expected


@only_these_pages
def test_navigation_marks_the_innermost_place_only() -> None:
    assert [label for label, current in entries("rep", "/leads/7/") if current] == ["Leads"]
    assert [label for label, current in entries("rep", "/leads/inbox/") if current] == ["Inbox"]


@only_these_pages
def test_navigation_is_empty_before_sign_in() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert nav_entries(Context({"request": request})) == []


@only_these_pages
def test_url_if_is_blank_for_a_page_that_does_not_exist() -> None:
    assert url_if("call") == "/call/"
    assert url_if("no-such-page") == ""


def test_when_gives_the_browser_the_instant_and_a_reader_without_scripts_a_date() -> None:
    markup = render("{% when moment 'date' %}", moment=MOMENT)
    assert markup == ('<time datetime="2026-03-30T14:32:00+00:00" data-local="date">30 March 2026</time>')


def test_when_leaves_a_plain_date_where_it_is_and_says_nothing_of_nothing() -> None:
    assert "data-local" not in render("{% when day %}", day=date(2026, 3, 30))
    assert "–" in render("{% when nothing %}", nothing=None)


def test_temperature_never_stands_on_colour_alone() -> None:
    warm = render("{% temperature 'warm' moment %}", moment=MOMENT)
    assert 'class="dot warm"' in warm
    assert "Warm until" in warm
    assert "30 March" in warm
    cold = render("{% temperature 'cold' moment %}", moment=MOMENT)
    assert 'class="dot cold"' in cold
    assert ">Cold<" in cold


def test_icons_are_decoration_unless_they_carry_a_name() -> None:
    assert 'aria-hidden="true"' in render("{% icon 'phone' %}")
    named = render("{% icon 'phone' label=label %}", label='Call "now"')
    assert 'role="img"' in named
    assert "&quot;now&quot;" in named
    assert 'aria-hidden="true"' not in named


@pytest.mark.parametrize(
    ("address", "state", "href"),
    [
        ("/leads/", "none", "?ordering=last_name"),
        ("/leads/?ordering=last_name", "ascending", "?ordering=-last_name"),
        ("/leads/?ordering=-last_name", "descending", "?ordering=last_name"),
        ("/leads/?stage=new&page=4&q=%22%3E", "none", "?stage=new&amp;q=%22%3E&amp;ordering=last_name"),
    ],
)
def test_sorting_turns_round_and_keeps_the_filters(address: str, state: str, href: str) -> None:
    markup = render("{% sort_header 'Name' 'last_name' %}", request=RequestFactory().get(address))
    assert f'aria-sort="{state}"' in markup
    assert f'href="{href}"' in markup


def test_a_field_is_tied_to_its_help_and_its_error() -> None:
    from allauth.account.forms import ResetPasswordForm

    form = ResetPasswordForm({"email": "nope"})
    form.fields["email"].help_text = "Where the letter goes."
    assert not form.is_valid()
    markup = render('{% include "components/form_fields.html" %}', form=form)
    assert 'aria-invalid="true"' in markup
    assert 'aria-describedby="id_email_helptext id_email_error"' in markup
    assert 'id="id_email_error"' in markup
    assert 'id="id_email_helptext"' in markup


@pytest.mark.parametrize(
    ("verdict", "css", "words"),
    [
        ({"decision": "allow", "reasons": []}, "guard ok", "You may call"),
        (
            {"decision": "warn", "reasons": [{"code": "x", "detail": "A customer."}]},
            "guard warn",
            "A customer.",
        ),
        (
            {"decision": "block", "reasons": [{"code": "x", "detail": "Closed."}], "next_allowed_at": MOMENT},
            "guard blocked",
            "allowed again",
        ),
        (
            {"decision": "block", "reasons": [], "next_allowed_at": None},
            "guard blocked",
            "time alone will not change this",
        ),
        (None, "guard unknown", "Not checked yet"),
        (SimpleNamespace(decision="allow", reasons=[]), "guard ok", "You may call"),
    ],
    ids=["allow", "warn", "block-for-now", "block-for-good", "not-asked", "as-an-object"],
)
def test_guard_strip_says_the_verdict_in_words(verdict: Any, css: str, words: str) -> None:
    markup = render('{% include "components/guard.html" %}', guard=verdict)
    assert f'class="{css}"' in markup
    assert words in markup
