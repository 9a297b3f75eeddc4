"""How does the demo leave, with everything that hangs on it and nothing else?"""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, router, transaction

from crm.accounts.models import Team
from leads.models import AuditEvent, Company, Lead, LeadList, LeadNumber, Number, Workspace

from . import access, lists
from .manifest import ACTION, RENEWED, list_ids, remembered, workspace_values


def clear(*, keep: Any = None) -> dict[str, int]:
    """Remove the demo; returns how many leads, users and numbers went. What real rows point at becomes blank.

    `keep` is whoever asked for it: if a user of the demo, that user stays and becomes a real one.
    """
    with transaction.atomic():
        leads, users = Lead.objects.filter(is_demo=True), get_user_model().objects.filter(is_demo=True)
        if keep is not None:
            users.filter(pk=keep.pk).update(is_demo=False)
        numbers = list(
            LeadNumber.objects.filter(lead__is_demo=True).values_list("number_id", flat=True).distinct()
        )
        gone = {"leads": leads.count(), "users": users.count()}
        for rows in remembered():
            _remove(rows)
        workspace = dict.fromkeys(workspace_values(), "")
        Workspace.objects.filter(pk=1, **workspace_values()).update(**workspace) if workspace else None
        _remove(leads)
        _remove(LeadList.objects.filter(is_demo=True))
        _remove(Company.objects.filter(is_demo=True))
        gone["numbers"] = _remove_orphans(numbers)
        lists.withdraw(list_ids())
        _remove(users)
        _remove(Team.objects.filter(is_demo=True))
        AuditEvent.objects.filter(action__in=(ACTION, RENEWED)).delete()
    access.forget()
    return gone


def _remove_orphans(numbers: list[int]) -> int:
    """Delete those of the demo's numbers that nobody uses any more."""
    gone = 0
    for begin in range(0, len(numbers), 500):
        orphans = Number.objects.filter(pk__in=numbers[begin : begin + 500], links=None)
        ids = list(orphans.values_list("pk", flat=True))
        gone += len(ids)
        _remove(Number.objects.filter(pk__in=ids))
    return gone


def _remove(rows: models.QuerySet[Any]) -> None:
    """Delete rows set by set, first what cascades from them, as the fields' own on_delete says.

    Django's collector does the same row by row in memory, which takes minutes for a demo. A row that is protected
    stays pointed at, so that the database refuses at the end of the transaction.
    """
    # Hidden ones too: a field with related_name="+" points here all the same.
    for relation in rows.model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        model, field = relation.related_model, relation.field
        pointing = model._base_manager.filter(**{f"{field.name}__in": rows.values("pk")})
        if relation.on_delete is models.CASCADE:
            _remove(pointing)
        elif relation.on_delete is models.SET_NULL:
            pointing.update(**{field.name: None})
    for field in rows.model._meta.many_to_many:
        through = field.remote_field.through
        if through._meta.auto_created:
            through._base_manager.filter(**{f"{field.m2m_field_name()}__in": rows.values("pk")}).delete()
    rows._raw_delete(router.db_for_write(rows.model))  # type: ignore[attr-defined]
