"""Kinds of touchpoint and what is said of them on the phone. For managers and admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from touchpoints import icebreaker, kinds, opening_lines
from touchpoints.models import IceBreaker, TouchpointKind
from touchpoints.rule_forms import KindForm
from touchpoints.views.rules import managers_only

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

LANGUAGE_NAMES = {"en": "English", "da": "dansk", "pl": "polski", "ru": "русский"}
BUILTIN = {(one.kind, one.language, one.tone): one.template for one in opening_lines.DEFAULT_ICEBREAKERS}


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_kinds(request: HttpRequest) -> HttpResponse:
    """Managers and admins: every kind of touchpoint; a POST adds one."""
    form = KindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = kinds.add(**form.cleaned_data, by=request.user, now=timezone.now())
        except kinds.KindRefused as refused:
            form.add_error(refused.field, refused.text)
        else:
            text = gettext(
                "“%(name)s” can be recorded; say here how a call about it opens. Its rule waits in the draft: "
                "publish it to let it count."
            )
            messages.success(request, text % {"name": made.label})
            return redirect(f"{reverse('rules_lines')}?kind={made.pk}")
    context = {"kinds": TouchpointKind.objects.all(), "form": form}
    return render(request, "rules/kinds.html", context, status=422 if form.errors else 200)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_kind(request: HttpRequest, key: str) -> HttpResponse:
    """Managers and admins: change one kind."""
    kind = get_object_or_404(TouchpointKind, pk=key)
    form = KindForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            kinds.change(kind, form.cleaned_data, by=request.user, now=timezone.now())
        except kinds.KindRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.text)
        else:
            messages.success(request, gettext("“%(name)s” saved.") % {"name": kind.label})
            return redirect("rules_kinds")
    context = {"kind": kind, "form": form}
    return render(request, "rules/kind.html", context, status=422 if form.errors else 200)


@managers_only
@require_POST
def rules_kind_remove(request: HttpRequest, key: str) -> HttpResponse:
    """Managers and admins: delete a kind of one's own that nothing rests on."""
    kind = get_object_or_404(TouchpointKind, pk=key)
    try:
        kinds.remove(kind, by=request.user, now=timezone.now())
    except kinds.KindRefused as refused:
        messages.error(request, refused.text)
        return redirect("rules_kind", key)
    messages.success(request, gettext("“%(name)s” deleted.") % {"name": kind.label})
    return redirect("rules_kinds")


# --- opening lines ----------------------------------------------------------------------------------------------


@managers_only
@require_safe
def rules_lines(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the opening lines of one kind (`?kind=`), in every language and tone."""
    every = list(TouchpointKind.objects.all())
    asked = request.GET.get("kind", "")
    kind = next((one for one in every if one.pk == asked), every[0])
    texts = {(row.language, row.tone): row.text for row in IceBreaker.objects.filter(kind=kind)}
    now = timezone.now()
    lines = [
        _line(request, kind, language, tone, texts.get((language, tone), ""), now=now)
        for language in icebreaker.LANGUAGES
        for tone in icebreaker.TONES
    ]
    context = {"kinds": every, "kind": kind, "lines": lines, "facts": icebreaker.FACTS}
    return render(request, "rules/lines.html", context)


@managers_only
@require_POST
def rules_line(request: HttpRequest, key: str) -> HttpResponse:
    """Managers and admins: save one line; `preview` only says what it would read like."""
    kind = get_object_or_404(TouchpointKind, pk=key)
    language, tone = request.POST.get("language", ""), request.POST.get("tone", "")
    text = request.POST.get("text", "").strip()
    if "builtin" in request.POST:
        text = BUILTIN.get((kind.pk, language, tone), text)
    now = timezone.now()
    if language not in icebreaker.LANGUAGES or tone not in icebreaker.TONES:
        messages.error(request, gettext("No such language or tone."))
        return redirect("rules_lines")
    line = _line(request, kind, language, tone, text, now=now)
    if "preview" in request.POST:
        return render(request, "rules/line_preview.html", {"line": line})
    if not line["problems"]:
        kinds.set_line(kind, language=language, tone=tone, text=text, by=request.user, now=now)
        line["saved"] = True
    status = 422 if line["problems"] else 200
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "rules/line.html", {"line": line, "kind": kind}, status=status)
    if line["problems"]:
        messages.error(request, "; ".join(line["problems"]))
    return redirect(f"{reverse('rules_lines')}?kind={kind.pk}")


def _line(
    request: HttpRequest, kind: TouchpointKind, language: str, tone: str, text: str, *, now: datetime
) -> dict[str, Any]:
    caller = request.user.get_full_name() or request.user.get_username()  # type: ignore[union-attr]
    builtin = BUILTIN.get((kind.pk, language, tone), "")
    return {
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "tone": tone,
        "tone_name": gettext("formal") if tone == opening_lines.FORMAL else gettext("informal"),
        "text": text,
        "id": f"{language}-{tone}",
        "builtin": builtin if builtin != text else "",
        "greeting": icebreaker.example_greeting(language=language, tone=tone, now=now),
        "problems": kinds.line_problems(text),
        "examples": icebreaker.examples(kind.pk, text, caller=caller, language=language, tone=tone, now=now),
    }
