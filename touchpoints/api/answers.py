"""How is a refusal of the core told to a program? With the status and code it relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import PermissionDenied

from leads.api.strict import Problem, refuse
from leads.register import FieldError, LeadRefused
from touchpoints import refusals


@contextmanager
def told() -> Iterator[None]:
    """Turn refusals of calls, outcomes and leads into the API's problems."""
    try:
        yield
    except LeadRefused as refused:
        raise refuse(refused.errors) from None
    except refusals.Invalid as refused:
        raise refuse([FieldError(refused.field or "body", refused.code, refused.detail)]) from None
    except refusals.NotYours as refused:
        raise PermissionDenied(refused.detail, refused.code) from None
    except refusals.Refused as refused:
        guard = {"guard": refused.verdict.as_json()} if refused.verdict is not None else {}
        raise Problem(409, refused.code, refused.detail, **guard) from None
