"""The guard's rules: read and searched by managers, changed by admins, tried on a number by both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import guard_checks, law_rows, law_words
from leads.models import AuditEvent, GuardRule, Lead, Workspace
from leads.spreadsheet import csv_lines
from touchpoints import guard_rule_list, lead_page, number_lookup
from touchpoints.guard_rule_forms import GuardRuleForm, with_more
from touchpoints.number_forms import GuardQuestion
from touchpoints.views.rules import managers_only

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.http import HttpRequest, HttpResponse

STANDINGS = {
    "in_effect": gettext_lazy("in effect"),
    "scheduled": gettext_lazy("to come"),
    "superseded": gettext_lazy("superseded"),
    "ended": gettext_lazy("ended"),
    "retired": gettext_lazy("retired"),
}
DONE = {
    "guard_rule.added": gettext_lazy("added"),
    "guard_rule.changed": gettext_lazy("made a new version"),
    "guard_rule.verified": gettext_lazy("compared it with its source"),
    "guard_rule.withdrawn": gettext_lazy("took it back before it came into effect"),
    "guard_rule.retired": gettext_lazy("retired it"),
}


def _admins(request: HttpRequest) -> None:
    if not request.user.is_admin:  # type: ignore[union-attr]
        raise PermissionDenied(_("Only admins change the rules of the guard."))


# --- to read --------------------------------------------------------------------------------------------------------


@managers_only
@require_safe
def rules_guard(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Managers and admins: every place's rule, searched and filtered; `?format=csv`: the same as a file."""
    today = law_rows.day_of(timezone.now())
    every = guard_rule_list.entries(today=today)
    countries = {entry.rule.jurisdiction.partition("-")[0] for entry in every} - {law_rows.ANYWHERE}
    form = guard_rule_list.RuleFilter(request.GET, countries)
    found = form.chosen(every)
    if request.GET.get("format") == "csv":
        return _csv(found, today)
    context = {
        "form": form,
        "found": found,
        "all": len(every),
        "unverified": sum(entry.is_old and entry.standing == "in_effect" for entry in every),
        "standings": STANDINGS,
    }
    return render(request, "rules/guard.html", context)


