"""To whom may this user give a lead? Reps keep it or give it to their pool, managers stay in the team, admins may all.

Who is not allowed and who does not exist get the same answer: the API is no directory.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from leads.models import Lead
from leads.register import home_of


def keeper_of_new(values: dict[str, Any], *, user: Any) -> tuple[Any, Any]:
    """(owner, team) of a lead that `user` makes; `values` is a checked `LeadInput`. Raises ValidationError."""
    if "owner" not in values and "team" not in values:
        return home_of(user)
    return _keeper(values, user=user, owner=None, team=None)


def keeper_after(values: dict[str, Any], lead: Lead, *, user: Any) -> tuple[Any, Any]:
    """(owner, team) of `lead` after what `values` asks for. Raises ValidationError."""
    return _keeper(values, user=user, owner=lead.owner, team=lead.team)


def _keeper(values: dict[str, Any], *, user: Any, owner: Any, team: Any) -> tuple[Any, Any]:
    named_team = _team_named(values["team"], user=user) if values.get("team") else None
    if "owner" in values:
        owner = _owner_named(values["owner"], user=user) if values["owner"] else None
    elif "team" in values and (named_team is None or owner is None or owner.team_id != named_team.pk):
        owner = None  # a lead that moves to another pool leaves its owner
    if owner is not None:
        if named_team is not None and owner.team_id != named_team.pk:
            raise _refused("team", "invalid", _("The owner belongs to another team."))
        return owner, owner.team
    if "team" not in values:
        named_team = team or (None if user.is_admin else user.team)
    if named_team is None and not user.is_admin:
        raise _refused("team", "required", _("Only an admin may leave a lead to nobody; name your team."))
    return None, named_team


def _owner_named(name: str, *, user: Any) -> Any:
    owner = get_user_model().objects.filter(is_active=True, username=name).select_related("team").first()
    in_team = owner is not None and user.team_id is not None and owner.team_id == user.team_id
    if owner is None or not (user.is_admin or owner == user or (user.is_manager and in_team)):
        raise _refused(
            "owner", "does_not_exist", _("There is nobody of this name whom you may give a lead to.")
        )
    return owner


def _team_named(name: str, *, user: Any) -> Any:
    team = Lead._meta.get_field("team").related_model._default_manager.filter(name=name).first()
    if team is None or not (user.is_admin or team.pk == user.team_id):
        raise _refused(
            "team", "does_not_exist", _("There is no team of this name that you may give a lead to.")
        )
    return team


def _refused(field: str, code: str, detail: str) -> ValidationError:
    return ValidationError({field: [ErrorDetail(detail, code)]})
