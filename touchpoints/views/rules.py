"""The warmth rules: those in force, the draft with its preview, publication and its progress, versions. For managers
and admins; rules hold for the whole workspace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from touchpoints import engine, rule_preview, rule_words, rulesets, temperature_report
from touchpoints.models import Outcome, RuleChangeRun, WarmthRule, WarmthRuleset
from touchpoints.rule_forms import HalfLifeForm, RuleForm, plain

if TYPE_CHECKING:
    from django.http import HttpRequest

View = Callable[..., HttpResponse]
LATEST_RUNS = 10


def managers_only(view: View) -> View:
    """Whoever may change rules: managers and admins. Everybody else gets a 403, the anonymous the login."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_manager:  # type: ignore[union-attr]
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)  # type: ignore[no-any-return]


# --- what is in force -------------------------------------------------------------------------------------------


@managers_only
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the rules in force, in words, and the re-evaluation under way."""
    row = engine.published()
    context = {"ruleset": row, "rules": _told(row), "run": _latest_run(), "draft": rulesets.current_draft()}
    return render(request, "rules/rules.html", context)


@managers_only
@require_safe
def rules_run(request: HttpRequest) -> HttpResponse:
    """Managers and admins: how far the latest re-evaluation is; the page asks again while it is under way."""
    return render(request, "rules/run.html", {"run": _latest_run()})


@managers_only
@require_safe
def rules_versions(request: HttpRequest) -> HttpResponse:
    """Managers and admins: every version there was, who published it, and what each publication did."""
    rows = list(
        WarmthRuleset.objects.exclude(status=rulesets.Status.DRAFT).select_related(
            "created_by", "published_by"
        )
    )
    runs: dict[int, RuleChangeRun] = {}
    for run in RuleChangeRun.objects.filter(cause="rule_change").order_by("started_at", "pk"):
        runs.setdefault(run.ruleset_id, run)
    versions = [{"ruleset": row, "run": runs.get(row.pk)} for row in rows]
    return render(request, "rules/versions.html", {"versions": versions})


@managers_only
@require_safe
def rules_version(request: HttpRequest, version: int) -> HttpResponse:
    """Managers and admins: one version as it was."""
    row = get_object_or_404(WarmthRuleset.objects.exclude(status=rulesets.Status.DRAFT), version=version)
    return render(request, "rules/version.html", {"ruleset": row, "rules": _told(row)})


# --- the draft --------------------------------------------------------------------------------------------------


@managers_only
@require_safe
def rules_draft(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the draft. `?rule=<id>` opens one rule, `?rule=new` a new one, `?at=<id>` returns to one."""
    draft = rulesets.current_draft()
    if draft is None:
        return _to_rules(request)
    asked, at = request.GET.get("rule", ""), request.GET.get("at", "")
    now = timezone.now()
    form = None
    if asked == "new":
        form = _form(request, draft, now=now)
    elif asked.isdecimal() and len(asked) < 18:
        form = _form(request, draft, rule=get_object_or_404(draft.rules.all(), pk=int(asked)), now=now)
    focus = {"pk": int(at), "on": "edit"} if at.isdecimal() and len(at) < 18 else None
    return _draft(request, draft, form=form, focus=focus)


@managers_only
@require_POST
def rules_draft_start(request: HttpRequest) -> HttpResponse:
    """Managers and admins: open the draft, a copy of what is in force."""
    rulesets.draft(by=request.user, now=timezone.now())
    return redirect("rules_draft")


@managers_only
@require_POST
def rules_draft_add(request: HttpRequest) -> HttpResponse:
    """Managers and admins: one more rule in the draft."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    form = _form(request, draft, data=request.POST, now=timezone.now())
    if not form.is_valid():
        return _draft(request, draft, form=form, status=422)
    return _changed(request, draft, lambda: rulesets.add_rule(draft, form.values()), on="edit")


@managers_only
@require_POST
def rules_draft_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: change a rule of the draft; `do` moves it (up, down) or takes it out (remove)."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    rule = get_object_or_404(draft.rules.all(), pk=pk)
    acts: dict[str, Callable[[], WarmthRule | None]] = {
        "up": lambda: rulesets.move_rule(rule, by=-1),
        "down": lambda: rulesets.move_rule(rule, by=1),
        "remove": lambda: rulesets.remove_rule(rule),
    }
    done = request.POST.get("do", "")
    if done in acts:
        return _changed(request, draft, acts[done], on="edit" if done == "remove" else done)
    form = _form(request, draft, rule=rule, data=request.POST, now=timezone.now())
    if not form.is_valid():
        return _draft(request, draft, form=form, status=422)
    return _changed(request, draft, lambda: rulesets.change_rule(rule, form.values()), on="edit")


@managers_only
@require_POST
def rules_draft_settings(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the draft's half-life and note."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    form = HalfLifeForm(request.POST)
    if not form.is_valid():
        return _draft(request, draft, settings_form=form, status=422)
    values = form.cleaned_data
    return _changed(
        request, draft, lambda: rulesets.set_half_life(draft, values["half_life_days"], values["note"])
    )


@managers_only
@require_safe
def rules_draft_preview(request: HttpRequest) -> HttpResponse:
    """Managers and admins: how many leads the draft would warm and cool now; reads only."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    now = timezone.now()
    wrong = rulesets.problems(draft, now=now)
    context: dict[str, Any] = {"draft": draft, "problems": wrong, "now": now}
    if not wrong:
        context["stamp"] = rulesets.stamp(draft)
        context["preview"] = rule_preview.preview(draft, user=request.user, now=now)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "rules/preview.html", context)
    return render(request, "rules/draft.html", {**_draft_context(draft), **context})