def _csv(found: list[guard_rule_list.Entry], today: date) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        yield "\ufeff"  # tells spreadsheets that this is UTF-8
        head = [*(str(law_words.LABELS[field]) for field in law_words.SAID), _("Version"), _("Standing")]
        rows = (
            [
                *(one.text for one in law_words.in_words(law_rows.said(entry.rule))),
                str(entry.rule.version),
                str(STANDINGS[entry.standing]),
            ]
            for entry in found
        )
        yield from csv_lines([head, *rows])

    return StreamingHttpResponse(
        (line.encode() for line in lines()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="thaw-guard-rules-{today}.csv"'},
    )


@managers_only
@require_safe
def rules_guard_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: one version in words, its source, and all versions with what each changed."""
    rule = get_object_or_404(GuardRule, pk=pk)
    versions = law_rows.versions_of(rule)
    today = law_rows.day_of(timezone.now())
    context = {
        "rule": rule,
        "name": guard_rule_list.place_name(rule.jurisdiction),
        "said": law_words.in_words(law_rows.said(rule)),
        "standing": law_rows.standing(rule, versions, today),
        "standings": STANDINGS,
        "latest": versions[0],
        "is_latest": versions[0] == rule,
        "is_retired": not any(version.active for version in versions),
        "versions": _versions(versions, today),
        "deeds": _deeds(versions),
    }
    return render(request, "rules/guard_rule.html", context)


def _versions(versions: list[GuardRule], today: date) -> list[dict[str, Any]]:
    """The latest first, each with how it stands and what it changed of the one before."""
    before: list[GuardRule | None] = [*versions[1:], None]
    return [
        {
            "rule": version,
            "standing": law_rows.standing(version, versions, today),
            "changes": law_words.changes(law_rows.said(earlier), law_rows.said(version)) if earlier else [],
        }
        for version, earlier in zip(versions, before, strict=True)
    ]


def _deeds(versions: list[GuardRule]) -> list[dict[str, Any]]:
    events = AuditEvent.objects.filter(
        subject_type="guard_rule", subject_id__in=[str(version.pk) for version in versions]
    ).select_related("actor")
    numbers = {str(version.pk): version.version for version in versions}
    return [
        {"event": event, "done": DONE.get(event.action, event.action), "version": numbers[event.subject_id]}
        for event in events
    ]


# --- to change ------------------------------------------------------------------------------------------------------


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_guard_new(request: HttpRequest) -> HttpResponse:
    """Admins: write the first rule of a place. `?like=` starts from another rule."""
    _admins(request)
    now = timezone.now()
    like = GuardRule.objects.filter(pk=_number(request.GET.get("like"))).first()
    said = _blank() if like is None else {**law_rows.said(like), "jurisdiction": "", "verified_on": None}
    return _write(request, rule=None, said=said, now=now)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_guard_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: write the next version of a rule; first what it would change, then the version."""
    _admins(request)
    rule = get_object_or_404(GuardRule, pk=pk)
    # Nobody has compared the new version with its source before it is written.
    said = {**law_rows.said(rule), "effective_until": None, "verified_on": None}
    return _write(request, rule=rule, said=said, now=timezone.now())


def _write(
    request: HttpRequest, *, rule: GuardRule | None, said: dict[str, Any], now: datetime
) -> HttpResponse:
    today = law_rows.day_of(now)
    data = _typed(request)
    form = GuardRuleForm(data, said=said, today=today, is_new=rule is None)
    preview: dict[str, Any] = {}
    if data is not None and "more" not in request.POST and form.is_valid():
        if request.POST.get("step") == "save":
            made = _save(request, form, rule, now)
            if made is not None:
                return redirect("rules_guard_rule", made.pk)
        else:
            preview = _preview(form, rule)
    is_wrong = form.is_bound and "more" not in request.POST and bool(form.errors)
    context = {
        "form": form,
        "rule": rule,
        "name": guard_rule_list.place_name(rule.jurisdiction) if rule else "",
        "next_version": rule.version + 1 if rule else 1,
        "registry_names": law_words.REGISTRY_NAMES.items(),
        "show_errors": "more" not in request.POST,
        **preview,
    }
    return render(request, "rules/guard_form.html", context, status=422 if is_wrong else 200)


def _typed(request: HttpRequest) -> QueryDict | None:
    if request.method != "POST":
        return None
    wanted = request.POST.get("more", "")
    return with_more(request.POST, wanted) if wanted else request.POST


def _save(
    request: HttpRequest, form: GuardRuleForm, rule: GuardRule | None, now: datetime
) -> GuardRule | None:
    values, reason = form.values(), form.cleaned_data["reason"]
    try:
        if rule is None:
            made = law_rows.add(values, reason=reason, by=request.user, now=now)  # type: ignore[arg-type]
        else:
            made = law_rows.revise(rule, values, reason=reason, by=request.user, now=now)  # type: ignore[arg-type]
    except law_rows.RuleRefused as refused:
        form.refuse(refused.errors)
        return None
    messages.success(request, _("Version %(n)d is kept; the versions before it stay.") % {"n": made.version})
    return made


def _preview(form: GuardRuleForm, rule: GuardRule | None) -> dict[str, Any]:
    """What would change, and how many leads have an address there; or what is wrong with it."""
    values = form.values()
    values["jurisdiction"] = law_rows.normal_place(values["jurisdiction"])
    wrong = law_rows.problems(values)
    if wrong:
        form.refuse(wrong)
        return {}
    before = law_rows.said(rule) if rule else None
    changes = law_words.changes(before, values) if before else []
    return {
        "previewed": True,
        "changes": changes,
        "said": law_words.in_words(values) if before is None else [],
        "unchanged": before is not None and not any(one.field in law_rows.CONTENT for one in changes),
        "leads_there": _leads_there(values["jurisdiction"], values["audience"]),
    }


def _leads_there(jurisdiction: str, audience: str) -> int | None:
    """Leads whose address is there; None for the rule of everywhere else."""
    if jurisdiction == law_rows.ANYWHERE:
        return None
    country, _dash, part = jurisdiction.partition("-")
    leads = Lead.objects.filter(country=country, **({"region": part} if part else {}))
    if audience != GuardRule.Audience.ANY:
        leads = leads.filter(audience=audience)
    return leads.count()


def _blank() -> dict[str, Any]:
    fields = {field.name: field for field in GuardRule._meta.concrete_fields}
    blank = {name: fields[name].get_default() for name in law_rows.FIELDS}
    return {**blank, "jurisdiction": "", "citation": ""}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


@managers_only
@require_POST
def rules_guard_verified(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: note that the rule was compared with its source today."""
    _admins(request)
    rule = get_object_or_404(GuardRule, pk=pk)
    law_rows.verify(rule, by=request.user, now=timezone.now())  # type: ignore[arg-type]
    messages.success(request, _("Noted: verified today."))
    return redirect("rules_guard_rule", rule.pk)


@managers_only
@require_POST
def rules_guard_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: take back a version that is not in effect yet."""
    return _end(request, pk, law_rows.withdraw, _("Taken back; the version before it goes on."))


@managers_only
@require_POST
def rules_guard_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: end a rule for good; what binds more widely binds from now on."""
    return _end(request, pk, law_rows.retire, _("Retired: the wider rules bind from now on."))


def _end(request: HttpRequest, pk: int, door: Any, done: str) -> HttpResponse:
    _admins(request)
    rule = get_object_or_404(GuardRule, pk=pk)
    try:
        door(rule, reason=request.POST.get("reason", "")[:300], by=request.user, now=timezone.now())
    except law_rows.RuleRefused as refused:
        messages.error(request, "; ".join(error.detail for error in refused.errors))
    else:
        messages.success(request, done)
    return redirect("rules_guard_rule", rule.pk)


# --- to try ---------------------------------------------------------------------------------------------------------


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_guard_try(request: HttpRequest) -> HttpResponse:
    """Managers and admins: what the guard would say of a number, with every check; counted as a look-up."""
    now = timezone.now()
    form = GuardQuestion(
        request.POST or None,
        home=Workspace.current().region,
        asker_zone=lead_page.clock_of(request.user),
    )
    context: dict[str, Any] = {"form": form, "now": now}
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            context["look"] = number_lookup.look_up(
                form.cleaned_data["number"],
                by=request.user,  # type: ignore[arg-type]
                now=now,
                at=form.instant(),
                **form.place(),
            )
        except number_lookup.TooManyLookups as refused:
            context["refused"], status = refused, 429
    elif form.errors:
        status = 422
    if "look" in context:
        context["checks"] = guard_checks.named(context["look"].checks)
    context["allowance"] = number_lookup.allowance(request.user, now=now)  # type: ignore[arg-type]
    return render(request, "rules/guard_try.html", context, status=status)
