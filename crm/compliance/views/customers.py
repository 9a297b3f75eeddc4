"""Who buys from us already: by hand, from a file, with an account owner. For managers and admins."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.compliance.access import managers_only
from crm.compliance.customer_forms import CustomerForm, CustomersFileForm
from crm.compliance.listing import count_in_words, place_of, query_of, urls_beside
from leads import customers
from leads.keyset import page
from leads.models import Customer, Workspace
from leads.permission_filters import CustomerFilter
from touchpoints import customers as door
from touchpoints import own_list
from touchpoints.lead_forms import add_errors

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

ROWS = 50
MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 10_000
REFUSALS_SHOWN = 100
# How the columns of a file may be called, in the order of `customers.FIELDS`.
COLUMNS = {
    "name": ("name", "company", "firma", "navn", "nazwa", "название"),
    "domain": ("domain", "website", "email", "e-mail", "domæne", "domena", "домен"),
    "number": ("number", "phone", "telephone", "telefon", "nummer", "numer", "телефон", "номер"),
    "account_owner": (
        "account_owner",
        "account owner",
        "owner",
        "kontoansvarlig",
        "opiekun",
        "ответственный",
    ),
    "since": ("since", "customer since", "siden", "od", "с"),
}


@managers_only
@require_safe
def compliance_customers(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the customers that the filter in the address finds, by name."""
    return _show(request, now=timezone.now())


def _show(request: HttpRequest, *, now: datetime, status: int = 200, **more: Any) -> HttpResponse:
    rows = Customer.objects.order_by("name", "pk")
    chosen = CustomerFilter(request.GET, queryset=rows, request=request, now=now)
    after, before = place_of(request.GET)
    found = page(chosen.qs.select_related("account_owner"), size=ROWS, after=after, before=before)
    context = {
        "customers": found.rows,
        "counted": count_in_words(chosen.qs),
        "filtered": bool(query_of(request.GET)),
        "customer_form": CustomerForm(),
        "file_form": CustomersFileForm(initial={"region": Workspace.current().region}),
        **urls_beside(request.GET, found),
        **more,
    }
    return render(request, "compliance/customers.html", context, status=status)


@managers_only
@require_POST
def compliance_customer_add(request: HttpRequest) -> HttpResponse:
    """Managers and admins: one more customer; whoever of our leads is there leaves the queues at once."""
    now, form = timezone.now(), CustomerForm(request.POST)
    if form.is_valid():
        try:
            door.add(form.cleaned_data, region=Workspace.current().region, by=request.user, now=now)
        except customers.CustomerRefused as refused:
            add_errors(form, refused.errors)
        else:
            messages.success(request, gettext("Kept. Their people are out of the queues."))
            return redirect("compliance_customers")
    return _show(request, now=now, status=422, customer_form=form)


@managers_only
@require_http_methods(["GET", "POST"])
def compliance_customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: change a customer, see which leads are there, or take it off."""
    now = timezone.now()
    customer = get_object_or_404(Customer.objects.select_related("account_owner"), pk=pk)
    form = CustomerForm(request.POST or None, initial=_typed(customer))
    if request.method == "POST" and "remove" in request.POST:
        customers.remove(customer, by=request.user, now=now)
        messages.success(request, gettext("Taken off: their people are leads like others again."))
        return redirect("compliance_customers")
    if request.method == "POST" and form.is_valid():
        try:
            door.change(
                customer, form.cleaned_data, region=Workspace.current().region, by=request.user, now=now
            )
        except customers.CustomerRefused as refused:
            add_errors(form, refused.errors)
        else:
            messages.success(request, gettext("Saved."))
            return redirect("compliance_customers")
    leads = customers.leads_of([customer]).visible_to(request.user).select_related("company", "owner")[:ROWS]  # type: ignore[attr-defined]
    context = {"customer": customer, "form": form, "leads": leads}
    return render(request, "compliance/customer.html", context, status=422 if form.errors else 200)


def _typed(customer: Customer) -> dict[str, Any]:
    return {
        "name": customer.name,
        "domain": customer.domain,
        "number": customer.e164,
        "account_owner": customer.account_owner.username if customer.account_owner else "",
        "since": customer.since,
    }


@managers_only
@require_POST
def compliance_customers_upload(request: HttpRequest) -> HttpResponse:
    """Managers and admins: bring customers from a CSV file; rows that cannot be are refused one by one."""
    now, form = timezone.now(), CustomersFileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MOST_BYTES:
                raise own_list.FileRefused(gettext("larger than 5 MB; split it"))
            rows = _rows(own_list.text_of(file.read()))
        except own_list.FileRefused as refused:
            form.add_error("file", refused.reason[:1].upper() + refused.reason[1:] + ".")
        else:
            brought = door.bring(rows, region=form.cleaned_data["region"], by=request.user, now=now)
            said = ngettext("%(n)d customer added.", "%(n)d customers added.", brought.added) % {
                "n": brought.added
            }
            messages.success(request, said)
            if not brought.refusals:
                return redirect("compliance_customers")
            return _show(request, now=now, brought=brought, refusals=brought.refusals[:REFUSALS_SHOWN])
    return _show(request, now=now, status=422, file_form=form)


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """(line, fields) of every row, by the names the door knows; raises FileRefused."""
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=own_list.separator(text))
    try:
        names = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
        of = {
            field: names[alias]
            for field, aliases in COLUMNS.items()
            for alias in reversed(aliases)
            if alias in names
        }
        if "domain" not in of and "number" not in of:
            wanted = gettext("no column “domain” or “number”; the header has %(names)s")
            raise own_list.FileRefused(wanted % {"names": ", ".join(names)})
        rows = [
            (reader.line_num, {field: (row.get(column) or "").strip() for field, column in of.items()})
            for row in reader
        ]
    except csv.Error as error:
        raise own_list.FileRefused(gettext("not a CSV file (%(error)s)") % {"error": error}) from None
    if len(rows) > MOST_ROWS:
        raise own_list.FileRefused(gettext("more than 10,000 rows; split it"))
    return rows