@managers_only
@require_POST
def rules_draft_publish(request: HttpRequest) -> HttpResponse:
    """Managers and admins: put the draft in force, if it still is what was previewed."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    if request.POST.get("stamp", "") != rulesets.stamp(draft):
        messages.warning(request, gettext("The draft has changed since this preview. Look at it again."))
        return redirect("rules_draft")
    try:
        rulesets.publish(draft, by=request.user, now=timezone.now())
    except rulesets.RulesRefused as refused:
        messages.error(request, str(refused))
        return redirect("rules_draft")
    text = gettext("Version %(n)d is in force. All leads are being evaluated by it.")
    messages.success(request, text % {"n": draft.version})
    return redirect("rules")


@managers_only
@require_POST
def rules_draft_discard(request: HttpRequest) -> HttpResponse:
    """Managers and admins: throw the draft away; what is in force stays."""
    draft = get_object_or_404(WarmthRuleset, status=rulesets.Status.DRAFT)
    rulesets.discard(draft, by=request.user, now=timezone.now())
    messages.success(request, gettext("Draft discarded."))
    return redirect("rules")


# --- the other tabs ---------------------------------------------------------------------------------------------


@managers_only
@require_safe
def rules_history(request: HttpRequest) -> HttpResponse:
    """Managers their team's, admins everybody's: promotions and coolings per day, cause, rule, list and source."""
    asked = request.GET.get("days", "")
    days = next((days for days in temperature_report.PERIODS if str(days) == asked), 30)
    told = temperature_report.report(user=request.user, days=days, now=timezone.now())
    context = {"report": told, "periods": temperature_report.PERIODS}
    return render(request, "rules/history.html", context)


@managers_only
@require_safe
def rules_outcomes(request: HttpRequest) -> HttpResponse:
    """Managers and admins: what may come of a call and what follows, to read."""
    outcomes = Outcome.objects.select_related("touchpoint_kind")
    return render(request, "rules/outcomes.html", {"outcomes": outcomes})


# --- what the answers are made of -------------------------------------------------------------------------------


def _told(row: WarmthRuleset) -> list[dict[str, Any]]:
    """[{rule, words, conditions, unreachable}] in their order."""
    found = list(row.rules.select_related("kind", "segment"))
    never = rulesets.unreachable(found)
    return [
        {
            "rule": rule,
            "words": rule_words.in_words(rule),
            "conditions": rule_words.conditions(rule),
            "unreachable": rule.pk in never,
        }
        for rule in found
    ]


def _latest_run() -> RuleChangeRun | None:
    return RuleChangeRun.objects.select_related("ruleset", "started_by").first()


def _form(
    request: HttpRequest, draft: WarmthRuleset, *, now: Any, rule: WarmthRule | None = None, data: Any = None
) -> RuleForm:
    return RuleForm(
        data, instance=rule, user=request.user, half_life_days=draft.half_life_days, now=now, prefix=None
    )


def _draft_context(draft: WarmthRuleset) -> dict[str, Any]:
    told = _told(draft)
    in_force = engine.published()
    changed = rulesets.differences(draft, in_force)
    for one in told:
        one["change"] = changed.get(one["rule"].pk, "")
    initial = {"half_life_days": plain(draft.half_life_days), "note": draft.note}
    return {
        "draft": draft,
        "rules": told,
        "taken_out": [_in_words(rule) for rule in rulesets.taken_out(draft, in_force)],
        "settings_form": HalfLifeForm(initial=initial),
    }


def _in_words(rule: WarmthRule) -> str:
    return " · ".join([rule_words.in_words(rule), *rule_words.conditions(rule)])


def _draft(
    request: HttpRequest,
    draft: WarmthRuleset,
    *,
    form: RuleForm | None = None,
    settings_form: HalfLifeForm | None = None,
    focus: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The draft: its body alone for htmx, the page for everybody else. `focus` {pk, on}: the button to go on from."""
    context = _draft_context(draft) | {"focus": focus}
    if form is not None:
        context |= {"form": form, "editing": form.instance.pk or "new"}
    if settings_form is not None:
        context["settings_form"] = settings_form
    template = "rules/draft_body.html" if request.htmx else "rules/draft.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


def _changed(
    request: HttpRequest, draft: WarmthRuleset, act: Callable[[], WarmthRule | None], *, on: str = ""
) -> HttpResponse:
    """Make a change of the draft; whoever works by keyboard goes on from the button `on` of the rule that it left."""
    try:
        rule = act()
    except rulesets.RulesRefused as refused:
        messages.error(request, str(refused))
        return _to_rules(request)
    draft.refresh_from_db()
    if request.htmx:  # type: ignore[attr-defined]
        return _draft(request, draft, focus={"pk": rule.pk, "on": on} if rule else None)
    return redirect("rules_draft")


def _to_rules(request: HttpRequest) -> HttpResponse:
    """To the rules in force: the whole page goes there, also where a part of it asked."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(reverse("rules"))
    return redirect("rules")
